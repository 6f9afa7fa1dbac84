import { boots } from "../../moves/modes.ts";
import { othersBeside } from "../../prediction/company.ts";
import type { PastGuest } from "../past.ts";
import type { GuestPlan, Plan } from "../plan.ts";

/**
 * The guests of a plan, each that moves with how many other moves of the same update it will share its hosts: what its prediction is made
 * from, in a preview as in the update. Those that come one after the other do not share.
 *
 * @param past where guests were last seen
 */
export function besideOthers(
  { guests, concurrentPerHost, lost }: Pick<Plan, "guests" | "concurrentPerHost" | "lost">,
  past: readonly Pick<PastGuest, "name" | "host">[],
): GuestPlan[] {
  const moves = guests.flatMap((guest) => {
    const from = past.find(({ name }) => name === guest.name)?.host;
    // One that was found nowhere, or is on a host that is lost, is booted.
    if (!from || from === guest.host || lost.includes(from)) return [];
    const sizeMiB = boots(guest.migration.mode) ? 0 : guest.memoryMiB;
    return [{ name: guest.name, after: guest.after ?? [], from, to: guest.host, sizeMiB }];
  });
  const earlier = new Map<string, ReadonlySet<string>>();
  const earlierThan = (name: string): ReadonlySet<string> => {
    const known = earlier.get(name);
    if (known) return known;
    const first = moves.find((move) => move.name === name)?.after ?? [];
    const found = new Set(first.flatMap((before) => [before, ...earlierThan(before)]));
    earlier.set(name, found);
    return found;
  };
  return guests.map((guest) => {
    const move = moves.find(({ name }) => name === guest.name);
    if (!move) return guest;
    const beside = moves.filter(
      ({ name }) =>
        name !== guest.name && !earlierThan(guest.name).has(name) && !earlierThan(name).has(guest.name),
    );
    const others = othersBeside(move, beside, concurrentPerHost);
    return others > 0 ? { ...guest, others } : guest;
  });
}
