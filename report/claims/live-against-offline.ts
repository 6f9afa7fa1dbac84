import { mean } from "simple-statistics";
import type { Dataset, Move } from "../data/dataset.ts";
import { isLive, isOffline } from "../data/measures.ts";
import { type CellSample, cellSamples } from "./cells.ts";
import type { Claim } from "./claim.ts";
import { type GuestCells, judgeGuests } from "./guest-effects.ts";

interface Comparison {
  id: string;
  says: string;
  name: string;
  value: (move: Move) => number | undefined;
  /** The ratio that the claim says is greater than 1. */
  ratio: (live: number, offline: number) => number;
  seed: number;
}

const comparisons: readonly Comparison[] = [
  {
    id: "live-downtime-shorter",
    says: "Live migration's downtime is shorter than offline's",
    name: "offline / live downtime",
    value: ({ record }) => record.downtimeMs,
    ratio: (live, offline) => offline / live,
    seed: 21,
  },
  {
    id: "live-total-longer",
    says: "Live migration's total time is longer than offline's",
    name: "live / offline total",
    value: ({ record }) => record.totalMs,
    ratio: (live, offline) => live / offline,
    seed: 31,
  },
];

/** Live against offline, each guest's live cells against its offline cells under the same conditions and the same limit of the bandwidth. */
export const comparisonClaims: readonly Claim[] = comparisons.map((comparison) =>
  claimOf(comparison, (live, offline) => limitOf(live) === limitOf(offline)),
);

/**
 * The same with a limit for live moves alone, for each that there is: QEMU of the paper's time sent no more than 32 MiB/s unless it was told to,
 * which does nothing to a file that is copied.
 */
export function limitedClaims(dataset: Dataset): Claim[] {
  const offline = cellSamples(dataset, isOffline, () => 1);
  const live = cellSamples(dataset, isLive, () => 1);
  const limits = live.flatMap((one) => {
    const limit = limitOf(one);
    const rival = offline.filter(({ stratum, unit }) => stratum === one.stratum && unit === one.unit);
    const isAlone = rival.some((other) => limitOf(other) === undefined) && limit !== undefined;
    return isAlone && !rival.some((other) => limitOf(other) === limit) ? [limit] : [];
  });
  return [...new Set(limits)]
    .sort((a, b) => a - b)
    .flatMap((limit) =>
      comparisons.map((comparison) =>
        claimOf(
          {
            ...comparison,
            id: `${comparison.id}-at-${limit}`,
            says: `${comparison.says}, live at ${limit} MiB/s`,
          },
          (one, other) => limitOf(one) === limit && limitOf(other) === undefined,
        ),
      ),
    );
}

const limitOf = ({ move }: CellSample): number | undefined => move.record.options?.bandwidthMiBps;

const test = {
  name: "ratio of medians, sign test",
  how: "of each guest the ratio of the medians of its live and its offline moves, under the same conditions (of several the geometric mean); then the median guest: reproduced when all of the interval of guests like these is above 1, not reproduced when none of it is",
};

function claimOf(
  { id, says, name, value, ratio, seed }: Comparison,
  isPair: (live: CellSample, offline: CellSample) => boolean,
): Claim {
  return {
    id,
    says,
    effect: { name, border: 1 },
    judge: (dataset, times) => {
      const live = cellSamples(dataset, isLive, value);
      const offline = cellSamples(dataset, isOffline, value);
      const pairs = live.flatMap((one) =>
        offline
          .filter((other) => other.stratum === one.stratum && other.unit === one.unit && isPair(one, other))
          .map((other) => ({ live: one, offline: other })),
      );
      const guests = [...Map.groupBy(pairs, (pair) => pair.live.unit).values()].map(
        (own): GuestCells => ({
          guest: own[0]?.live.guest as string,
          cells: [...new Set(own.flatMap((pair) => [pair.live, pair.offline]))],
          // A downtime of nothing has no ratio: its logarithm is none.
          effect: (of) => Math.exp(mean(own.map((pair) => Math.log(ratio(of(pair.live), of(pair.offline)))))),
        }),
      );
      const show = (times: number) => times.toFixed(times < 10 ? 2 : 1);
      const takes = "it takes guests with moves both live and offline, under the same conditions";
      return judgeGuests(guests, { name, border: 1, show, test, takes, seed }, times);
    },
  };
}
