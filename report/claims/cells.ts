import { median } from "simple-statistics";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf, mannerOf, stratumOf } from "../data/groups.ts";
import { dirtyMiBps, workloadOf } from "../data/measures.ts";
import { bootstrapMedians, randomOf } from "../data/statistics.ts";
import { leastRepeats } from "./claim.ts";

/** The repeats of a cell, as the tests between cells take them: by their median, and by what that might have been. */
export interface CellSample {
  label: string;
  stratum: string;
  manner: string;
  /** The kind of its workload. */
  workload: string;
  memoryMiB: number;
  count: number;
  /** Median of its moves' own means; absent: none of them tells it. */
  dirtyMiBps?: number;
  median: number;
  /** Medians of resamples, by number: what the same repeats might have said. */
  drawn: Float64Array;
}

/**
 * The cells of the moves asked for that have repeats enough, each with the medians of its bootstrap. The random numbers depend on nothing but the
 * order of cells: the same file gives the same report.
 */
export function cellSamples(
  dataset: Dataset,
  which: (move: Move) => boolean,
  value: (move: Move) => number | undefined,
  seed: number,
): CellSample[] {
  const random = randomOf(seed);
  return groupsOf(countedMoves(dataset).filter(which)).flatMap(({ label, moves }) => {
    const values = moves.map(value).filter((one) => one !== undefined);
    if (values.length < leastRepeats) return [];
    const [first] = moves as [Move, ...Move[]];
    const { record } = first;
    const rates = moves.map((move) => dirtyMiBps(move.record)).filter((rate) => rate !== undefined);
    return [
      {
        label,
        stratum: stratumOf(first),
        manner: mannerOf(first),
        workload: workloadOf(record),
        memoryMiB: record.memoryMiB,
        count: values.length,
        ...(rates.length > 0 && { dirtyMiBps: median(rates) }),
        median: median(values),
        drawn: bootstrapMedians(values, random),
      },
    ];
  });
}

export const movesIn = (cells: readonly CellSample[]): number =>
  cells.reduce((sum, { count }) => sum + count, 0);
