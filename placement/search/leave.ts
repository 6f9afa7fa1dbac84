import { Cover } from "../layout/cover.ts";
import { type LaidGuest, type LaidHost, largestFirst } from "../layout/laid.ts";
import type { Layout } from "../layout/layout.ts";
import { pack } from "../layout/pack.ts";
import type { PlacementProblem } from "../terms/reason.ts";
import { improve } from "./improve.ts";
import { byGain, type Reasons, repair } from "./repair.ts";

/**
 * Finds a host for every guest of a drained one: largest first where the score is best, and elsewhere if one that follows has no room then.
 * Within hosts' limits and all rules if that can be, else within their memory and the firm rules. Guests of other hosts stay, unless room
 * must be made and may be.
 */
export function leave(
  layout: Layout,
  { cover, mayMakeRoom }: { cover?: Cover; mayMakeRoom: boolean },
  reasons: Reasons,
): readonly PlacementProblem[] {
  const leaving = leavingOf(layout);
  for (const guest of leaving) reasons.set(guest, { kind: "drained", host: guest.host.name });
  const isLeaving = new Set(leaving);
  const isMovable = new Map(layout.guests.map((guest) => [guest, !guest.isFixed]));
  for (const guest of layout.guests) guest.isFixed = !isLeaving.has(guest);

  const ways = [
    (guest: LaidGuest, host: LaidHost) => layout.fits(guest, host),
    (guest: LaidGuest, host: LaidHost) =>
      layout.hasMemory(guest, host) && layout.keepsRules(guest, host, "firm"),
  ];
  const isPlaced = ways.some((isFit) => placeAll(layout, leaving, isFit));
  if (!isPlaced) {
    const places = layout.places();
    for (const guest of layout.guests) guest.isFixed = !isMovable.get(guest);
    const stuck = placeSome(layout, leaving, mayMakeRoom, reasons);
    if (stuck.length === 0) return [];
    layout.restore(places);
    return stuck;
  }
  // The score where it is best for one after the other is not yet that of all.
  const kept = new Cover(layout);
  const wasCovered = kept.uncoveredMiB() === 0;
  repair(layout, cover, reasons);
  improve(layout, cover ?? (wasCovered ? kept : undefined));
  for (const guest of leaving) reasons.set(guest, { kind: "drained", host: guest.home.name });
  for (const guest of layout.guests) guest.isFixed = !isMovable.get(guest);
  return [];
}

/** Guests that are on a host where none is to be, largest first. */
export const leavingOf = (layout: Layout): readonly LaidGuest[] =>
  largestFirst(layout.guests.filter(({ host }) => !host.isOpen));

function placeAll(
  layout: Layout,
  guests: readonly LaidGuest[],
  isFit: (guest: LaidGuest, host: LaidHost) => boolean,
): boolean {
  return pack(guests, {
    bins: (guest) => byGain(layout, guest, (host) => isFit(guest, host)),
    put: (guest, host) => layout.move(guest, host),
    take: (guest) => layout.move(guest, guest.home),
  });
}

/** As many as can be, so that the others can be said; for each that finds no room, one guest elsewhere may go to a third host. */
function placeSome(
  layout: Layout,
  leaving: readonly LaidGuest[],
  mayMakeRoom: boolean,
  reasons: Reasons,
): readonly PlacementProblem[] {
  const mayTake = (guest: LaidGuest, host: LaidHost) =>
    layout.hasMemory(guest, host) && layout.keepsRules(guest, host, "firm");
  const roomFor = (guest: LaidGuest): LaidHost | undefined => {
    const [roomiest] = byGain(layout, guest, (host) => mayTake(guest, host));
    return roomiest;
  };
  const makeRoom = (guest: LaidGuest): LaidHost | undefined => {
    for (const host of layout.open)
      for (const other of largestFirst(host.guests).reverse()) {
        if (other.isFixed || leaving.includes(other)) continue;
        const [third] = byGain(layout, other, (to) => to !== host && mayTake(other, to));
        if (third === undefined) continue;
        layout.move(other, third);
        if (mayTake(guest, host)) {
          reasons.set(other, { kind: "makes-room", host: host.name, guest: guest.name });
          return host;
        }
        layout.move(other, host);
      }
    return undefined;
  };
  const stuck: LaidGuest[] = [];
  for (const guest of leaving) {
    const to = roomFor(guest) ?? (mayMakeRoom ? makeRoom(guest) : undefined);
    if (to === undefined) stuck.push(guest);
    else layout.move(guest, to);
  }
  return stuck.map((guest) => ({
    kind: "no-place",
    guest: guest.name,
    memoryMiB: guest.needs.memory,
    from: guest.home.name,
    hosts: layout.hosts
      .filter((host) => host !== guest.home)
      .map((host) => ({
        host: host.name,
        leftMiB: host.leftMiB,
        isDrained: !host.isOpen,
        rules: layout.brokenAt(guest, host),
      })),
  }));
}
