import * as z from "zod";
import type { progressSchema } from "../moves/experiment-run.ts";
import { boots, savesMemory } from "../moves/modes.ts";
import type { MigrationRecord } from "../moves/record.ts";

/** What a guest's workload writes every second: what it did since the line before. */
const lineSchema = z.object({
  at: z.number().positive().describe("the guest's clock, seconds since 1970"),
  operations: z.number().nonnegative(),
  unit: z.string(),
});
export type ProgressLine = z.infer<typeof lineSchema>;
export type RunProgress = z.infer<typeof progressSchema>;

/** The lines of a workload's log, oldest first. What is no line (the beginning of a tail, the end of one being written) is passed over. */
export function parseProgressLog(text: string): ProgressLine[] {
  return text.split("\n").flatMap((line) => {
    try {
      return lineSchema.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });
}

/** When things happened, in ms since 1970, by the clock of the machine that runs the experiment. */
export interface MoveTimes {
  /** First and last action of the move. */
  startMs: number;
  endMs: number;
  /** When the guest's CPUs stopped at the source, and when they ran again. */
  stoppedMs: number;
  resumedMs: number;
  /** Since when the workload was at work: it is halted between moves. */
  workingMs: number;
  /** How far the guest's clock was ahead of ours, before the move and after it: a guest that is stopped misses time. */
  offsetBeforeMs: number;
  offsetAfterMs: number;
}

/** How much of the time before the move counts as before, in ms. */
const windowMs = 10_000;

/**
 * What the workload did before, during and in the slowest second of a move. A guest does not see the time for which it is stopped, so its
 * log is laid on our clock first: that time is then there, with nothing done in it. Undefined where the log does not reach from some
 * seconds before the move to its end.
 */
export function progressThrough(lines: readonly ProgressLine[], times: MoveTimes): RunProgress | undefined {
  const done = doneBy(lines, times);
  const [first, last] = [done[0], done.at(-1)];
  const unit = lines[0]?.unit;
  if (!first || !last || unit === undefined) return undefined;
  const { startMs } = times;
  // A move that takes less than a second is looked at for a second.
  const endMs = Math.max(times.endMs, startMs + 1000);
  const beforeMs = Math.max(first.ms, times.workingMs + 1000, startMs - windowMs);
  if (startMs - beforeMs < 2000 || last.ms < endMs) return undefined;
  const perSecond = (fromMs: number, toMs: number) =>
    ((at(done, toMs) - at(done, fromMs)) * 1000) / (toMs - fromMs);
  // The sum is a line with corners: the least that lies between two points a second apart has a corner at one of them.
  const corners = done.flatMap(({ ms }) => [ms, ms - 1000]);
  const seconds = [startMs, endMs - 1000, ...corners].filter((ms) => ms >= startMs && ms <= endMs - 1000);
  return {
    unit,
    beforePerSecond: perSecond(beforeMs, startMs),
    duringPerSecond: perSecond(startMs, endMs),
    slowestPerSecond: Math.max(0, Math.min(...seconds.map((ms) => perSecond(ms, ms + 1000)))),
  };
}

/** How much was done by a moment, counted from the first line. */
interface Done {
  ms: number;
  operations: number;
}

/** The log as a sum over time, on our clock. */
function doneBy(lines: readonly ProgressLine[], times: MoveTimes): Done[] {
  const { stoppedMs, resumedMs, offsetBeforeMs, offsetAfterMs } = times;
  const [stoppedAt, resumedAt] = [stoppedMs + offsetBeforeMs, resumedMs + offsetAfterMs];
  const points: Done[] = [];
  let operations = 0;
  for (const [index, line] of lines.entries()) {
    const guestMs = line.at * 1000;
    const beforeMs = (lines[index - 1]?.at ?? Number.NaN) * 1000;
    if (beforeMs <= stoppedAt && guestMs > stoppedAt) {
      // It was stopped while this line's work was done: part of that came before, the rest after.
      const [first, rest] = [stoppedAt - beforeMs, Math.max(0, guestMs - resumedAt)];
      const soFar = operations + (first + rest > 0 ? first / (first + rest) : 0) * line.operations;
      points.push({ ms: stoppedMs, operations: soFar }, { ms: resumedMs, operations: soFar });
    }
    // What the first line counts began before the log.
    if (index > 0) operations += line.operations;
    const ms = guestMs - (guestMs <= stoppedAt ? offsetBeforeMs : offsetAfterMs);
    points.push({ ms: Math.max(ms, points.at(-1)?.ms ?? ms), operations });
  }
  return points;
}

function at(done: readonly Done[], ms: number): number {
  const next = done.findIndex((point) => point.ms >= ms);
  const after = done[next];
  const before = done[next - 1];
  if (!after) return done.at(-1)?.operations ?? 0;
  if (!before || after.ms === before.ms) return after.operations;
  return (
    before.operations + ((ms - before.ms) / (after.ms - before.ms)) * (after.operations - before.operations)
  );
}

/**
 * What a workload did a second, on the mean, from a moment to its last line. Undefined: it has not counted for some seconds since then.
 *
 * @param sinceMs by the guest's clock, in ms since 1970
 */
export function throughputSince(
  lines: readonly ProgressLine[],
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
  const { mode, startedAt, totalMs, downtimeMs, phases } = record;
  const iterations = phases.find(({ name }) => name === "iterations");
  // An offline move begins with the stop.
  const afterMs = savesMemory(mode) ? 0 : iterations?.endMs;
  if (boots(mode) || downtimeMs === undefined || afterMs === undefined) return undefined;
  const startMs = Date.parse(startedAt);
  const stoppedMs = startMs + afterMs;
  return { startMs, endMs: startMs + totalMs, stoppedMs, resumedMs: stoppedMs + downtimeMs };
}
