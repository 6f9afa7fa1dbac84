import { migrationModes } from "../../moves/modes.ts";
import { isOf, type MoveSamples, readSamples, samplesFileOf } from "../../moves/samples.ts";
import { countedMoves, type Dataset, type Move } from "./dataset.ts";

/** A move that was sampled, with its series. */
export interface SampledMove {
  move: Move;
  samples: MoveSamples;
  /** Of how many of its mode that were sampled it is the middle one, by total time. */
  of: number;
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
  const files = [...new Set(middles.map(({ move }) => move.file))];
  const read = await Promise.all(
    files.map((file) => {
      const records = middles.flatMap(({ move }) => (move.file === file ? [move.record] : []));
      return readSamples(samplesFileOf(file), records);
    }),
  );
  return middles.flatMap(({ move, of }) => {
    const samples = read.flat().find((one) => isOf(move.record, one));
    return samples ? [{ move, samples, of }] : [];
  });
}
