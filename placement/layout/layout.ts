import { type Cluster, roomMiB } from "../terms/cluster.ts";
import { dimensions, type PolicySettings } from "../terms/settings.ts";
import type { Amounts } from "../terms/standing.ts";
import type { Exchange } from "./exchange.ts";
import { Imbalance } from "./imbalance.ts";
import {
  brokenBy,
  brokenByStep,
  brokenIn,
  epsilon,
  type LaidGuest,
  type LaidHost,
  type LaidRule,
} from "./laid.ts";
import { measuresOf, nothing } from "./measures.ts";
import { Targets } from "./targets.ts";

/** What comes before balance, the gravest first: each is to be 0. */
type Faults = readonly [overMemoryMiB: number, firm: number, overLimits: number, soft: number];

/**
 * Where guests are while a policy tries what would be better. The score is kept up with each move: what a move would gain is known from two
 * hosts' figures alone.
 */
export class Layout {
  readonly hosts: readonly LaidHost[];
  readonly open: readonly LaidHost[];
  readonly guests: readonly LaidGuest[];
  readonly rules: readonly LaidRule[];
  readonly weights: Amounts;
  /** For guests that are to be placed afresh: no host, which has room for all and counts for nothing. */
  readonly nowhere: LaidHost;
  /** How many guests may be elsewhere than at home. */
  mostMoved = Number.POSITIVE_INFINITY;
  /** How much memory these may have. */
  mostMovedMiB = Number.POSITIVE_INFINITY;
  #moved = 0;
  #movedMiB = 0;
  #version = 0;
  readonly #imbalance: Imbalance;
  readonly #targets: Targets;
  #found: readonly LaidHost[] = [];
  #foundIn = Number.NEGATIVE_INFINITY;
  readonly #byName: ReadonlyMap<string, LaidHost>;

  constructor(cluster: Cluster, settings: PolicySettings) {
    const measures = measuresOf(cluster, settings);
    this.weights = measures.weights;
    const laid = (
      host: Omit<LaidHost, "per" | "changedAt" | "guests" | "mayReceive" | "leftMiB" | "overLimits">,
    ): LaidHost => ({
      ...host,
      mayReceive: host.isOpen,
      per: perOf(host),
      leftMiB: host.roomMiB,
      overLimits: overLimitsWith(host),
      guests: new Set(),
      changedAt: 0,
    });
    this.hosts = cluster.hosts.map((host, index) =>
      laid({
        name: host.name,
        index,
        isOpen: !host.isDrained,
        size: measures.size(host),
        limit: measures.limit(host),
        roomMiB: roomMiB(host),
        used: { ...measures.own(host) },
      }),
    );
    const none: Amounts = { memory: 1, vcpus: 1, cpu: 1 };
    const nowhere = { name: "", index: this.hosts.length, isOpen: false, roomMiB: 0 };
    this.nowhere = laid({ ...nowhere, size: none, limit: none, used: { ...none } });
    this.open = this.hosts.filter(({ isOpen }) => isOpen);
    this.#byName = new Map(this.hosts.map((host) => [host.name, host]));
    this.rules = (cluster.rules ?? []).map((rule) => ({ rule, counts: new Map(), broken: 0 }));
    const rules = rulesByGuest(this.rules);
    this.guests = cluster.guests.map((guest, index) => {
      const home = this.host(guest.host);
      return {
        name: guest.name,
        index,
        home,
        host: home,
        needs: measures.needs(guest),
        price: measures.price(guest),
        isFixed: home.isOpen && (guest.isPinned === true || guest.move?.converges === false),
        rules: rules.get(guest.name) ?? [],
      };
    });
    this.#imbalance = new Imbalance(this.open, this.weights);
    this.#targets = new Targets(this.open);
    for (const guest of this.guests) this.#put(guest, guest.host);
  }

