import { epsilon, type LaidGuest, type LaidHost } from "../layout/laid.ts";
import type { Layout } from "../layout/layout.ts";
import { nothing } from "../layout/measures.ts";
import type { Amounts } from "../terms/standing.ts";

/** A guest goes to a host, or changes places with another guest. */
export interface Trial {
  guest: LaidGuest;
  to: LaidHost;
  other?: LaidGuest;
  gain: number;
  /** The layout's version in which it was found or weighed. */
  version: number;
}

/** In larger clusters than that, guests are tried on those hosts only that promise most, or in the places of their guests. */
const mostThorough = 40;
const mostTargets = 12;
const mostPartners = 8;
/** And those hosts are among the best targets of two moves ago. */
const mostAge = 4;

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
type Barred = ReturnType<typeof barredTrials>;

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
  const movers = moversOf(host);
  const { guests, mostNeeds, leastPrice } = movers;
  if (guests.length === 0) return undefined;
  for (const guest of guests)
    if (guest.home !== host) best.consider(layout.gain(guest, guest.home), guest, guest.home);
  const areBound = guests.map((guest) => guest.rules.length > 0 || barred.hasGuest(guest));
  const mostAt = (to: LaidHost): number =>
    hasChanged(host, to, since) ? layout.between(host, to).most(nothing, mostNeeds) - leastPrice : 0;
  const tryAt = (hosts: readonly LaidHost[], isBound: boolean, count?: number): void => {
    for (const { to, most } of promising(hosts, host, mostAt, best.least, count)) {
      if (most <= best.least) break;
      considerMoves(best, layout, movers, to, (at) => areBound[at] === isBound);
    }
  };
  if (isThorough(layout)) tryAt(layout.targets(), false);
  else tryAt(layout.targets(mostAge), false, mostTargets);
  if (areBound.includes(true)) tryAt(layout.open, true);
  return best.trial;
}

function considerMoves(
  best: Best,
  layout: Layout,
  { guests, memory, vcpus, cpu, prices }: Movers,
  to: LaidHost,
  isTried: (at: number) => boolean,
): void {
  const exchange = layout.between((guests[0] as LaidGuest).host, to);
  for (let at = 0; at < guests.length; at++) {
    const gain = exchange.gain(memory[at] as number, vcpus[at] as number, cpu[at] as number);
    if (gain - (prices[at] as number) <= best.least || !isTried(at)) continue;
    const guest = guests[at] as LaidGuest;
    best.consider(gain - layout.costOf(guest, to), guest, to);
  }
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
  const mostWith = (partner: LaidHost): number => {
    if (!hasChanged(host, partner, since)) return 0;
    const its = moversOf(partner);
    const most = layout.between(host, partner).most(negative(its.mostNeeds), mine.mostNeeds);
    return most - (mine.leastSwapPrice + its.leastSwapPrice);
  };
  // In larger clusters only with guests of hosts that others go to.
  const [partners, count] = isThorough(layout) ? [layout.open] : [layout.targets(mostAge), mostPartners];
  for (const { to, most } of promising(partners, host, mostWith, best.least, count)) {
    if (most <= best.least) break;
    considerSwaps(best, layout, mine, to, moversOf(to));
  }
  return best.trial;
}

function considerSwaps(best: Best, layout: Layout, mine: Movers, partner: LaidHost, its: Movers): void {
  const { host } = mine.guests[0] as LaidGuest;
  const exchange = layout.between(host, partner);
  for (let at = 0; at < mine.guests.length; at++) {
    const guest = mine.guests[at] as LaidGuest;
    const memory = mine.memory[at] as number;
    const vcpus = mine.vcpus[at] as number;
    const cpu = mine.cpu[at] as number;
    const price = mine.swapPrices[at] as number;
    for (let index = 0; index < its.guests.length; index++) {
      const gain = exchange.gain(
        memory - (its.memory[index] as number),
        vcpus - (its.vcpus[index] as number),
        cpu - (its.cpu[index] as number),
      );
      if (gain - (price + (its.swapPrices[index] as number)) <= best.least) continue;
      const other = its.guests[index] as LaidGuest;
      best.consider(
        gain - (layout.costOf(guest, partner) + layout.costOf(other, host)),
        guest,
        partner,
        other,
      );
    }
  }
}

interface Promising {
  to: LaidHost;
  most: number;
}

/** Other hosts that may gain more than that, by what they promise: so many, the most first. */
function promising(
  hosts: readonly LaidHost[],
  host: LaidHost,
  mostOf: (to: LaidHost) => number,
  least: number,
  count?: number,
): readonly Promising[] {
  const found: Promising[] = [];
  for (const to of hosts) {
    const most = to === host ? 0 : mostOf(to);
    if (most > least) found.push({ to, most });
  }
  return found.sort((one, other) => other.most - one.most).slice(0, count);
}

const isThorough = ({ open }: Layout): boolean => open.length <= mostThorough;

const hasChanged = (host: LaidHost, other: LaidHost, since: number): boolean =>
  other.mayReceive && Math.max(host.changedAt, other.changedAt) > since;

const negative = ({ memory, vcpus, cpu }: Amounts): Amounts => ({
  memory: -memory,
  vcpus: -vcpus,
  cpu: -cpu,
});

/** A host's guests that may be moved, with their figures side by side: these are asked for very often. */
class Movers {
  readonly guests: readonly LaidGuest[];
  readonly memory: Float64Array;
  readonly vcpus: Float64Array;
  readonly cpu: Float64Array;
  /** What it costs that a guest moves on: nothing more where it is not at home. */
  readonly prices: Float64Array;
  /** What it costs at least that it changes places, where it may be going home. */
  readonly swapPrices: Float64Array;
  /** No guest needs more than this, and none costs less. */
  readonly mostNeeds: Amounts;
  readonly leastPrice: number;
  readonly leastSwapPrice: number;

  constructor(host: LaidHost) {
    this.guests = [...host.guests].filter(({ isFixed }) => !isFixed);
    const figures = () => new Float64Array(this.guests.length);
    [this.memory, this.vcpus, this.cpu] = [figures(), figures(), figures()];
    [this.prices, this.swapPrices] = [figures(), figures()];
    this.guests.forEach(({ needs, home, price }, at) => {
      this.memory[at] = needs.memory;
      this.vcpus[at] = needs.vcpus;
      this.cpu[at] = needs.cpu;
      this.prices[at] = home === host ? price : 0;
      this.swapPrices[at] = home === host ? price : -price;
    });
    this.mostNeeds = { memory: most(this.memory), vcpus: most(this.vcpus), cpu: most(this.cpu) };
    this.leastPrice = Math.min(...this.prices);
    this.leastSwapPrice = Math.min(...this.swapPrices);
  }
}

const most = (values: Float64Array): number => Math.max(0, ...values);

/** Those of each host, kept until its guests are others. */
export function moversByHost(): (host: LaidHost) => Movers {
  const known: { movers: Movers; version: number }[] = [];
  return (host) => {
    const last = known[host.index];
    if (last?.version === host.changedAt) return last.movers;
    const movers = new Movers(host);
    known[host.index] = { movers, version: host.changedAt };
    return movers;
  };
}
