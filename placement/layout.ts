import { type Cluster, type PlacementRule, roomMiB } from "./cluster.ts";
import { Deviation } from "./deviation.ts";
import { type Amounts, measuresOf } from "./measures.ts";
import { type Dimension, dimensions, type PolicySettings } from "./settings.ts";

/** A host with the guests that are on it for now. */
export interface LaidHost {
  readonly name: string;
  /** Whether it takes part: it is not drained. */
  readonly isOpen: boolean;
  /** Whether guests may come to it. */
  mayReceive: boolean;
  readonly size: Amounts;
  readonly limit: Amounts;
  /** Its memory without its reserve, which guests can't have more of whatever the limit is. */
  readonly roomMiB: number;
  leftMiB: number;
  readonly used: Record<Dimension, number>;
  readonly guests: Set<LaidGuest>;
}

/** A guest on the host where it is for now. */
export interface LaidGuest {
  readonly name: string;
  readonly index: number;
  readonly home: LaidHost;
  host: LaidHost;
  readonly needs: Amounts;
  readonly price: number;
  /** Whether it may be moved for the sake of the others. */
  isFixed: boolean;
  readonly rules: readonly LaidRule[];
}

export interface LaidRule {
  readonly rule: PlacementRule;
  readonly counts: Map<LaidHost, number>;
  broken: number;
}

/** What comes before balance, the gravest first: each is to be 0. */
export type Faults = readonly [overMemoryMiB: number, firm: number, overLimits: number, soft: number];

