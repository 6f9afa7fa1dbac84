import { Cover } from "../layout/cover.ts";
import type { LaidGuest, LaidHost, LaidRule } from "../layout/laid.ts";
import type { Layout } from "../layout/layout.ts";

interface SequencedMove {
  guest: LaidGuest;
  from: LaidHost;
  to: LaidHost;
  /** Where in the list those are that must be over before it begins. */
  after: readonly number[];
  isDetour: boolean;
}

export interface Sequence {
  moves: readonly SequencedMove[];
  /** Guests that can't get to where they are to go. */
  stuck: readonly { guest: LaidGuest; to: LaidHost; leftMiB: number }[];
}

type Wish = readonly [guest: LaidGuest, to: LaidHost];
type Leg = Omit<SequencedMove, "after">;

/** Of more moves than these, no other order is tried where the first one gets stuck. */
const mostSearched = 200;
/** So many steps are tried in search of an order. */
const tries = 5_000;

/**
 * Finds an order of moves in which each destination has room while its guest is at both ends, no firm rule is broken on the way, and any
 * host may be lost after each (N+1) if that holds at the start and the end. Where all wait for one another, the smallest guest that helps
 * goes round by a third host. Moves whose `after` are over may be made at the same time: their rooms do not depend on one another.
 *
 * @param layout as it is; it is as it was afterwards
 */
export function sequence(
  layout: Layout,
  places: readonly LaidHost[],
  cover: Cover = new Cover(layout),
): Sequence {
  const start = layout.places();
  const wishes = layout.guests
    .flatMap((guest): Wish[] => {
      const to = places[guest.index];
      return to === undefined || to === guest.host ? [] : [[guest, to]];
    })
    // The longest first, as the last one to end is what all wait for.
    .sort(([one], [other]) => other.price - one.price || one.index - other.index);
  const kept = isKept(layout, places, cover) ? cover : undefined;
  const legs: Leg[] = [];
  let pending = wishes;
  const wentRound = new Set<LaidGuest>();
  for (;;) {
    const made = longest(layout, pending, kept);
    for (const [guest, to] of made) legs.push({ guest, from: go(layout, guest, to), to, isDetour: false });
    const isMade = new Set(made);
    pending = pending.filter((wish) => !isMade.has(wish));
    const detour = pending.length > 0 && detourFor(layout, pending, wentRound, kept);
    if (!detour) break;
    const [guest, to] = detour;
    wentRound.add(guest);
    legs.push({ guest, from: go(layout, guest, to), to, isDetour: true });
  }
  const stuck = pending.map(([guest, to]) => ({ guest, to, leftMiB: to.leftMiB }));
  layout.restore(start);
  return { moves: withWaiting(layout, legs), stuck };
}

function go(layout: Layout, guest: LaidGuest, to: LaidHost): LaidHost {
  const from = guest.host;
  layout.move(guest, to);
  return from;
}

/** Whether any host may be lost, if that holds where guests are and where they are to go. */
function isKept(layout: Layout, places: readonly LaidHost[], cover: Cover): boolean {
  if (cover.uncoveredMiB() > 0) return false;
  const now = layout.places();
  layout.restore(places);
  const uncoveredMiB = cover.uncoveredMiB();
  layout.restore(now);
  return uncoveredMiB === 0;
}

/** As many of the moves as can be made one after the other, in that order. The layout is left as it was. */
function longest(layout: Layout, wishes: readonly Wish[], cover?: Cover): readonly Wish[] {
  const first = inTurn(layout, wishes, cover);
  return first.length === wishes.length || wishes.length > mostSearched
    ? first
    : searched(layout, wishes, cover);
}

/** Each move as soon as it can be made. */
function inTurn(layout: Layout, wishes: readonly Wish[], cover?: Cover): readonly Wish[] {
  const places = layout.places();
  const made: Wish[] = [];
  let waiting = wishes;
  for (let before = -1; made.length > before && waiting.length > 0; ) {
    before = made.length;
    waiting = waiting.filter((wish) => {
      const isMade = attempt(layout, wish, cover) !== undefined;
      if (isMade) made.push(wish);
      return !isMade;
    });
  }
  layout.restore(places);
  return made;
}

