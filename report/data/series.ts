import { dirname, join } from "node:path";
import { migrationModes } from "../../moves/modes.ts";
import { resultsFile } from "../../moves/results.ts";
import type { MoveSamples } from "../../moves/samples.ts";
import { isOf, readSamples, samplesFileOf } from "../../moves/samples-file.ts";
import { countedMoves, type Dataset, type Move, type RecordFile } from "./dataset.ts";

/** A move that was sampled, with its series. */
export interface SampledMove {
  move: Move;
  samples: MoveSamples;
  /** Of how many of its mode that were sampled it is the middle one, by total time. */
  of: number;
}

/** Where series of a file's moves are. An experiment's are in the file of the stack on which it was made, by default one of its name. */
function filesOf({ file, head }: RecordFile): string[] {
  const own = samplesFileOf(file);
  if (!head) return [own];
  const { stack = head.experiment } = head.asked as { stack?: string };
  return [own, samplesFileOf(resultsFile(stack, join(dirname(file), "../..")))];
}

/** Of the moves that were sampled: one of each mode, the middle one by total time. Series are large, and the others look alike. */
export async function readSeries(dataset: Dataset): Promise<SampledMove[]> {
  const sampled = countedMoves(dataset).filter(({ record }) => record.sampled !== undefined);
  const middles = migrationModes.flatMap((mode) => {
    const own = sampled
      .filter(({ record }) => record.mode === mode)
      .sort((a, b) => a.record.totalMs - b.record.totalMs);
    const move = own[(own.length - 1) >> 1];
    return move ? [{ move, of: own.length }] : [];
  });
  const records = middles.map(({ move }) => move.record);
  const files = new Set(dataset.sources.flatMap(filesOf));
  const read = await Promise.all([...files].map((file) => readSamples(file, records)));
  return middles.flatMap(({ move, of }) => {
    const samples = read.flat().find((one) => isOf(move.record, one));
    return samples ? [{ move, samples, of }] : [];
  });
}
