import { weightedQuantile } from "simple-statistics";
import { defaultMaxDowntimeMs, defaultTransport } from "../moves/options.ts";
import { type MigrationRecord, pathOf } from "../moves/record.ts";

/** A figure that a record tells, and how much that is worth here. */
export interface Weighted {
  value: number;
  weight: number;
}

/** What a move is like, as far as others resemble it. */
export interface Kind
  extends Pick<MigrationRecord, "guest" | "from" | "to" | "mode" | "accelerator" | "redo">,
    Pick<Partial<MigrationRecord>, "options"> {
  /** How many other moves it shares with, on average over its time. Default: none. */
  others?: number | undefined;
}

/** Each record counts for as much less than the next later one: hosts' other load changes. Half after three. */
export const ageing = 0.5 ** (1 / 3);

/**
 * How much a record tells of another move: less when it is of another guest, other hosts, another mode or other means of transport.
 * Nothing of another accelerator.
 */
export function likeness(record: MigrationRecord, to: Kind): number {
  if (record.accelerator !== to.accelerator) return 0;
  const isSamePath = record.mode === to.mode || (pathOf(record) === "precopy" && to.mode === "live");
  return (
    (record.guest === to.guest ? 1 : 0.4) *
    (isBetween(record, to) ? 1 : 0.1) *
    (isSamePath ? 1 : 0.2) *
    (means(record) === means(to) ? 1 : 0.2) *
    ((record.redo ?? "shared") === (to.redo ?? "shared") ? 1 : 0.3)
  );
}

/**
 * How much of that holds for how fast it goes, and thus for how long it takes in all: a limit sets a pace of its own, more exactly than a link
 * that is shared, and so does each means of transport.
 */
export function paceLikeness({ options = {} }: Pick<Kind, "options">, to: Pick<Kind, "options">): number {
  const limits = [options.bandwidthMiBps, to.options?.bandwidthMiBps];
  const apart = (limits[0] ?? Number.POSITIVE_INFINITY) / (limits[1] ?? Number.POSITIVE_INFINITY);
  const isAlike = Number.isNaN(apart) || (apart >= 0.5 && apart <= 2);
  return (isAlike ? 1 : 0.2) * (means({ options }) === means(to) ? 1 : 0.25);
}

/**
 * How much of that holds for what is left at the switchover and how it is sent. With a limit to the bandwidth memory is sent in bursts, which
 * tells how far below its threshold a pass ends, and nothing is still on its way at the stop. Another greatest downtime, or another speed of the
 * switchover, sets another threshold: below a high one there are pages that were never written to, too, which are next to nothing to send.
 */
export function switchoverLikeness(
  { options = {} }: Pick<Kind, "options">,
  to: Pick<Kind, "options">,
): number {
  const isLimited = (of: Kind["options"]) => of?.bandwidthMiBps !== undefined;
  const most = (of: Kind["options"]) => of?.maxDowntimeMs ?? defaultMaxDowntimeMs;
  const apart = most(options) / most(to.options);
  const isAlike =
    isLimited(options) === isLimited(to.options) &&
    options.switchoverMiBps === to.options?.switchoverMiBps &&
    apart >= 0.5 &&
    apart <= 2;
  return isAlike ? 1 : 0.1;
}

/**
 * How much of that holds where a move shared with more others than the other one, or with fewer: whatever they share, and how equally, it
 * is told best by moves in company alike.
 */
export function companyLikeness(others: number, { others: to = 0 }: Pick<Kind, "others">): number {
  const [fewer, more] = others < to ? [others, to] : [to, others];
  return ((1 + fewer) / (1 + more)) ** 2;
}

/** Whether it was between the same hosts, whichever the direction. */
export const isBetween = (record: MigrationRecord, { from, to }: Pick<Kind, "from" | "to">): boolean =>
  (record.from === from && record.to === to) || (record.from === to && record.to === from);

/** What changes the pace of a transfer, other than its limit. */
const means = ({ options = {} }: Pick<Kind, "options">): string =>
  [options.transport ?? defaultTransport, options.compression, options.parallelConnections].join();

/** The middle one by weight: half of what is known is below. Undefined of nothing. */
export function weightedMedian(values: readonly Weighted[]): number | undefined {
  const counted = values.filter(({ weight }) => weight > 0);
  if (counted.length === 0) return undefined;
  return weightedQuantile(
    counted.map(({ value }) => value),
    counted.map(({ weight }) => weight),
    0.5,
  );
}
