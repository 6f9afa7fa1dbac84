import type { Cover } from "../layout/cover.ts";
import { epsilon, type LaidGuest, type LaidHost, largestFirst } from "../layout/laid.ts";
import type { Layout } from "../layout/layout.ts";
import { bestFirst, pack } from "../layout/pack.ts";
import type { Reason } from "../terms/reason.ts";
import { dimensions } from "../terms/settings.ts";

/** Why guests were moved from where they were. */
export type Reasons = Map<LaidGuest, Reason>;

/** With more than this to try for N+1's sake, only guests of hosts that can't be lost are moved, the largest first, as far as it goes. */
const mostCoverTrials = 20_000;
/** As far as this goes, guests that are at fault are tried in the places of all others. */
const mostSwaps = 1_000_000;
/** So many guests are placed afresh, if moves one by one do not help. */
const mostAfresh = 8;

/**
 * Moves guests until hosts have the memory for theirs, firm rules hold, hosts are within their limits, one may be lost (if that is wished)
 * and soft rules hold: the gravest fault first, and each by the move that mends most and costs least. What can't be mended stays.
 *
 * @param cover where one host may have to be lost
 */
export function repair(layout: Layout, cover: Cover | undefined, reasons: Reasons): void {
  while (step(layout, cover, reasons)) if (isSound(layout, cover)) return;
  const [overMemory, firm] = layout.faults;
  if (overMemory > 0 || firm > 0) placeAfresh(layout, reasons);
}

const isSound = (layout: Layout, cover?: Cover): boolean =>
  layout.faults.every((fault) => fault <= epsilon) && (cover?.uncoveredMiB() ?? 0) === 0;

/** A guest goes to a host, or changes places with another one, and what that changes: faults, the gravest first, and the score. */
interface Mending {
  guest: LaidGuest;
  to: LaidHost;
  other?: LaidGuest;
  change: readonly number[];
}

function step(layout: Layout, cover: Cover | undefined, reasons: Reasons): boolean {
  const [overMemory, firm, overLimits] = layout.faults;
  const isGrave = overMemory > 0 || firm > 0 || overLimits > epsilon;
  // While hosts are over their limits, or rules broken, N+1 has to wait.
  const asked = isGrave ? undefined : cover;
  const atFault = faultyHosts(layout);
  if (atFault.length === 0 && (asked?.uncoveredMiB() ?? 0) === 0) return false;
  const best = bestMove(layout, asked, atFault) ?? bestSwap(layout, asked, atFault);
  if (best === undefined) return false;
  const { guest, to, other } = best;
  reasons.set(guest, reasonFor(guest) ?? { kind: "spare" });
  if (other === undefined) layout.move(guest, to);
  else {
    reasons.set(other, { kind: "makes-room", host: to.name, guest: guest.name });
    layout.swap(guest, other);
  }
  return true;
}

/** A host that may have guests at fault, and what one of them can mend at most by leaving: of memory, firm rules and limits. */
interface FaultyHost {
  host: LaidHost;
  most: readonly number[];
}

/** Guests that may be moved, of these. */
const movable = (guests: Iterable<LaidGuest>): readonly LaidGuest[] =>
  [...guests].filter(({ isFixed, host }) => !isFixed && host.isOpen);

/** The one first where most can be mended. */
function faultyHosts(layout: Layout): readonly FaultyHost[] {
  const isRuleBroken = layout.rules.some(({ broken }) => broken > 0);
  const faulty = layout.open.flatMap((host): FaultyHost[] => {
    const { leftMiB, overLimits } = host;
    if (!isRuleBroken && leftMiB >= 0 && overLimits === 0) return [];
    const firm = isRuleBroken ? Math.max(0, ...guestsAtFault(host).map(brokenFirm)) : 0;
    return [{ host, most: [Math.min(0, leftMiB), -firm, -overLimits] }];
  });
  return faulty.sort((one, other) => compare(one.most, other.most));
}

const guestsAtFault = ({ guests }: LaidHost): readonly LaidGuest[] =>
  movable(guests).filter((guest) => reasonFor(guest) !== undefined);

/** No guest but one that is at fault can mend anything by leaving, except N+1. */
function bestMove(
  layout: Layout,
  cover: Cover | undefined,
  atFault: readonly FaultyHost[],
): Mending | undefined {
  const weigh = weigher(layout, cover);
  let best: Mending | undefined;
  const tryAll = (guest: LaidGuest): void => {
    const isFree = cover === undefined && guest.rules.length === 0;
    for (const to of isFree ? layout.targets() : layout.open)
      if (to !== guest.host && layout.hasMemory(guest, to)) best = weigh({ guest, to }, best);
  };
  for (const { host, most } of atFault) {
    // Those that follow can't mend more.
    if (best !== undefined && isGraveBetter(best, most)) return best;
    for (const guest of guestsAtFault(host)) tryAll(guest);
  }
  for (const guest of helpers(layout, cover, layout.open.length)) tryAll(guest);
  return best;
}

/** Whether a step mends more than that of memory, firm rules and limits; or as much, where which host is at fault is all that matters. */
function isGraveBetter({ change }: Mending, most: readonly number[]): boolean {
  const difference = compare(change.slice(0, most.length), most);
  const [memory = 0, firm = 0, limits = 0] = most;
  return difference < 0 || (difference === 0 && firm === 0 && memory + limits < -epsilon);
}