/** The longest of many orders. */
function searched(layout: Layout, wishes: readonly Wish[], cover?: Cover): readonly Wish[] {
  const made = new Set<Wish>();
  const seen = new Set<string>();
  let best: readonly Wish[] = [];
  let left = tries;
  const from = (): boolean => {
    if (made.size > best.length) best = [...made];
    if (made.size === wishes.length) return true;
    for (const wish of wishes) {
      if (made.has(wish)) continue;
      if (left <= 0) return false;
      const undo = attempt(layout, wish, cover);
      if (undo === undefined) continue;
      made.add(wish);
      // The same moves in another order come to the same.
      const key = wishes.map((one) => (made.has(one) ? "1" : "0")).join("");
      const isDone = !seen.has(key) && left-- > 0 && from();
      seen.add(key);
      if (!isDone) made.delete(wish);
      undo();
      if (isDone) return true;
    }
    return false;
  };
  from();
  return best;
}

/** Makes a move if it can be made now; gives what takes it back. */
function attempt(layout: Layout, [guest, to]: Wish, cover?: Cover): (() => void) | undefined {
  const from = guest.host;
  if (to.leftMiB < guest.needs.memory || !keepsFirm(layout, guest, to)) return undefined;
  layout.move(guest, to);
  const undo = () => layout.move(guest, from);
  if (cover === undefined || cover.uncoveredMiB() === 0) return undo;
  undo();
  return undefined;
}

const keepsFirm = (layout: Layout, guest: LaidGuest, to: LaidHost): boolean =>
  layout.keepsRules(guest, to, "firm");

/** The smallest guest that has a third host with room, where its leaving lets another one go. */
function detourFor(
  layout: Layout,
  pending: readonly Wish[],
  wentRound: ReadonlySet<LaidGuest>,
  cover?: Cover,
): Wish | undefined {
  const small = pending.toSorted(
    ([one], [other]) => one.needs.memory - other.needs.memory || one.index - other.index,
  );
  for (const [guest, target] of small) {
    if (wentRound.has(guest)) continue;
    for (const third of layout.open) {
      if (third === guest.host || third === target) continue;
      const undo = attempt(layout, [guest, third], cover);
      if (undo === undefined) continue;
      const others = pending.filter(([other]) => other !== guest);
      const helps = others.some((wish) => {
        const back = attempt(layout, wish, cover);
        back?.();
        return back !== undefined;
      });
      undo();
      if (helps) return [guest, third];
    }
  }
  return undefined;
}

/** Which moves each has to wait for: its own guest's, those that keep its rules, and as many as free its room if all others are under way. */
function withWaiting(layout: Layout, legs: readonly Leg[]): readonly SequencedMove[] {
  const coming = groups<LaidHost>();
  const leaving = groups<LaidHost>();
  const ruled = groups<LaidGuest | LaidRule>();
  const leftMiB = new Map(layout.hosts.map((host) => [host, host.leftMiB]));
  const sizeOf = (at: number): number => legs[at]?.guest.needs.memory ?? 0;
  return legs.map((leg, index): SequencedMove => {
    const { guest, from, to } = leg;
    const firm = guest.rules.filter(({ rule }) => rule.isFirm);
    const after = new Set([guest, ...firm].flatMap((one) => ruled.of(one)));
    let left = leftMiB.get(to) ?? 0;
    for (const at of coming.of(to)) left -= sizeOf(at);
    const leavers = leaving.of(to);
    for (const at of leavers) if (after.has(at)) left += sizeOf(at);
    for (const at of leavers) {
      if (left >= guest.needs.memory) break;
      if (after.has(at)) continue;
      after.add(at);
      left += sizeOf(at);
    }
    coming.add(to, index);
    leaving.add(from, index);
    for (const one of [guest, ...firm]) ruled.add(one, index);
    return { ...leg, after: [...after].sort((one, other) => one - other) };
  });
}

/** Places in a list, by what they have to do with. */
function groups<Key>() {
  const all = new Map<Key, number[]>();
  return {
    of: (key: Key): readonly number[] => all.get(key) ?? [],
    add: (key: Key, index: number) => all.set(key, [...(all.get(key) ?? []), index]),
  };
}
