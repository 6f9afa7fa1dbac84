import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { observeGuest, withFleet } from "../../fleet/observe.ts";
import { migrate } from "../../migration/migrate.ts";
import { type MigrationInputs, requestOf } from "../../provider/migration-resource.ts";
import { loadNow } from "./machine.ts";
import { stateOf } from "./pulumi.ts";

export const severalSampleSchema = z.object({
  round: z.int().positive(),
  perHost: z.int().positive().describe("how many moves a host took part in at a time"),
  from: z.string(),
  to: z.string(),
  elapsedMs: z.number().describe("from the first one's request until the last one runs at its destination"),
  mostAtOnce: z.int().describe("moves that were under way at the same time, by their records"),
  moves: z.array(
    z.object({
      guest: z.string(),
      totalMs: z.number(),
      downtimeMs: z.number().optional(),
      waitedMs: z.number(),
      startedAt: z.iso.datetime(),
    }),
  ),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type SeveralSample = z.infer<typeof severalSampleSchema>;

/** The guests are in their stride again. */
const pauseMs = 5_000;

/**
 * Moves all of the stack's guests from one host to another, over and over: one after the other, two at a time, all at once. The order
 * of these changes from round to round. It is the engine that is asked, by all at the same time, as Pulumi does.
 */
export async function measureSeveral(
  stack: string,
  rounds: number,
  onSample: (sample: SeveralSample) => Promise<void>,
): Promise<void> {
  const guests = (await stateOf(stack))
    .filter(({ type }) => type.endsWith("testbed:Migration"))
    .map(({ outputs }) => requestOf(outputs as unknown as MigrationInputs))
    .sort((a, b) => a.guest.localeCompare(b.guest));
  const [first] = guests;
  if (!first || guests.length < 2) throw new Error(`stack ${stack} has no two guests to move at once`);
  const { fleet } = first;
  const [from, to] = Object.keys(fleet.hosts);
  if (!from || !to) throw new Error(`stack ${stack} has no two hosts to move guests between`);

  const moveAll = (host: string, concurrentPerHost: number) =>
    Promise.all(guests.map((guest) => migrate({ ...guest, to: host, concurrentPerHost }, () => {})));
  // Open connections are kept for the whole series, as those of one `pulumi up` are.
  await withFleet(fleet, async (sessions) => {
    const before = await Promise.all(
      guests.map(async ({ uuid }) => (await observeGuest(sessions, fleet, uuid)).sightings),
    );
    const homes = before.map((all) => all.find(({ state }) => state === "running")?.host);
    await moveAll(from, 2);
    let ends = { from, to };
    for (let round = 1; round <= rounds; round++) {
      const limits = [1, 2, guests.length];
      const order = limits.map((_, i) => limits[(i + round) % limits.length] as number);
      for (const perHost of order) {
        await sleep(pauseMs);
        const load = loadNow();
        const startedMs = performance.now();
        const moved = await moveAll(ends.to, perHost);
        const elapsedMs = performance.now() - startedMs;
        const moves = moved.flatMap(({ records }) =>
          records.map(({ guest, totalMs, downtimeMs, waitedMs = 0, startedAt }) => ({
            guest,
            totalMs,
            downtimeMs,
            waitedMs,
            startedAt,
          })),
        );
        await onSample({ round, perHost, ...ends, elapsedMs, mostAtOnce: mostAtOnce(moves), moves, load });
        ends = { from: ends.to, to: ends.from };
      }
    }
    await Promise.all(guests.map((guest, i) => migrate({ ...guest, to: homes[i] ?? from }, () => {})));
  });
}

/** How many moves were under way at the same time at most. */
export function mostAtOnce(moves: readonly { startedAt: string; totalMs: number }[]): number {
  const spans = moves.map(({ startedAt, totalMs }) => ({
    startMs: Date.parse(startedAt),
    endMs: Date.parse(startedAt) + totalMs,
  }));
  // It is greatest when one has just begun.
  return Math.max(
    0,
    ...spans.map(
      ({ startMs }) => spans.filter((span) => span.startMs <= startMs && startMs < span.endMs).length,
    ),
  );
}
