import { dirname, join } from "node:path";
import { migrationModes } from "../../moves/modes.ts";
import { resultsFile } from "../../moves/results.ts";
import type { MoveSamples } from "../../moves/samples.ts";
import { isOf, readSamples, samplesFileOf } from "../../moves/samples-file.ts";
import { countedMoves, type Dataset, type Move, type RecordFile, rolledBackMoves } from "./dataset.ts";

/** A move that was sampled, with its series. */
export interface SampledMove {
  move: Move;
  samples: MoveSamples;
  /** Of how many of its mode and outcome that were sampled it is the middle one, by total time. */
  of: number;
}

/** Where series of a file's moves are. An experiment's are in the file of the stack on which it was made, by default one of its name. */
function filesOf({ file, head }: RecordFile): string[] {
  const own = samplesFileOf(file);
  if (!head) return [own];
  const { stack = head.experiment } = head.asked as { stack?: string };
  return [own, samplesFileOf(resultsFile(stack, join(dirname(file), "../..")))];
}

/**
 * Of the moves that were sampled: one of each mode, the middle one by total time; then likewise of those that were rolled back. Series are large,
 * and the others look alike.
 */
export async function readSeries(dataset: Dataset): Promise<SampledMove[]> {
  const middles = [...middlesOf(countedMoves(dataset)), ...middlesOf(rolledBackMoves(dataset))];
  const records = middles.map(({ move }) => move.record);
  const files = new Set(dataset.sources.flatMap(filesOf));
  const read = await Promise.all([...files].map((file) => readSamples(file, records)));
  return middles.flatMap(({ move, of }) => {
    const samples = read.flat().find((one) => isOf(move.record, one));
    return samples ? [{ move, samples, of }] : [];
  });
}

const middlesOf = (moves: readonly Move[]): { move: Move; of: number }[] =>
  migrationModes.flatMap((mode) => {
    const own = moves
      .filter(({ record }) => record.mode === mode && record.sampled !== undefined)
      .sort((a, b) => a.record.totalMs - b.record.totalMs);
    const move = own[(own.length - 1) >> 1];
    return move ? [{ move, of: own.length }] : [];
  });
