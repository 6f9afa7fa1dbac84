import { bestFirst } from "./best-first.ts";
import { epsilon, type LaidGuest, type LaidHost } from "./laid.ts";
import type { Layout } from "./layout.ts";
import { type Amounts, nothing } from "./measures.ts";
import type { Movers } from "./movers.ts";

/** A guest goes to a host, or changes places with another guest. */
export interface Trial {
  guest: LaidGuest;
  to: LaidHost;
  other?: LaidGuest;
  gain: number;
  /** The layout's version in which it was found or weighed. */
  version: number;
}

/** In larger clusters than that, guests are tried in the places of those of so many hosts only that promise most. */
const mostThorough = 40;
const swapPartners = 8;

/** Trials that are not to be made, as they would leave more memory uncovered. */
export function barredTrials() {
  const keys = new Set<string>();
  const guests = new Set<LaidGuest>();
  const keyOf = ({ guest, to, other }: Step) => `${guest.index} ${to.name} ${other?.index ?? ""}`;
  return {
    add: (trial: Step) => {
      keys.add(keyOf(trial));
      guests.add(trial.guest);
    },
    has: (trial: Step) => guests.has(trial.guest) && keys.has(keyOf(trial)),
    hasGuest: (guest: LaidGuest) => guests.has(guest),
  };
}
type Step = Pick<Trial, "guest" | "to" | "other">;
export type Barred = ReturnType<typeof barredTrials>;

/** The best of the trials that a host's guests have, as far as it was looked for. */
class Best {
  trial: Trial | undefined;
  least = epsilon;
  readonly #layout: Layout;
  readonly #barred: Barred;

  constructor(layout: Layout, barred: Barred) {
    this.#layout = layout;
    this.#barred = barred;
  }

  /** What a step gains is quicker known than whether it may be made. */
  consider(gain: number, guest: LaidGuest, to: LaidHost, other?: LaidGuest): void {
    if (gain <= this.least || !this.#layout.mayGo(guest, to, other)) return;
    if (other === undefined ? !this.#layout.fits(guest, to) : !this.#layout.swapFits(guest, other)) return;
    if (this.#barred.has({ guest, to, other })) return;
    this.trial = { guest, to, other, gain, version: this.#layout.version };
    this.least = gain;
  }
}

type MoversOf = (host: LaidHost) => Movers;

/**
 * The best move of a host's guests to any other host. Hosts are looked at in the order of the most that any guest could gain there, until
 * that is less than what one was found to gain: none that is left out is better.
 *
 * @param since hosts that are as they were in that version of the layout have nothing to give to each other
 */
export function bestMove(
  layout: Layout,
  host: LaidHost,
  moversOf: MoversOf,
  barred: Barred,
  since = -1,
): Trial | undefined {
  const best = new Best(layout, barred);
  const { guests, memory, vcpus, cpu, mostNeeds, leastPrice } = moversOf(host);
  if (guests.length === 0) return undefined;
  for (const guest of guests)
    if (guest.home !== host) best.consider(layout.gain(guest, guest.home), guest, guest.home);
  const prices = guests.map((guest) => (guest.home === host ? guest.price : 0));
  const areBound = guests.map((guest) => guest.rules.length > 0 || barred.hasGuest(guest));
  const tryAt = (hosts: readonly LaidHost[], isBound: boolean): void => {
    const options = hosts.flatMap((to) => {
      if (to === host || !hasChanged(host, to, since)) return [];
      const most = layout.between(host, to).most(nothing, mostNeeds) - leastPrice;
      return most > best.least ? [{ to, most }] : [];
    });
    for (const { to, most } of bestFirst(options, ({ most }) => most)) {
      if (most <= best.least) break;
      const exchange = layout.between(host, to);
      for (let at = 0; at < guests.length; at++) {
        if (areBound[at] !== isBound) continue;
        const gain = exchange.gain(memory[at] as number, vcpus[at] as number, cpu[at] as number);
        if (gain - (prices[at] as number) <= best.least) continue;
        const guest = guests[at] as LaidGuest;
        best.consider(gain - layout.costOf(guest, to), guest, to);
      }
    }
  };
  tryAt(layout.targets, false);
  if (areBound.includes(true)) tryAt(layout.open, true);
  return best.trial;
}

/** The best pair of a host's guest and another one that may change places, with hosts looked at as in {@link bestMove}. */
export function bestSwap(
  layout: Layout,
  host: LaidHost,
  moversOf: MoversOf,
  barred: Barred,
  since: number,
): Trial | undefined {
  const best = new Best(layout, barred);
  const mine = moversOf(host);
  if (mine.guests.length === 0 || !host.mayReceive) return undefined;
  const options = layout.open.flatMap((partner) => {
    if (partner === host || !hasChanged(host, partner, since)) return [];
    const its = moversOf(partner);
    const most =
      layout.between(host, partner).most(negative(its.mostNeeds), mine.mostNeeds) -
      (mine.leastSwapPrice + its.leastSwapPrice);
    return most > best.least ? [{ partner, most }] : [];
  });
  let left = layout.open.length <= mostThorough ? Number.POSITIVE_INFINITY : swapPartners;
  for (const { partner, most } of bestFirst(options, ({ most }) => most)) {
    if (most <= best.least || left-- === 0) break;
    const exchange = layout.between(host, partner);
    const its = moversOf(partner);
    const itsCosts = its.guests.map((other) => layout.costOf(other, host));
    for (const [at, guest] of mine.guests.entries()) {
      const memory = mine.memory[at] as number;
      const vcpus = mine.vcpus[at] as number;
      const cpu = mine.cpu[at] as number;
      const cost = layout.costOf(guest, partner);
      for (let other = 0; other < its.guests.length; other++) {
        const gain =
          exchange.gain(
            memory - (its.memory[other] as number),
            vcpus - (its.vcpus[other] as number),
            cpu - (its.cpu[other] as number),
          ) -
          (cost + (itsCosts[other] as number));
        if (gain > best.least) best.consider(gain, guest, partner, its.guests[other]);
      }
    }
  }
  return best.trial;
}

const hasChanged = (host: LaidHost, other: LaidHost, since: number): boolean =>
  other.mayReceive && Math.max(host.changedAt, other.changedAt) > since;

const negative = ({ memory, vcpus, cpu }: Amounts): Amounts => ({
  memory: -memory,
  vcpus: -vcpus,
  cpu: -cpu,
});