/** Gains and figures below this are rounding: of a deviation that is nearly 0, the root of its error is what is off. */
export const epsilon = 1e-7;

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
  #moved = 0;
  readonly #deviations: Readonly<Record<Dimension, Deviation>>;

  constructor(cluster: Cluster, settings: PolicySettings) {
    const measures = measuresOf(cluster, settings);
    this.weights = measures.weights;
    this.hosts = cluster.hosts.map((host) => ({
      name: host.name,
      isOpen: !host.isDrained,
      mayReceive: !host.isDrained,
      size: measures.size(host),
      limit: measures.limit(host),
      roomMiB: roomMiB(host),
      leftMiB: roomMiB(host),
      used: { ...measures.own(host) },
      guests: new Set(),
    }));
    const none: Amounts = { memory: 1, vcpus: 1, cpu: 1 };
    this.nowhere = {
      name: "",
      isOpen: false,
      mayReceive: false,
      size: none,
      limit: none,
      roomMiB: 0,
      leftMiB: 0,
      used: { ...none },
      guests: new Set(),
    };
    this.open = this.hosts.filter(({ isOpen }) => isOpen);
    this.rules = (cluster.rules ?? []).map((rule) => ({ rule, counts: new Map(), broken: 0 }));
    const hosts = new Map(this.hosts.map((host) => [host.name, host]));
    this.guests = cluster.guests.map((guest, index) => {
      const home = known(hosts.get(guest.host));
      return {
        name: guest.name,
        index,
        home,
        host: home,
        needs: measures.needs(guest),
        price: measures.price(guest),
        isFixed: home.isOpen && (guest.isPinned === true || guest.move?.converges === false),
        rules: this.rules.filter(({ rule }) => rule.guests.includes(guest.name)),
      };
    });
    this.#deviations = { memory: new Deviation([]), vcpus: new Deviation([]), cpu: new Deviation([]) };
    for (const guest of this.guests) this.#put(guest, guest.host);
    this.#refresh();
  }

  host(name: string): LaidHost {
    return known(this.hosts.find((host) => host.name === name));
  }

  /** How uneven hosts are: 0 is not at all. */
  get imbalance(): number {
    return dimensions.reduce((sum, name) => sum + this.weights[name] * this.#deviations[name].value, 0);
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
    for (const { leftMiB, used, limit, size } of this.open) {
      overMemory += Math.max(0, -leftMiB);
      for (const name of dimensions)
        overLimits += Math.max(0, used[name] - limit[name] - epsilon) / size[name];
    }
    for (const { rule, broken } of this.rules) {
      if (rule.isFirm) firm += broken;
      else soft += broken;
    }
    return [overMemory, firm, overLimits, soft];
  }

  get moved(): readonly LaidGuest[] {
    return this.guests.filter(({ host, home }) => host !== home);
  }

  move(guest: LaidGuest, to: LaidHost): void {
    this.#take(guest);
    this.#put(guest, to);
    this.#refresh();
  }

  swap(one: LaidGuest, other: LaidGuest): void {
    const [first, second] = [one.host, other.host];
    this.#take(one);
    this.#take(other);
    this.#put(one, second);
    this.#put(other, first);
    this.#refresh();
  }

  /** Where each guest is, in the order of {@link guests}. */
  places(): readonly LaidHost[] {
    return this.guests.map(({ host }) => host);
  }

  /** All guests to where they were: places are only figures here, so there need not be room on the way. */
  restore(places: readonly LaidHost[]): void {
    for (const guest of this.guests) {
      const host = known(places[guest.index]);
      if (host === guest.host) continue;
      this.#take(guest);
      this.#put(guest, host);
    }
    this.#refresh();
  }

  /** Whether a guest may go there: within all limits, and with no rule broken that was not before. */
  fits(guest: LaidGuest, to: LaidHost): boolean {
    return to.mayReceive && this.#hasRoom(to, guest.needs) && this.keepsRules(guest, to);
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
    if (!this.#hasRoom(a, other.needs, one.needs) || !this.#hasRoom(b, one.needs, other.needs)) return false;
    if (one.rules.length === 0 && other.rules.length === 0) return true;
    const before = this.rules.map(({ broken }) => broken);
    this.swap(one, other);
    const isKept = this.rules.every(({ broken }, index) => broken <= known(before[index]));
    this.swap(one, other);
    return isKept;
  }

  /** Whether no rule is broken more than it is. */
  keepsRules(guest: LaidGuest, to: LaidHost, which: "firm" | "all" = "all"): boolean {
    return guest.rules.every(
      (laid) => (which === "firm" && !laid.rule.isFirm) || brokenBy(laid, guest.host, to) <= 0,
    );
  }

  /** What a move would make better in {@link total}. */
  gain(guest: LaidGuest, to: LaidHost): number {
    const isOut = (host: LaidHost) => (host === guest.home ? 0 : 1);
    const more = isOut(to) - isOut(guest.host);
    if (more > 0 && this.#moved >= this.mostMoved) return Number.NEGATIVE_INFINITY;
    const { host: from, needs } = guest;
    let change = 0;
    for (const name of dimensions) {
      if (this.weights[name] === 0) continue;
      change += this.weights[name] * this.#changed(name, from, -needs[name], to, needs[name]);
    }
    return -this.open.length * change - more * guest.price;
  }

  gainOfSwap(one: LaidGuest, other: LaidGuest): number {
    const [a, b] = [one.host, other.host];
    const out = ({ home }: LaidGuest, from: LaidHost, to: LaidHost) =>
      (to === home ? 0 : 1) - (from === home ? 0 : 1);
    const [first, second] = [out(one, a, b), out(other, b, a)];
    if (first + second > 0 && this.#moved + first + second > this.mostMoved) return Number.NEGATIVE_INFINITY;
    let change = 0;
    for (const name of dimensions) {
      if (this.weights[name] === 0) continue;
      const by = other.needs[name] - one.needs[name];
      change += this.weights[name] * this.#changed(name, a, by, b, -by);
    }
    return -this.open.length * change - first * one.price - second * other.price;
  }

  /** How far a host is from the mean in each, in parts of the score. */
  lean(host: LaidHost): Amounts {
    const part = (name: Dimension) => {
      const { value, mean } = this.#deviations[name];
      return value < epsilon
        ? 0
        : Math.sqrt(this.weights[name] / value) * (host.used[name] / host.size[name] - mean);
    };
    return { memory: part("memory"), vcpus: part("vcpus"), cpu: part("cpu") };
  }

  /** What loads that are off by that share may change the total by, if they are so independently of each other. */
  noise(loadError: number): number {
    const squares = this.open.reduce(
      (sum, { guests, size }) =>
        sum + [...guests].reduce((all, { needs }) => all + (needs.cpu / size.cpu) ** 2, 0),
      0,
    );
    const mean = squares / Math.max(1, this.open.length);
    // Before and after: both are known only so well.
    return 2 * this.open.length * this.weights.cpu * loadError * Math.sqrt(mean);
  }

  #changed(name: Dimension, a: LaidHost, byA: number, b: LaidHost, byB: number): number {
    const deviation = this.#deviations[name];
    const [one, other] = [a.used[name] / a.size[name], b.used[name] / b.size[name]];
    const change = deviation.after(
      one,
      a.isOpen ? byA / a.size[name] : 0,
      other,
      b.isOpen ? byB / b.size[name] : 0,
    );
    return change - deviation.value;
  }

  #hasRoom({ leftMiB, used, limit }: LaidHost, needs: Amounts, without?: Amounts): boolean {
    if (leftMiB < needs.memory - (without?.memory ?? 0)) return false;
    // What a full host gives and gets must not make it fuller.
    return dimensions.every((name) => {
      const more = needs[name] - (without?.[name] ?? 0);
      return more <= 0 || used[name] + more <= limit[name] + epsilon;
    });
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
    if (host !== home) this.#moved += by;
    host.leftMiB -= by * needs.memory;
    for (const name of dimensions) host.used[name] += by * needs[name];
    for (const rule of rules) {
      rule.counts.set(host, (rule.counts.get(host) ?? 0) + by);
      rule.broken = brokenIn(rule);
    }
  }

  #refresh(): void {
    for (const name of dimensions)
      this.#deviations[name].set(this.open.map(({ used, size }) => used[name] / size[name]));
  }
}

/** How many guests of a rule would have to be elsewhere. Those on drained hosts leave anyway. */
function brokenIn({ rule, counts }: LaidRule): number {
  let [guests, hosts, most, misplaced] = [0, 0, 0, 0];
  for (const [host, count] of counts) {
    if (!host.isOpen || count === 0) continue;
    guests += count;
    hosts += 1;
    most = Math.max(most, count);
    if (rule.kind === "on" && !rule.hosts.includes(host.name)) misplaced += count;
  }
  switch (rule.kind) {
    case "apart":
      return guests - hosts;
    case "together":
      return guests - most;
    case "on":
      return misplaced;
  }
}

function brokenBy(rule: LaidRule, from: LaidHost, to: LaidHost): number {
  if (from === to) return 0;
  const { counts } = rule;
  const [left, come] = [counts.get(from) ?? 0, counts.get(to) ?? 0];
  counts.set(from, left - 1).set(to, come + 1);
  const after = brokenIn(rule);
  counts.set(from, left).set(to, come);
  return after - rule.broken;
}

/** What the cluster's checks have made sure of. */
function known<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Error("a policy got a cluster whose guests, hosts or rules were not checked");
  return value;
}
