import { overResamples, resampledMedians } from "../data/resampling.ts";
import { type Estimate, randomOf, resamples } from "../data/statistics.ts";
import type { CellSample } from "./cells.ts";
import { leastRepeats } from "./claim.ts";

/** The more moves, the narrower the interval, and the fewer resamples place its ends as exactly in milliseconds. */
const enough = (cells: readonly CellSample[]): number => {
  const most = Math.max(1, ...cells.map(({ samples }) => samples.length));
  return Math.max(2000, Math.min(resamples, Math.round((resamples * 25) / most)));
};

type MedianOf = (cell: CellSample) => number;

/**
 * What the same guests might have said: the medians of their cells are drawn anew, and what was made of them is made again. The random numbers
 * depend on nothing but the order of cells: the same file gives the same report.
 *
 * @returns the interval of a statistic of cells' medians; absent: some cell has too few repeats to draw from
 */
export function theseGuests(
  cells: readonly CellSample[],
  seed: number,
  times = enough(cells),
): (statistic: (of: MedianOf) => number) => Estimate | undefined {
  if (cells.length === 0 || cells.some(({ samples }) => samples.length < leastRepeats))
    return () => undefined;
  const places = new Map(cells.map((cell, index) => [cell, index]));
  const medians = resampledMedians(
    cells.map(({ samples }) => samples),
    randomOf(seed),
    times,
  );
  return (statistic) =>
    overResamples(
      statistic(({ median }) => median),
      (time) => statistic((cell) => medians[places.get(cell) as number]?.[time] as number),
      times,
    );
}
