import * as z from "zod";

/** What a guest's workload writes again and again: what it did since the line before. */
const lineSchema = z.object({
  at: z.number().positive().describe("the guest's clock, seconds since 1970"),
  operations: z.number().nonnegative(),
  unit: z.string(),
});
export type WorkLine = z.infer<typeof lineSchema>;

/** The lines of a workload's log, oldest first. What is no line (the beginning of a tail, the end of one being written) is passed over. */
export function parseWorkLog(text: string): WorkLine[] {
  return text.split("\n").flatMap((line) => {
    try {
      return lineSchema.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });
}

/** When a guest stood still, and how far its clock was ahead of ours: a guest that is stopped misses time. */
export interface StopTimes {
  /** When its CPUs stopped at the source, and when they ran again; ms by our clock. */
  stoppedMs: number;
  resumedMs: number;
  /** The guest's clock less ours, before and after that. */
  offsetBeforeMs: number;
  offsetAfterMs: number;
}

/** How much was done by a moment, counted from the first line. */
export interface WorkDone {
  atMs: number;
  operations: number;
}

/**
 * A workload's log as a sum over time, on our clock. A guest does not see the time for which it is stopped: it is there in the sum, with
 * nothing done in it.
 */
export function workDone(lines: readonly WorkLine[], times: StopTimes): WorkDone[] {
  const { stoppedMs, resumedMs, offsetBeforeMs, offsetAfterMs } = times;
  const [stoppedAt, resumedAt] = [stoppedMs + offsetBeforeMs, resumedMs + offsetAfterMs];
  const points: WorkDone[] = [];
  let operations = 0;
  for (const [index, line] of lines.entries()) {
    const guestMs = line.at * 1000;
    const beforeMs = (lines[index - 1]?.at ?? Number.NaN) * 1000;
    if (beforeMs <= stoppedAt && guestMs > stoppedAt) {
      // It was stopped while this line's work was done: part of that came before, the rest after.
      const [first, rest] = [stoppedAt - beforeMs, Math.max(0, guestMs - resumedAt)];
      const soFar = operations + (first + rest > 0 ? first / (first + rest) : 0) * line.operations;
      points.push({ atMs: stoppedMs, operations: soFar }, { atMs: resumedMs, operations: soFar });
    }
    // What the first line counts began before the log.
    if (index > 0) operations += line.operations;
    const atMs = guestMs - (guestMs <= stoppedAt ? offsetBeforeMs : offsetAfterMs);
    points.push({ atMs: Math.max(atMs, points.at(-1)?.atMs ?? atMs), operations });
  }
  return points;
}

/** How much was done by a moment; between two points evenly, beyond them as much as at the end. */
export function doneBy(done: readonly WorkDone[], atMs: number): number {
  const next = done.findIndex((point) => point.atMs >= atMs);
  const after = done[next];
  const before = done[next - 1];
  if (!after) return done.at(-1)?.operations ?? 0;
  if (!before || after.atMs === before.atMs) return after.operations;
  return (
    before.operations +
    ((atMs - before.atMs) / (after.atMs - before.atMs)) * (after.operations - before.operations)
  );
}