  host(name: string): LaidHost {
    return known(this.#byName.get(name));
  }

  /** Goes up with each change. */
  get version(): number {
    return this.#version;
  }

  /** How uneven hosts are: 0 is not at all. */
  get imbalance(): number {
    return this.#imbalance.value;
  }

  /** What is to be as small as can be: imbalance in shares of one host, and what the moves cost. */
  get total(): number {
    return this.guests.reduce(
      (sum, { host, home, price }) => sum + (host === home ? 0 : price),
      this.open.length * this.imbalance,
    );
  }

  get faults(): Faults {
    let [overMemory, firm, overLimits, soft] = [0, 0, 0, 0];
    for (const host of this.open) {
      overMemory += Math.max(0, -host.leftMiB);
      overLimits += host.overLimits;
    }
    for (const { rule, broken } of this.rules) {
      if (rule.isFirm) firm += broken;
      else soft += broken;
    }
    return [overMemory, firm, overLimits, soft];
  }

  get movedCount(): number {
    return this.#moved;
  }

  get moved(): readonly LaidGuest[] {
    return this.guests.filter(({ host, home }) => host !== home);
  }

  move(guest: LaidGuest, to: LaidHost): void {
    this.#take(guest);
    this.#put(guest, to);
  }

  swap(one: LaidGuest, other: LaidGuest): void {
    const [first, second] = [one.host, other.host];
    this.move(one, second);
    this.move(other, first);
  }

  /** Where each guest is, in the order of {@link guests}. */
  places(): readonly LaidHost[] {
    return this.guests.map(({ host }) => host);
  }

  /** All guests to where they were: places are only figures here, so there need not be room on the way. */
  restore(places: readonly LaidHost[]): void {
    for (const guest of this.guests) {
      const host = known(places[guest.index]);
      if (host !== guest.host) this.move(guest, host);
    }
  }

  /** Whether guests may come to a host from now on. */
  admit(host: LaidHost, mayReceive: boolean): void {
    host.mayReceive = mayReceive;
    host.changedAt = ++this.#version;
  }

  /** Whether a guest may go there: within all limits, and with no rule broken that was not before. */
  fits(guest: LaidGuest, to: LaidHost): boolean {
    return to.mayReceive && hasRoom(to, guest.needs, nothing) && this.keepsRules(guest, to);
  }

  hasMemory({ needs }: LaidGuest, to: LaidHost): boolean {
    return to.mayReceive && to.leftMiB >= needs.memory;
  }

  /** The firm rules that a guest would break there. */
  brokenAt({ rules, host }: LaidGuest, to: LaidHost): readonly string[] {
    return rules.flatMap((laid) =>
      laid.rule.isFirm && to.isOpen && brokenBy(laid, host, to) > 0 ? [laid.rule.name] : [],
    );
  }

  /** Whether two guests may change places. */
  swapFits(one: LaidGuest, other: LaidGuest): boolean {
    const [a, b] = [one.host, other.host];
    if (!a.mayReceive || !b.mayReceive || a === b) return false;
    if (!hasRoom(a, other.needs, one.needs) || !hasRoom(b, one.needs, other.needs)) return false;
    return brokenByStep(one, b, other).every(({ more }) => more <= 0);
  }

  /** Whether no rule is broken more than it is. */
  keepsRules(guest: LaidGuest, to: LaidHost, which: "firm" | "all" = "all"): boolean {
    return guest.rules.every(
      (laid) => (which === "firm" && !laid.rule.isFirm) || brokenBy(laid, guest.host, to) <= 0,
    );
  }

  /** What a move would make better in {@link total}. */
  gain(guest: LaidGuest, to: LaidHost): number {
    const { memory, vcpus, cpu } = guest.needs;
    if (!this.mayGo(guest, to)) return Number.NEGATIVE_INFINITY;
    return this.between(guest.host, to).gain(memory, vcpus, cpu) - this.costOf(guest, to);
  }

  gainOfSwap(one: LaidGuest, other: LaidGuest): number {
    const { memory, vcpus, cpu } = one.needs;
    const { needs } = other;
    if (!this.mayGo(one, other.host, other)) return Number.NEGATIVE_INFINITY;
    const exchange = this.between(one.host, other.host);
    return (
      exchange.gain(memory - needs.memory, vcpus - needs.vcpus, cpu - needs.cpu) -
      this.costOf(one, other.host) -
      this.costOf(other, one.host)
    );
  }

  /** What two hosts may gain by what the first gives the second, but for what the move costs. It holds until the next such question. */
  between(from: LaidHost, to: LaidHost): Exchange {
    return this.#imbalance.between(from, to);
  }

  /** What it costs that a guest goes to a host. Back home it is less than nothing. */
  costOf(guest: LaidGuest, to: LaidHost): number {
    return goesOut(guest, to) * guest.price;
  }

  /** Whether no more is elsewhere than at home than may be, if a guest goes to a host, where another one may be that comes in its stead. */
  mayGo(guest: LaidGuest, to: LaidHost, other?: LaidGuest): boolean {
    const one = goesOut(guest, to);
    const two = other === undefined ? 0 : goesOut(other, guest.host);
    const moreMiB = one * guest.needs.memory + two * (other?.needs.memory ?? 0);
    return (
      (one + two <= 0 || this.#moved + one + two <= this.mostMoved) &&
      (moreMiB <= 0 || this.#movedMiB + moreMiB <= this.mostMovedMiB)
    );
  }

  /**
   * Hosts among which is the best target of any guest that has no rules.
   *
   * @param mostAge they may be those of so many versions ago
   */
  targets(mostAge = 0): readonly LaidHost[] {
    if (this.#version - this.#foundIn > mostAge) {
      this.#found = this.#targets.now(this.#imbalance.means);
      this.#foundIn = this.#version;
    }
    return this.#found;
  }

  /** What a step changes in {@link faults}: a guest goes to a host, where another one may be that comes in its stead. */
  faultChange(guest: LaidGuest, to: LaidHost, other?: LaidGuest): Faults {
    const { host: from, needs } = guest;
    const back = other?.needs ?? nothing;
    let [firm, soft] = [0, 0];
    for (const { laid, more } of brokenByStep(guest, to, other)) {
      if (laid.rule.isFirm) firm += more;
      else soft += more;
    }
    return [
      overMemoryBy(from, back.memory - needs.memory) + overMemoryBy(to, needs.memory - back.memory),
      firm,
      overLimitsWith(from, back, needs) - from.overLimits + overLimitsWith(to, needs, back) - to.overLimits,
      soft,
    ];
  }

  /** What loads that are off by that share may change the total by, if they are so independently of each other. */
  noise(loadError: number): number {
    let squares = 0;
    for (const { guests, per } of this.open)
      for (const { needs } of guests) squares += (needs.cpu * per.cpu) ** 2;
    const mean = squares / Math.max(1, this.open.length);
    // Before and after: both are known only so well.
    return 2 * this.open.length * this.weights.cpu * loadError * Math.sqrt(mean);
  }

  #put(guest: LaidGuest, host: LaidHost): void {
    guest.host = host;
    host.guests.add(guest);
    this.#count(guest, host, 1);
  }

  #take(guest: LaidGuest): void {
    guest.host.guests.delete(guest);
    this.#count(guest, guest.host, -1);
  }

  #count({ needs, rules, home }: LaidGuest, host: LaidHost, by: 1 | -1): void {
    if (host !== home) {
      this.#moved += by;
      this.#movedMiB += by * needs.memory;
    }
    host.leftMiB -= by * needs.memory;
    host.used.memory += by * needs.memory;
    host.used.vcpus += by * needs.vcpus;
    host.used.cpu += by * needs.cpu;
    host.overLimits = overLimitsWith(host);
    for (const rule of rules) {
      rule.counts.set(host, (rule.counts.get(host) ?? 0) + by);
      rule.broken = brokenIn(rule);
    }
    host.changedAt = ++this.#version;
    this.#imbalance.update(host);
  }
}

