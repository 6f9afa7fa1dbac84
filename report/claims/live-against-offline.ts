import { geometricMean } from "simple-statistics";
import type { Dataset, Move } from "../data/dataset.ts";
import { isLive, isOffline } from "../data/measures.ts";
import { percentileInterval, resamples } from "../data/statistics.ts";
import { type CellSample, cellSamples, movesIn } from "./cells.ts";
import { above, type Claim, type Finding, intervalText, leastRepeats, plural } from "./claim.ts";

/** Live against offline, each guest's live cells against its offline cells under the same conditions. */
export const comparisonClaims: readonly Claim[] = [
  {
    id: "live-downtime-shorter",
    says: "Live migration's downtime is shorter than offline's",
    judge: (dataset) => judge(dataset, ({ record }) => record.downtimeMs, "offline / live downtime", 21),
  },
  {
    id: "live-total-longer",
    says: "Live migration's total time is longer than offline's",
    judge: (dataset) => judge(dataset, ({ record }) => record.totalMs, "live / offline total", 31),
  },
];

const test = {
  name: "ratio of medians, bootstrap",
  how: `ratio of medians, same memory, workload, hosts, link and bandwidth limit, geometric mean over the pairs of cells; percentile bootstrap within cells, ${resamples} resamples: reproduced when all of the interval is above 1, not reproduced when none of it is`,
};

function judge(
  dataset: Dataset,
  value: (move: Move) => number | undefined,
  name: string,
  seed: number,
): Finding {
  const live = cellSamples(dataset, isLive, value, seed);
  const offline = cellSamples(dataset, isOffline, value, seed + 1);
  const pairs = live.flatMap((one) =>
    offline.filter(({ stratum }) => stratum === one.stratum).map((other) => ({ live: one, offline: other })),
  );
  const used = [...new Set(pairs.flatMap((pair) => [pair.live, pair.offline]))];
  const basis = `${plural(movesIn(used), "move")}, ${plural(pairs.length, "pair")} of cells`;
  const ratioOf = (at: (cell: CellSample) => number) =>
    pairs.length === 0 ? Number.NaN : mean(pairs.map((pair) => ratio(at(pair.live), at(pair.offline), name)));
  const drawn = Array.from({ length: resamples }, (_, i) => ratioOf((cell) => cell.drawn[i] as number));
  const estimate = percentileInterval(
    ratioOf(({ median }) => median),
    drawn,
  );
  if (!estimate) {
    const remark = `it takes a guest with ${leastRepeats} moves or more both live and offline, under the same conditions`;
    return { verdict: "can't tell", test, basis, remark };
  }
  const show = (times: number) => times.toFixed(times < 10 ? 2 : 1);
  const agreeing = pairs.filter((pair) => ratio(pair.live.median, pair.offline.median, name) > 1).length;
  return {
    verdict: above(estimate, 1),
    effect: `${name} = ${show(estimate.value)}`,
    estimate,
    interval: intervalText(estimate, show),
    test,
    basis,
    remark: `above 1 in ${agreeing} of ${plural(pairs.length, "pair")}`,
  };
}

/** The ratio that the claim says is greater than 1. */
const ratio = (live: number, offline: number, name: string): number =>
  name.startsWith("offline") ? offline / live : live / offline;

/** Of ratios; a downtime of nothing has none. */
const mean = (ratios: readonly number[]): number =>
  ratios.every((one) => one > 0 && Number.isFinite(one)) ? geometricMean([...ratios]) : Number.NaN;
