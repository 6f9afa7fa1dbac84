import * as z from "zod";
import { withoutAbsent } from "../libvirt/without-absent.ts";

/** How long a client on a third machine waits for a guest's answers: of all that it asked in some time. */

const count = z.int().nonnegative();
const roundTripMs = z.number().nonnegative().optional();

export const latencySchema = z.object({
  answered: count.describe("questions sent in that time that were answered, however late"),
  unanswered: count.describe("those that were not, nor in the second after it"),
  p50Ms: roundTripMs.describe("median time from a question to its answer; absent: fewer than 2 answers"),
  p99Ms: roundTripMs.describe("99th percentile; absent: fewer than 100 answers"),
  p999Ms: roundTripMs.describe("99.9th percentile; absent: fewer than 1000 answers"),
});
export type Latency = z.infer<typeof latencySchema>;

/**
 * @param roundTripsMs of the questions that were answered, in any order
 * @param asked how many questions were sent, no fewer than were answered
 */
export function latencyOf(roundTripsMs: readonly number[], asked: number): Latency {
  const sorted = roundTripsMs.toSorted((a, b) => a - b);
  return withoutAbsent({
    answered: sorted.length,
    unanswered: asked - sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    p999Ms: percentile(sorted, 0.999),
  });
}

/**
 * The least of them that so large a part is not above (nearest rank): one that was measured. Absent: there are so few that it would be but the
 * greatest.
 */
function percentile(sorted: readonly number[], part: number): number | undefined {
  // 1000 * 0.999 is not 999 in binary fractions.
  const above = Math.floor(Math.round(sorted.length * (1 - part) * 1e6) / 1e6);
  return above < 1 ? undefined : hundredth(sorted[sorted.length - above - 1] as number);
}

const hundredth = (ms: number): number => Math.round(ms * 100) / 100;
