import { median } from "simple-statistics";
import type { Dataset, Move } from "../data/dataset.ts";
import { isLive, isOffline } from "../data/measures.ts";
import { percentileInterval, resamples, theilSenSlope } from "../data/statistics.ts";
import { type CellSample, cellSamples, movesIn } from "./cells.ts";
import { above, type Claim, type Finding, intervalText, leastRepeats, plural, signed } from "./claim.ts";

/** How the total migration time grows with memory: the slope between cells that differ in it alone. */
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
  how: `median slope between the medians of cells with the same kind of workload, hosts, link and options (Theil-Sen; of several such kinds the median of theirs), percentile bootstrap within cells, ${resamples} resamples: reproduced when all of the interval is above 0, not reproduced when none of it is`,
};

function judge(dataset: Dataset, which: (move: Move) => boolean, seed: number): Finding {
  const cells = cellSamples(dataset, which, ({ record }) => record.totalMs, seed);
  const { kinds, isMixed } = comparable(cells);
  const kept = kinds.length > 0 ? kinds.flat() : cells;
  const basis = `${plural(movesIn(kept), "move")} in ${plural(kept.length, "cell")}, ${plural(sizesIn(kept), "memory size")}`;
  const slopes = slopesOf(kinds, ({ median }) => median);
  const drawn = Array.from({ length: resamples }, (_, i) =>
    medianOf(slopesOf(kinds, (cell) => cell.drawn[i] as number)),
  );
  const estimate = percentileInterval(medianOf(slopes), drawn);
  if (!estimate) {
    const remark = `it takes two memory sizes or more under the same conditions, with ${leastRepeats} moves each`;
    return { verdict: "can't tell", test, basis, remark };
  }
  const seconds = (value: number) => signed(value / 1000, 2);
  const remarks = [
    ...(isMixed
      ? ["no workload ran in two sizes: what memory does and what workload does cannot be told apart"]
      : []),
    ...(slopes.length > 1
      ? [
          `the median of ${slopes.length} kinds of cells, from ${seconds(Math.min(...slopes))} to ${seconds(Math.max(...slopes))} s`,
        ]
      : []),
  ];
  return {
    verdict: above(estimate, 0),
    effect: `${seconds(estimate.value)} s for each GiB`,
    estimate,
    interval: `${intervalText(estimate, seconds)} s`,
    test,
    basis,
    ...(remarks.length > 0 && { remark: remarks.join("; ") }),
  };
}

/**
 * The cells that can be compared, by kind: those that differ in memory, and in what of the workload grows with it. If no workload ran in
 * several sizes: by conditions alone, and said so. Cells of one size say nothing of memory.
 */
function comparable(cells: readonly CellSample[]): { kinds: CellSample[][]; isMixed: boolean } {
  const sized = (kindOf: (cell: CellSample) => string) =>
    [...Map.groupBy(cells, kindOf).values()].filter((some) => sizesIn(some) > 1);
  const kinds = sized(({ workload, manner }) => `${workload} ${manner}`);
  return kinds.length > 0
    ? { kinds, isMixed: false }
    : { kinds: sized(({ manner }) => manner), isMixed: true };
}

const sizesIn = (cells: readonly CellSample[]): number =>
  new Set(cells.map(({ memoryMiB }) => memoryMiB)).size;

/** In ms for each GiB: of each kind the slope between its cells. */
const slopesOf = (kinds: readonly CellSample[][], value: (cell: CellSample) => number): number[] =>
  kinds
    .map((some) => theilSenSlope(some.map((cell) => ({ x: cell.memoryMiB / 1024, y: value(cell) }))))
    .filter((slope) => slope !== undefined);

const medianOf = (slopes: number[]): number => (slopes.length === 0 ? Number.NaN : median(slopes));
