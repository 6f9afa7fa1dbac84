import * as z from "zod";
import { withoutAbsent } from "../libvirt/without-absent.ts";
import { latencySchema } from "./latency.ts";
import type { Counters, MoveSamples } from "./samples.ts";
import { doneBy, type WorkDone } from "./work-done.ts";

/** What a record keeps of a move's series: sums, and what became of the guest's work. */

const ms = z.number().nonnegative();
const ends = z.object({ source: ms.optional(), destination: ms.optional() }).optional();

/** Throughput under this part of what it was is a brown-out. */
export const brownOutBelow = 0.9;

const workSchema = z.object({
  unit: z.string().describe("what the workload counts, in the plural"),
  beforePerSecond: z.number().positive().describe("mean before the first action"),
  usuallyAtLeastPerSecond: ms.describe(
    "in nineteen of twenty intervals before it was no slower: an uneven workload is slow without being moved",
  ),
  slowestPerSecond: ms.describe("slowest interval since"),
  brownOutMs: ms.describe(
    "how long, since, it was under 90 % of the mean, and slower than usual (usuallyAtLeastPerSecond)",
  ),
  lostMs: ms.describe("how long what was not done in all would have taken at the mean before"),
  intervalMs: ms.describe("how long an interval is: the resolution of brownOutMs"),
  isBack: z.boolean().describe("whether it was over when that was made: if not, it took longer"),
});
type Work = z.infer<typeof workSchema>;

export const sampledSchema = z
  .object({
    intervalMs: z.number().positive().describe("how often hosts were looked at: the resolution of the sums"),
    qemuCpuMs: ends.describe("CPU time of the guest's QEMU, from the first action to the last"),
    hostCpuMs: ends.describe("of all CPUs of the host; a container has those of the whole machine"),
    energyJ: ends.describe("what the hosts' CPU packages drew (RAPL)"),
    sentMiB: ms.optional().describe("by the source's interface to the destination, whoever's it was"),
    work: workSchema.optional().describe("of the guest's workload, by its own log"),
    latency: z
      .object({
        before: latencySchema.optional().describe("of what was asked before the first action"),
        through: latencySchema.describe("from the first action to the last"),
      })
      .optional()
      .describe("how long a client on a third machine waited for the guest's answers"),
  })
  .describe(
    "what was seen of hosts and guest again and again; the series are in results/<stack>.samples.jsonl",
  );
export type Sampled = z.infer<typeof sampledSchema>;

/** @param totalMs the move's */
export function sampledOf(
  {
    intervalMs,
    source,
    destination,
    work,
  }: Pick<MoveSamples, "intervalMs" | "source" | "destination" | "work">,
  totalMs: number,
): Sampled {
  const range = { fromMs: 0, toMs: totalMs, slackMs: 2 * intervalMs };
  const both = (key: Sum) =>
    someOf({ source: growth(source, key, range), destination: growth(destination, key, range) });
  const sentBytes = growth(source, "sentBytes", range);
  return withoutAbsent({
    intervalMs,
    qemuCpuMs: someOf({
      source: growth(source, "qemuCpuMs", { ...range, slackMs: Number.POSITIVE_INFINITY }),
      // It begins there with the move.
      destination: destination.findLast(({ atMs, qemuCpuMs }) => qemuCpuMs !== undefined && atMs <= totalMs)
        ?.qemuCpuMs,
    }),
    hostCpuMs: both("hostCpuMs"),
    energyJ: both("energyJ"),
    sentMiB: sentBytes === undefined ? undefined : tenth(sentBytes / 2 ** 20),
    work: work && workOf(work.unit, work.done),
  });
}

type Sum = "hostCpuMs" | "sentBytes" | "qemuCpuMs" | "energyJ";

