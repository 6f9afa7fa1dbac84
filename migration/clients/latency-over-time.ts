import { type Latency, latencyOf } from "../../moves/latency.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { MoveSamples } from "../../moves/samples.ts";
import { rounded } from "../measuring/measure.ts";
import type { Answers } from "./prober.ts";

/** An answer that is not there a second after its question may come all the same, but nobody waits for it. */
export const patienceMs = 1_000;
/** So much of the time before a move is its own latency of, at most. */
const mostBeforeMs = 10_000;

type Told = Pick<Answers, "all" | "batches">;

/**
 * How long a guest's answers took, second by second of its move. A second ends with the first of the prober's lines beyond it, since only these
 * say how much was asked; the last ones, whose answers may be on their way, are not there.
 *
 * @param beganMs when the move began, on the prober's clock
 */
export function latencySeconds(told: Told, beganMs: number): NonNullable<MoveSamples["latency"]>["seconds"] {
  const secondOf = (ms: number): number => Math.floor((ms - beganMs) / 1000);
  const edges: number[] = [];
  for (const ms of settledEnds(told))
    if (edges.length === 0 || secondOf(ms) > secondOf(edges.at(-1) as number)) edges.push(ms);
  return latencyBetween(told, edges).map(({ startMs, endMs, ...latency }) => ({
    startMs: rounded(startMs - beganMs),
    endMs: rounded(endMs - beganMs),
    ...latency,
  }));
}

/**
 * The same before a move, and through all of it. Absent: the prober does not know all of it.
 *
 * @param endMs when it ended, on the prober's clock like `beganMs`
 */
export function latencyThrough(
  told: Told,
  beganMs: number,
  endMs: number,
): NonNullable<MigrationRecord["sampled"]>["latency"] {
  const ends = settledEnds(told);
  const first = ends.find((ms) => ms >= beganMs - mostBeforeMs);
  // The tenth of a second in which it began is of neither.
  const [before, since] = [ends.findLast((ms) => ms <= beganMs), ends.find((ms) => ms >= beganMs)];
  const last = ends.find((ms) => ms >= endMs);
  if (first === undefined || before === undefined || since === undefined || last === undefined)
    return undefined;
  const [through] = latencyBetween(told, [since, last]);
  const [earlier] = first < before ? latencyBetween(told, [first, before]) : [];
  if (!through) return undefined;
  return { ...(earlier && { before: latencyAlone(earlier) }), through: latencyAlone(through) };
}

interface Span {
  startMs: number;
  endMs: number;
}

const latencyAlone = ({ startMs: _, endMs: __, ...latency }: Latency & Span): Latency => latency;

/**
 * When the prober said what it had sent: of all that was asked between two of these it is known how much that was, and what was answered. Not so
 * of what was asked before the first answer that is known: earlier ones are forgotten, or waited until somebody knew where the guest is (ARP).
 */
function settledEnds({ all: [first], batches }: Told): number[] {
  const last = batches.at(-1);
  if (!first || !last) return [];
  return batches
    .map(({ atMs }) => atMs)
    .filter((ms) => ms >= first.arrivedMs && ms <= last.atMs - patienceMs);
}

/** @param edges some of the ends of batches, in their order */
function latencyBetween({ all, batches }: Told, edges: readonly number[]): (Latency & Span)[] {
  // One question can have two answers (by ICMP's echo and time stamp): the first counts.
  const waits = new Map<number, number>();
  for (const { sentMs, arrivedMs } of all)
    waits.set(sentMs, Math.min(waits.get(sentMs) ?? Number.POSITIVE_INFINITY, arrivedMs - sentMs));
  const answered = [...waits].sort(([one], [other]) => one - other);
  let [answer, batch] = [0, 0];
  return edges.slice(0, -1).map((startMs, i) => {
    const endMs = edges[i + 1] as number;
    const roundTripsMs: number[] = [];
    let asked = 0;
    for (; batch < batches.length && (batches[batch]?.atMs as number) <= endMs; batch++)
      if ((batches[batch]?.atMs as number) > startMs) asked += batches[batch]?.sent as number;
    for (; answer < answered.length && (answered[answer]?.[0] as number) <= endMs; answer++)
      if ((answered[answer]?.[0] as number) > startMs) roundTripsMs.push(answered[answer]?.[1] as number);
    return { startMs, endMs, ...latencyOf(roundTripsMs, asked) };
  });
}
