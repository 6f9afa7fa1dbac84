import { median } from "simple-statistics";
import type { Dataset, Move } from "../data/dataset.ts";
import { isOffline } from "../data/measures.ts";
import { commonSlope, type Point, slopeInterval } from "../data/slope.ts";
import { medianInterval } from "../data/statistics.ts";
import { type CellSample, cellSamples, guestsIn, movesIn } from "./cells.ts";
import { type Claim, type Finding, intervalText, isTooFew, plural, remarks, signed } from "./claim.ts";
import { theseGuests } from "./these-guests.ts";

/** How much of each further second may lie outside of the downtime: the paper's own differ by 1 %. */
const equalWithin = 0.05;

/**
 * Whether an offline move's downtime is its total. What comes before the stop and after the resumption takes as long for a short move as for a long
 * one, so their ratio tells how long the move is. What differs is the gap between them, and whether it grows with the move.
 */
export const downtimeIsTotalClaim: Claim = {
  id: "offline-downtime-is-total",
  says: "Offline, the downtime equals the total migration time",
  judge,
};

const test = {
  name: "slope of the gap, Kendall's test",
  how: `total less downtime against the downtime, medians of guests (median slope of all pairs of guests, Theil and Sen, with its exact interval): reproduced, but for what a move takes besides, when all of the interval is within ${equalWithin * 1000} ms for each second of downtime; not reproduced when none of it is`,
};

function judge(dataset: Dataset, times?: number): Finding {
  const gapOf = ({ record }: Move) =>
    record.downtimeMs === undefined ? undefined : record.totalMs - record.downtimeMs;
  const gaps = cellSamples(dataset, isOffline, gapOf);
  const downtimes = cellSamples(dataset, isOffline, ({ record }) => record.downtimeMs);
  const basis = `${plural(movesIn(gaps), "offline move")} of ${plural(guestsIn(gaps), "guest")}`;
  const cells = gaps.map((gap, index) => ({ gap, downtime: downtimes[index] as CellSample }));
  const guests = [...Map.groupBy(cells, ({ gap }) => gap.unit).values()];
  const line = (of: (cell: CellSample) => number): Point[] =>
    guests.map((own) => ({
      x: median(own.map(({ downtime }) => of(downtime))),
      y: median(own.map(({ gap }) => of(gap))),
    }));
  const points = line((cell) => cell.median);
  const slope = slopeInterval([points]);
  if (!slope)
    return { verdict: "can't tell", test, basis, remark: "it takes offline moves of two guests or more" };
  const ofThese = theseGuests(
    cells.flatMap(({ gap, downtime }) => [gap, downtime]),
    61,
    times,
  )((of) => commonSlope([line(of)]) ?? Number.NaN);
  const sorted = points.map(({ y }) => y).sort((a, b) => a - b);
  const gap = medianInterval(sorted);
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const show = (value: number) => `${signed(value * 1000, 0)} ms`;
  return {
    verdict: verdictOf(slope),
    effect: `total − downtime = ${seconds(median(sorted))} s, ${show(slope.value)} more for each second of downtime`,
    estimate: slope,
    ...(ofThese && { ofThese }),
    show,
    test,
    basis,
    ...remarks(
      gap && `the gap: ${intervalText(gap, (ms) => `${seconds(ms)} s`)}`,
      `downtime / total is ${ratioText(points)}`,
      isTooFew(slope) ? "guests like these: it takes five or more to tell" : undefined,
    ),
  };
}

function verdictOf(slope: { low: number; high: number; confidence: number }): Finding["verdict"] {
  if (isTooFew(slope)) return "can't tell";
  if (slope.low > -equalWithin && slope.high < equalWithin) return "reproduced";
  return slope.low >= equalWithin || slope.high <= -equalWithin ? "not reproduced" : "can't tell";
}

function ratioText(points: readonly Point[]): string {
  const ratios = points.map(({ x, y }) => x / (x + y)).sort((a, b) => a - b);
  const [least, most] = [ratios[0] as number, ratios.at(-1) as number];
  return `${median(ratios).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)} from guest to guest)`;
}