/** How many guests more are elsewhere than at home if this one goes there. */
const goesOut = ({ host, home }: LaidGuest, to: LaidHost): number =>
  (to === home ? 0 : 1) - (host === home ? 0 : 1);

/** A drained host has no share in the score. */
const perOf = ({ isOpen, size }: Pick<LaidHost, "isOpen" | "size">): Amounts =>
  isOpen ? { memory: shareOf(size.memory), vcpus: shareOf(size.vcpus), cpu: shareOf(size.cpu) } : nothing;

/** A host that has none of it has no part of it in use. */
const shareOf = (size: number): number => (size > 0 ? 1 / size : 0);

function rulesByGuest(rules: readonly LaidRule[]): ReadonlyMap<string, LaidRule[]> {
  const byGuest = new Map<string, LaidRule[]>();
  for (const laid of rules)
    for (const name of new Set(laid.rule.guests)) {
      const own = byGuest.get(name);
      if (own === undefined) byGuest.set(name, [laid]);
      else own.push(laid);
    }
  return byGuest;
}

function hasRoom({ leftMiB, used, limit }: LaidHost, needs: Amounts, without: Amounts): boolean {
  if (leftMiB < needs.memory - without.memory) return false;
  return (
    isWithin(used.memory, needs.memory - without.memory, limit.memory) &&
    isWithin(used.vcpus, needs.vcpus - without.vcpus, limit.vcpus) &&
    isWithin(used.cpu, needs.cpu - without.cpu, limit.cpu)
  );
}

/** What a full host gives and gets must not make it fuller. */
const isWithin = (used: number, more: number, limit: number): boolean =>
  more <= 0 || used + more <= limit + epsilon;

const overMemoryBy = ({ isOpen, leftMiB }: LaidHost, more: number): number =>
  isOpen ? Math.max(0, more - leftMiB) - Math.max(0, -leftMiB) : 0;

/** How far a host is over its limits, as shares of what it has. */
function overLimitsWith(
  { isOpen, used, limit, size }: Pick<LaidHost, "isOpen" | "used" | "limit" | "size">,
  more = nothing,
  less = nothing,
): number {
  if (!isOpen) return 0;
  let over = 0;
  for (const name of dimensions)
    over += Math.max(0, used[name] + more[name] - less[name] - limit[name] - epsilon) / size[name];
  return over;
}

/** What the cluster's checks have made sure of. */
function known<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Error("a policy got a cluster whose guests, hosts or rules were not checked");
  return value;
}
