import type { ProposedStep } from "../terms/policy.ts";

/** What of a move counts for when it can begin. */
export type ScheduledStep = Pick<ProposedStep, "guest" | "from" | "to" | "after">;

/**
 * When the last of some moves is over, in milliseconds: each begins as soon as those it waits for are over and both of its hosts take part in
 * fewer moves than they may, in the order of the list.
 *
 * @param msOf how long a guest's move takes
 * @param perHost how many moves a host takes part in at a time
 */
export function scheduledMs(
  steps: readonly ScheduledStep[],
  msOf: (guest: string) => number,
  perHost: number,
): number {
  const endMs = new Map<number, number>();
  const waiting = new Set(steps.keys());
  let nowMs = 0;
  for (;;) {
    const underWay = [...endMs].filter(([, end]) => end > nowMs).map(([at]) => at);
    const busy = new Map<string, number>();
    const take = (at: number) => {
      const { from = "", to = "" } = steps[at] ?? {};
      for (const host of [from, to]) busy.set(host, (busy.get(host) ?? 0) + 1);
    };
    underWay.forEach(take);
    const isOver = (at: number) => (endMs.get(at) ?? Number.POSITIVE_INFINITY) <= nowMs;
    for (const at of waiting) {
      const { guest, from, to, after } = steps[at] as ScheduledStep;
      const hasPlace = [from, to].every((host) => (busy.get(host) ?? 0) < perHost);
      if (!hasPlace || !after.every(isOver)) continue;
      waiting.delete(at);
      endMs.set(at, nowMs + Math.max(1, msOf(guest)));
      take(at);
    }
    const next = Math.min(...[...endMs.values()].filter((end) => end > nowMs));
    if (Number.isFinite(next)) nowMs = next;
    else return nowMs;
  }
}
