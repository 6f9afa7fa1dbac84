import { median } from "simple-statistics";
import { countedMoves, type Dataset, type Move } from "./dataset.ts";
import { groupsOf } from "./groups.ts";

/** A figure of a move that is far from those of its repeats. */
interface Outlier {
  move: Move;
  cell: string;
  what: "total" | "downtime";
  value: number;
  median: number;
  /** How far, in robust standard deviations of logarithms. */
  score: number;
}

/** Beyond so many robust standard deviations (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). */
export const outlierFrom = 3.5;

/** Fewer repeats do not tell which of them is far off. */
const leastRepeats = 4;

const measured = [
  { what: "total", of: ({ record }: Move) => record.totalMs },
  { what: "downtime", of: ({ record }: Move) => record.downtimeMs },
] as const;

/**
 * Moves that are far from the median of their cell: they count, and are named. The scale is the median absolute deviation of logarithms, 1.4826 times,
 * of all cells of the mode together or of the cell itself, whichever is greater: that of a few repeats alone may be next to nothing.
 */
export function outliersIn(dataset: Dataset): Outlier[] {
  const groups = groupsOf(countedMoves(dataset)).filter(({ moves }) => moves.length >= leastRepeats);
  return measured.flatMap(({ what, of }) => {
    const residuals = groups.flatMap(({ label, moves }) => {
      const known = moves.flatMap((move) => {
        const value = of(move);
        return value === undefined || value <= 0 ? [] : [{ move, value }];
      });
      if (known.length < leastRepeats) return [];
      const middle = median(known.map(({ value }) => value));
      const off = known.map(({ move, value }) => ({ move, value, off: Math.log(value / middle) }));
      const own = spreadOf(off.map((one) => one.off));
      return off.map((one) => ({ ...one, cell: label, median: middle, own }));
    });
    const byMode = Map.groupBy(residuals, ({ move }) => move.record.mode);
    return [...byMode.values()].flatMap((some) => {
      const shared = spreadOf(some.map(({ off }) => off));
      return some.flatMap(({ move, cell, value, median: middle, off, own }): Outlier[] => {
        const score = off / Math.max(own, shared);
        return Number.isFinite(score) && Math.abs(score) > outlierFrom
          ? [{ move, cell, what, value, median: middle, score }]
          : [];
      });
    });
  });
}

const spreadOf = (residuals: readonly number[]): number => 1.4826 * median(residuals.map(Math.abs));
