import type * as z from "zod";
import type { progressSchema } from "../moves/experiment-run.ts";
import { boots, savesMemory } from "../moves/modes.ts";
import type { MigrationRecord } from "../moves/record.ts";
import { doneBy, type StopTimes, type WorkLine, workDone } from "../moves/work-done.ts";

export type RunProgress = z.infer<typeof progressSchema>;

/** When things happened, in ms since 1970, by the clock of the machine that runs the experiment. */
export interface MoveTimes extends StopTimes {
  /** First and last action of the move. */
  startMs: number;
  endMs: number;
  /** Since when the workload was at work: it is halted between moves. */
  workingMs: number;
}

/** How much of the time before the move counts as before, in ms. */
const windowMs = 10_000;

/**
 * What the workload did before, during and in the slowest second of a move. A guest does not see the time for which it is stopped, so its
 * log is laid on our clock first: that time is then there, with nothing done in it. Undefined where the log does not reach from some
 * seconds before the move to its end.
 */
export function progressThrough(lines: readonly WorkLine[], times: MoveTimes): RunProgress | undefined {
  const done = workDone(lines, times);
  const [first, last] = [done[0], done.at(-1)];
  const unit = lines[0]?.unit;
  if (!first || !last || unit === undefined) return undefined;
  const { startMs } = times;
  // A move that takes less than a second is looked at for a second.
  const endMs = Math.max(times.endMs, startMs + 1000);
  const beforeMs = Math.max(first.atMs, times.workingMs + 1000, startMs - windowMs);
  if (startMs - beforeMs < 2000 || last.atMs < endMs) return undefined;
  const perSecond = (fromMs: number, toMs: number) =>
    ((doneBy(done, toMs) - doneBy(done, fromMs)) * 1000) / (toMs - fromMs);
  // The sum is a line with corners: the least that lies between two points a second apart has a corner at one of them.
  const corners = done.flatMap(({ atMs }) => [atMs, atMs - 1000]);
  const seconds = [startMs, endMs - 1000, ...corners].filter((ms) => ms >= startMs && ms <= endMs - 1000);
  return {
    unit,
    beforePerSecond: perSecond(beforeMs, startMs),
    duringPerSecond: perSecond(startMs, endMs),
    slowestPerSecond: Math.max(0, Math.min(...seconds.map((ms) => perSecond(ms, ms + 1000)))),
  };
}

/**
 * What a workload did a second, on the mean, from a moment to its last line. Undefined: it has not counted for some seconds since then.
 *
 * @param sinceMs by the guest's clock, in ms since 1970
 */
export function throughputSince(
  lines: readonly WorkLine[],
  sinceMs: number,
): { unit: string; perSecond: number } | undefined {
  const own = lines.filter(({ at }) => at * 1000 >= sinceMs);
  const [first, last] = [own[0], own.at(-1)];
  if (!first || !last || last.at - first.at < 5) return undefined;
  // What the first line counts was done before it.
  const done = own.slice(1).reduce((sum, { operations }) => sum + operations, 0);
  return { unit: first.unit, perSecond: done / (last.at - first.at) };
}

/** When a record's guest was stopped. Undefined: it was never stopped and resumed (cold), or nobody measured that. */
export function stopOf(
  record: MigrationRecord,
): Pick<MoveTimes, "startMs" | "endMs" | "stoppedMs" | "resumedMs"> | undefined {
  const { mode, startedAt, totalMs, downtimeMs, phases, stop } = record;
  const iterations = phases.find(({ name }) => name === "iterations");
  // An offline move begins with the stop, more or less: a record of an earlier version does not say when it was.
  const afterMs = savesMemory(mode) ? (stop?.stoppedMs ?? 0) : iterations?.endMs;
  if (boots(mode) || downtimeMs === undefined || afterMs === undefined) return undefined;
  const startMs = Date.parse(startedAt);
  const stoppedMs = startMs + afterMs;
  return { startMs, endMs: startMs + totalMs, stoppedMs, resumedMs: stoppedMs + downtimeMs };
}