/** By how much a counter grew. Absent: it was not known at the beginning, or not until some time before the end. */
function growth(
  series: readonly Counters[],
  key: Sum,
  { fromMs, toMs, slackMs }: { fromMs: number; toMs: number; slackMs: number },
): number | undefined {
  const known = series.flatMap(({ atMs, [key]: value }) =>
    value === undefined ? [] : [{ atMs, operations: value }],
  );
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last || first.atMs > fromMs || last.atMs < Math.max(fromMs, toMs - slackMs))
    return undefined;
  return tenth(doneBy(known, toMs) - doneBy(known, fromMs));
}

function someOf(ends: { source: number | undefined; destination: number | undefined }): Sampled["hostCpuMs"] {
  const known = withoutAbsent(ends);
  return Object.keys(known).length === 0 ? undefined : known;
}

/** So much of the time before a move is its mean made of, at least and at most. */
const leastBeforeMs = 2_000;
const mostBeforeMs = 10_000;

/** What a move did to a workload. Absent: it did nothing before, or its log does not reach far enough. */
export function workOf(unit: string, done: readonly WorkDone[]): Work | undefined {
  const [first, last] = [done[0], done.at(-1)];
  if (!first || !last || first.atMs > -leastBeforeMs || last.atMs <= 0) return undefined;
  const fromMs = Math.max(first.atMs, -mostBeforeMs);
  const [start, end] = [doneBy(done, 0), doneBy(done, last.atMs)];
  const beforePerMs = (start - doneBy(done, fromMs)) / -fromMs;
  if (beforePerMs === 0) return undefined;
  const paces = pacesOf([
    ...done.filter(({ atMs }) => atMs < 0),
    { atMs: 0, operations: start },
    ...done.filter(({ atMs }) => atMs > 0),
  ]);
  const before = paces.filter(({ startMs, endMs }) => startMs >= fromMs && endMs <= 0);
  const since = paces.filter(({ startMs }) => startMs >= 0);
  const lengths = before.map(({ startMs, endMs }) => endMs - startMs).sort((a, b) => a - b);
  const intervalMs = lengths[lengths.length >> 1] as number;
  // A piece of an interval has too little in it to say how slow that is.
  const whole = before.filter(({ startMs, endMs }) => endMs - startMs >= intervalMs / 2);
  const sorted = whole.map(({ perMs }) => perMs).sort((a, b) => a - b);
  const usuallyAtLeast = sorted[Math.floor(sorted.length / 20)] as number;
  const isBrown = ({ perMs }: Stretch) => perMs < Math.min(beforePerMs * brownOutBelow, usuallyAtLeast);
  const sum = (some: readonly Stretch[]) =>
    some.reduce((total, { startMs, endMs }) => total + endMs - startMs, 0);
  return {
    unit,
    beforePerSecond: thousandth(beforePerMs * 1000),
    usuallyAtLeastPerSecond: thousandth(usuallyAtLeast * 1000),
    slowestPerSecond: thousandth(Math.min(...since.map(({ perMs }) => perMs)) * 1000),
    brownOutMs: tenth(sum(since.filter(isBrown))),
    lostMs: tenth(Math.max(0, last.atMs - (end - start) / beforePerMs)),
    intervalMs: tenth(intervalMs),
    isBack: !isBrown(since.at(-1) as Stretch),
  };
}

/** How fast something was done from one moment to the next. */
export interface Stretch {
  startMs: number;
  endMs: number;
  perMs: number;
}

/** Of a sum, from each of its points to the next. */
export const pacesOf = (done: readonly WorkDone[]): Stretch[] =>
  done.slice(1).flatMap(({ atMs, operations }, i) => {
    const before = done[i] as WorkDone;
    const lastedMs = atMs - before.atMs;
    return lastedMs > 0
      ? [{ startMs: before.atMs, endMs: atMs, perMs: (operations - before.operations) / lastedMs }]
      : [];
  });

const tenth = (value: number): number => Math.round(value * 10) / 10;
const thousandth = (value: number): number => Math.round(value * 1000) / 1000;
