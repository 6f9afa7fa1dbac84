import type { MigrationRecord } from "../../moves/record.ts";
import { greatest } from "./silence.ts";

/** How much had arrived in all, at a moment. */
export interface Arrived {
  atMs: number;
  bytes: number;
}

const mib = 1024 * 1024;

interface Interval {
  startMs: number;
  endMs: number;
  mibPerSecond: number;
}

/** What arrived between one sample and the next. */
export const rates = (samples: readonly Arrived[]): Interval[] =>
  samples.slice(1).map(({ atMs: endMs, bytes }, i) => {
    const { atMs: startMs, bytes: before } = samples[i] as Arrived;
    return { startMs, endMs, mibPerSecond: ((bytes - before) / mib / (endMs - startMs)) * 1000 };
  });

/**
 * What a TCP stream to the guest went through in a move: its mean rate before, the slowest interval since, and how long it stayed below
 * half of that mean. Absent: the stream did not flow before, or tells nothing since.
 *
 * @param beganMs when the move began, on the stream's clock
 */
export function throughputOf(samples: readonly Arrived[], beganMs: number): MigrationRecord["throughput"] {
  const [before] = rates(ends(samples.filter(({ atMs }) => atMs <= beganMs)));
  const since = rates(samples).filter(({ endMs }) => endMs > beganMs);
  const slowest = greatest(since, ({ mibPerSecond }) => -mibPerSecond);
  if (!before || !slowest) return undefined;
  const lasted = (all: readonly Interval[]) =>
    all.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  return {
    beforeMiBps: tenth(before.mibPerSecond),
    slowestMiBps: tenth(slowest.mibPerSecond),
    belowHalfMs: tenth(lasted(since.filter(({ mibPerSecond }) => mibPerSecond < before.mibPerSecond / 2))),
    intervalMs: tenth(lasted(since) / since.length),
  };
}

/** The first and the last one; none if there are no two. */
const ends = (samples: readonly Arrived[]): Arrived[] =>
  samples.length < 2 ? [] : [samples[0] as Arrived, samples.at(-1) as Arrived];

const tenth = (value: number): number => Math.round(value * 10) / 10;
