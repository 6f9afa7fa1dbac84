import { median } from "simple-statistics";
import type { Dataset, Move } from "../dataset.ts";
import { isLive, isOffline } from "../measures.ts";
import { percentileInterval, resamples, theilSenSlope } from "../statistics.ts";
import { type CellSample, cellSamples, movesIn } from "./cells.ts";
import { above, type Claim, type Finding, intervalText, leastRepeats, plural, signed } from "./claim.ts";

/** How the total migration time grows with memory: the slope between cells of the same kind of workload. */
export const memoryClaims: readonly Claim[] = [
  {
    id: "offline-total-grows",
    says: "Offline, the total migration time grows with memory",
    judge: (dataset) => judge(dataset, isOffline, 11),
  },
  {
    id: "live-total-grows",
    says: "Live, the total migration time grows with memory",
    judge: (dataset) => judge(dataset, isLive, 12),
  },
];

const test = {
  name: "Theil-Sen slope, bootstrap",
  how: `median slope between the cells' medians (Theil-Sen), percentile bootstrap within cells, ${resamples} resamples: reproduced when all of the interval is above 0, not reproduced when none of it is`,
};

function judge(dataset: Dataset, which: (move: Move) => boolean, seed: number): Finding {
  const cells = cellSamples(dataset, which, ({ record }) => record.totalMs, seed);
  const { kept, isMixed } = comparable(cells);
  const basis = `${plural(movesIn(kept), "move")} in ${plural(kept.length, "cell")}, ${plural(new Set(kept.map(({ memoryMiB }) => memoryMiB)).size, "memory size")}`;
  const slope = slopeOf(kept, ({ median }) => median);
  const drawn = Array.from({ length: resamples }, (_, i) => slopeOf(kept, (cell) => cell.drawn[i] as number));
  const estimate =
    slope === undefined
      ? undefined
      : percentileInterval(
          slope,
          drawn.map((one) => one ?? Number.NaN),
        );
  if (!estimate) {
    const remark = `it takes two memory sizes or more, with ${leastRepeats} moves each`;
    return { verdict: "can't tell", test, basis, remark };
  }
  const seconds = (value: number) => signed(value / 1000, 2);
  return {
    verdict: above(estimate, 0),
    effect: `${seconds(estimate.value)} s for each GiB`,
    estimate,
    interval: `${intervalText(estimate, seconds)} s`,
    test,
    basis,
    ...(isMixed && {
      remark: "no workload ran in two sizes: what memory does and what workload does cannot be told apart",
    }),
  };
}

/**
 * The cells whose workload ran in several sizes; where there is none, all, and said so. Same means the same kind: a working set may grow with
 * the guest.
 */
function comparable(cells: readonly CellSample[]): { kept: CellSample[]; isMixed: boolean } {
  const byKind = Map.groupBy(cells, kindOf);
  const sized = [...byKind.values()].filter(
    (some) => new Set(some.map(({ memoryMiB }) => memoryMiB)).size > 1,
  );
  return sized.length > 0
    ? { kept: sized.flat(), isMixed: false }
    : { kept: [...cells], isMixed: cells.length > 0 };
}

const kindOf = ({ workload }: CellSample): string => workload;

/** In ms for each GiB: the median over kinds of workload of the slopes between their cells. */
function slopeOf(cells: readonly CellSample[], value: (cell: CellSample) => number): number | undefined {
  const { kept, isMixed } = comparable(cells);
  const groups = isMixed ? [kept] : [...Map.groupBy(kept, kindOf).values()];
  const slopes = groups
    .map((some) => theilSenSlope(some.map((cell) => ({ x: cell.memoryMiB / 1024, y: value(cell) }))))
    .filter((slope) => slope !== undefined);
  return slopes.length === 0 ? undefined : median(slopes);
}
