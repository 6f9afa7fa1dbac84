import type { MigrationRecord } from "../../moves/record.ts";
import type { Switching } from "../past.ts";
import { isEmptied } from "./emptied.ts";

const dayMs = 24 * 60 * 60_000;
const mostMs = 6 * 60 * 60_000;

/** A guest that was moved a short while ago. */
export interface Rest {
  /** Whole minutes. */
  movedMinutesAgo: number;
  /** ISO 8601, UTC. */
  until: string;
}

/**
 * How long a guest is left where it is since it was moved: so long again with each move of the last 24 hours, at most 6 hours. So a guest that
 * a policy is never content with is moved seldom (as the descheduler of OpenShift does it). Undefined: it does not rest.
 *
 * @param records moves of this guest, in any order
 */
export function restOf(
  records: readonly MigrationRecord[],
  restMinutes: number,
  nowMs: number,
): Rest | undefined {
  const moves = records.filter(({ outcome }) => outcome === "completed" || outcome === "recovered");
  const ends = moves.map(({ startedAt, totalMs }) => Date.parse(startedAt) + totalMs);
  const last = Math.max(...ends);
  const lately = ends.filter((end) => end > nowMs - dayMs).length;
  const untilMs = last + Math.min(mostMs, restMinutes * 60_000 * 2 ** (lately - 1));
  // A record of the future is of a clock that was wrong.
  if (!(untilMs > nowMs) || last > nowMs) return undefined;
  return { movedMinutesAgo: Math.floor((nowMs - last) / 60_000), until: minuteOf(untilMs) };
}

/** A host that was switched a short while ago. */
export interface HostRest {
  state: "on" | "off";
  /** ISO 8601, UTC. */
  until: string;
}

/**
 * How long a host is left on, or off where a policy switched it off: one that a person switched off and wants back is wanted at once. Undefined:
 * it does not rest.
 */
export function restOfHost(
  { desired, since, reason }: Switching,
  restMinutes: number,
  nowMs: number,
): HostRest | undefined {
  if (desired === "off" && !isEmptied(reason)) return undefined;
  const sinceMs = Date.parse(since);
  const untilMs = sinceMs + restMinutes * 60_000;
  // See above.
  if (!(untilMs > nowMs) || sinceMs > nowMs) return undefined;
  return { state: desired, until: minuteOf(untilMs) };
}

const minuteOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;
