import { uncoveredMiB } from "./cover.ts";
import { epsilon, type LaidGuest, type LaidHost, type Layout } from "./layout.ts";
import { pack } from "./pack.ts";
import type { Reason } from "./reason.ts";
import { dimensions } from "./settings.ts";

/** Why guests were moved from where they were. */
export type Reasons = Map<LaidGuest, Reason>;

/** With more than this to try, nothing is moved for N+1's sake, and only what is at fault for a limit or a rule. */
const mostTrials = 20_000;
/** So many guests are placed afresh, if moves one by one do not help. */
const mostAfresh = 8;

/**
 * Moves guests until hosts have the memory for theirs, firm rules hold, hosts are within their limits, one may be lost (if that is wished)
 * and soft rules hold: the gravest fault first, and each by the move that mends most and costs least. What can't be mended stays.
 */
export function repair(layout: Layout, wantsCover: boolean, reasons: Reasons): void {
  while (step(layout, wantsCover, reasons)) if (isSound(layout, wantsCover)) return;
  const [overMemory, firm] = layout.faults;
  if (overMemory > 0 || firm > 0) placeAfresh(layout, reasons);
}

const isSound = (layout: Layout, wantsCover: boolean): boolean =>
  layout.faults.every((fault) => fault <= epsilon) && (!wantsCover || uncoveredMiB(layout) === 0);

interface Mending {
  grade: readonly number[];
  make(): void;
}

function step(layout: Layout, wantsCover: boolean, reasons: Reasons): boolean {
  const [overMemory, firm, overLimits] = layout.faults;
  const isGrave = overMemory > 0 || firm > 0 || overLimits > epsilon;
  // While hosts are over their limits, or rules broken, N+1 has to wait: it is dear to ask for.
  const asksCover = wantsCover && !isGrave;
  const grade = (): number[] => {
    const [memory, rules, limits, soft] = layout.faults;
    return [memory, rules, limits, asksCover ? uncoveredMiB(layout) : 0, soft];
  };
  const now = grade();
  if (now.every((fault) => fault <= epsilon)) return false;
  let best: Mending | undefined;
  const weigh = (apply: () => void, undo: () => void, make: () => void) => {
    apply();
    const faults = grade();
    const all = [...faults, layout.total];
    undo();
    if (isLess(faults, now) && (best === undefined || isLess(all, best.grade))) best = { grade: all, make };
  };
  const guests = layout.guests.filter((guest) => !guest.isFixed && guest.host.isOpen);
  const tried = guests.length * layout.open.length > mostTrials ? guests.filter(isAtFault) : guests;
  if (asksCover && tried.length < guests.length && (now[4] ?? 0) <= 0) return false;
  const why = new Map(tried.map((guest) => [guest, reasonFor(guest)]));
  for (const guest of tried) {
    const from = guest.host;
    for (const to of layout.open) {
      if (to === from || !layout.hasMemory(guest, to)) continue;
      weigh(
        () => layout.move(guest, to),
        () => layout.move(guest, from),
        () => {
          layout.move(guest, to);
          reasons.set(guest, why.get(guest) ?? { kind: "spare" });
        },
      );
    }
  }
  if (best === undefined) {
    for (const guest of tried.filter((guest) => asksCover || isAtFault(guest)))
      for (const other of guests) {
        if (other.host === guest.host || !other.host.mayReceive || !guest.host.mayReceive) continue;
        const [host, swap] = [other.host, () => layout.swap(guest, other)];
        const first = why.get(guest) ?? { kind: "spare" };
        weigh(swap, swap, () => {
          swap();
          reasons.set(guest, first).set(other, { kind: "makes-room", host: host.name, guest: guest.name });
        });
      }
  }
  best?.make();
  return best !== undefined;
}

const isAtFault = (guest: LaidGuest): boolean => reasonFor(guest) !== undefined;

function reasonFor({ host, rules }: LaidGuest): Reason | undefined {
  const broken = rules.find(({ broken }) => broken > 0);
  if (host.leftMiB < 0) return { kind: "over-limit", host: host.name, of: "memory" };
  if (broken?.rule.isFirm) return { kind: "rule", rule: broken.rule.name };
  const over = dimensions.find((name) => host.used[name] > host.limit[name] + epsilon);
  if (over !== undefined) return { kind: "over-limit", host: host.name, of: over };
  return broken && { kind: "rule", rule: broken.rule.name };
}

/** Whether the first of what differs is smaller. */
function isLess(some: readonly number[], others: readonly number[]): boolean {
  for (const [index, value] of some.entries()) {
    const difference = value - (others[index] ?? 0);
    if (Math.abs(difference) > epsilon) return difference < 0;
  }
  return false;
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
    free.toSorted((one, other) => other.needs.memory - one.needs.memory || one.index - other.index),
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
  if (!isPlaced || !isLess(layout.faults, before)) {
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
export function byGain(
  layout: Layout,
  guest: LaidGuest,
  isFit: (host: LaidHost) => boolean,
): readonly LaidHost[] {
  return layout.open
    .filter(isFit)
    .map((host) => ({ host, gain: layout.gain(guest, host) }))
    .sort((one, other) => other.gain - one.gain)
    .map(({ host }) => host);
}