function bestSwap(
  layout: Layout,
  cover: Cover | undefined,
  atFault: readonly FaultyHost[],
): Mending | undefined {
  const weigh = weigher(layout, cover);
  const others = movable(layout.guests);
  const guests = atFault
    .flatMap(({ host }) => guestsAtFault(host))
    .slice(0, Math.ceil(mostSwaps / others.length));
  let best: Mending | undefined;
  for (const guest of [...guests, ...helpers(layout, cover, others.length)])
    for (const other of others)
      if (other.host !== guest.host && other.host.mayReceive && guest.host.mayReceive)
        best = weigh({ guest, to: other.host, other }, best);
  return best;
}

/** Guests that may help to cover the loss of a host, if that is to be mended: any, where not too many are to be tried. */
function helpers(layout: Layout, cover: Cover | undefined, placesOfEach: number): readonly LaidGuest[] {
  const failing = new Set(cover?.failing());
  if (failing.size === 0) return [];
  const all = movable(layout.guests);
  const most = Math.ceil(mostCoverTrials / placesOfEach);
  if (all.length <= most) return all;
  return largestFirst(all.filter(({ host }) => failing.has(host))).slice(0, most);
}

const brokenFirm = ({ rules }: LaidGuest): number =>
  rules.filter(({ rule, broken }) => rule.isFirm && broken > 0).length;

type Step = Omit<Mending, "change">;

/** Gives the better one of the best so far and a step, if that mends anything. */
function weigher(layout: Layout, cover: Cover | undefined) {
  const uncovered = cover?.uncoveredMiB() ?? 0;
  return (step: Step, best: Mending | undefined): Mending | undefined => {
    const { guest, to, other } = step;
    const [memory, firm, limits, soft] = layout.faultChange(guest, to, other);
    const grave = [memory, firm, limits];
    // What N+1 would be is asked last: it is dearest.
    if (compare(grave, best?.change ?? [0, 0, 0]) > 0) return best;
    const more = cover === undefined ? 0 : uncoveredAfter(layout, cover, step) - uncovered;
    const faults = [...grave, more, soft];
    if (compare(faults, [0, 0, 0, 0, 0]) >= 0) return best;
    const change = [
      ...faults,
      -(other === undefined ? layout.gain(guest, to) : layout.gainOfSwap(guest, other)),
    ];
    return best === undefined || compare(change, best.change) < 0 ? { ...step, change } : best;
  };
}

function uncoveredAfter(layout: Layout, cover: Cover, { guest, to, other }: Step): number {
  const from = guest.host;
  if (other === undefined) layout.move(guest, to);
  else layout.swap(guest, other);
  const uncovered = cover.uncoveredMiB();
  if (other === undefined) layout.move(guest, from);
  else layout.swap(guest, other);
  return uncovered;
}

function reasonFor({ host, rules }: LaidGuest): Reason | undefined {
  const ofHost = reasonOfHost(host);
  const broken = rules.find(({ broken }) => broken > 0);
  if (broken === undefined || host.leftMiB < 0) return ofHost;
  const ofRule: Reason = { kind: "rule", rule: broken.rule.name };
  return broken.rule.isFirm ? ofRule : (ofHost ?? ofRule);
}

function reasonOfHost({ name, leftMiB, used, limit }: LaidHost): Reason | undefined {
  if (leftMiB < 0) return { kind: "over-limit", host: name, of: "memory" };
  const over = dimensions.find((dimension) => used[dimension] > limit[dimension] + epsilon);
  return over && { kind: "over-limit", host: name, of: over };
}

/** By the first that differs: below 0 if the first list is better. */
function compare(some: readonly number[], others: readonly number[]): number {
  for (let index = 0; index < some.length; index++) {
    const difference = (some[index] as number) - (others[index] ?? 0);
    if (Math.abs(difference) > epsilon) return difference;
  }
  return 0;
}

/** All guests of a small cluster at once: a fault may take several moves, of which none helps alone. */
function placeAfresh(layout: Layout, reasons: Reasons): void {
  const free = layout.guests.filter((guest) => !guest.isFixed && guest.host.isOpen);
  if (free.length > mostAfresh) return;
  const [places, before] = [layout.places(), layout.faults];
  const why = new Map(free.map((guest) => [guest, reasonFor(guest)]));
  const broken = layout.rules.find(({ rule, broken }) => rule.isFirm && broken > 0)?.rule.name;
  for (const guest of free) layout.move(guest, layout.nowhere);
  const isPlaced = pack(
    largestFirst(free),
    {
      bins: (guest) =>
        byGain(
          layout,
          guest,
          (host) => layout.hasMemory(guest, host) && layout.keepsRules(guest, host, "firm"),
        ),
      put: (guest, host) => layout.move(guest, host),
      take: (guest) => layout.move(guest, layout.nowhere),
    },
    2000,
  );
  if (!isPlaced || compare(layout.faults, before) >= 0) {
    layout.restore(places);
    return;
  }
  for (const guest of layout.guests)
    if (places[guest.index] !== guest.host)
      reasons.set(
        guest,
        why.get(guest) ??
          (broken === undefined
            ? { kind: "balanced", host: guest.home.name }
            : { kind: "rule", rule: broken }),
      );
}

/** Hosts that will do, the one first where the guest is best for balance; of equals the first. */
export function* byGain(
  layout: Layout,
  guest: LaidGuest,
  isFit: (host: LaidHost) => boolean,
): Generator<LaidHost> {
  for (const host of bestFirst(layout.open.filter(isFit), (host) => layout.gain(guest, host))) yield host;
}
