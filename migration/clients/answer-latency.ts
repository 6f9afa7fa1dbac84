import type { MigrationRecord } from "../../moves/record.ts";
import { rounded } from "../measuring/measure.ts";
import type { ProbeAnswer, Silence } from "./silence.ts";

/** How much is looked at before the guest's stop and after the silence, and in how many steps at most: records stay small. */
const beforeMs = 300;
const afterMs = 900;
const mostSteps = 40;

type Latency = NonNullable<NonNullable<MigrationRecord["client"]>["latency"]>;

/**
 * How long a client waited for answers around the switchover: in steps of equal length, by when the question was sent, the longest wait of those
 * that were answered. A step without any is absent: nothing that was asked then was ever answered.
 *
 * @param stoppedMs when the guest was stopped, on the clock of the answers
 * @param silence around that
 */
export function latencyAround(
  answers: readonly ProbeAnswer[],
  stoppedMs: number,
  silence: Silence,
  intervalMs: number,
): Latency {
  const startMs = stoppedMs - beforeMs;
  const lengthMs = silence.endMs + afterMs - startMs;
  // Each of the two protocols has a question in it.
  const stepMs = Math.max(Math.ceil(lengthMs / mostSteps), 2 * intervalMs);
  const worst = new Map<number, number>();
  for (const { sentMs, arrivedMs } of answers) {
    const step = Math.floor((sentMs - startMs) / stepMs);
    if (step < 0 || sentMs >= startMs + lengthMs) continue;
    worst.set(step, Math.max(worst.get(step) ?? 0, arrivedMs - sentMs));
  }
  const steps = [...worst].sort(([a], [b]) => a - b);
  return {
    stepMs,
    steps: steps.map(([step, worstMs]) => ({
      atMs: rounded(step * stepMs - beforeMs),
      worstMs: rounded(worstMs),
    })),
  };
}
