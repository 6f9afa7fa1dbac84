import type { Uncovered } from "../terms/standing.ts";
import { type LaidGuest, type LaidHost, largestFirst } from "./laid.ts";
import type { Layout } from "./layout.ts";
import { pack } from "./pack.ts";

export const uncoveredMiB = (layout: Layout): number => new Cover(layout).uncoveredMiB();

/** So many ways are tried before it is said that a host's guests do not fit on the others. */
const tries = 100;

/**
 * Whether any one host may be lost (N+1): whose guests would not all find memory on the others. Kept up while guests move: a place that was
 * found for a guest holds as long as it has the room, so a move costs a look at what relied on its two hosts.
 */
export class Cover {
  readonly #layout: Layout;
  readonly #losses: readonly Loss[];
  readonly #taken: Taken;
  /** The fullest first. */
  readonly #bins: LaidHost[];
  #sorted = -1;
  #seen = -1;

  constructor(layout: Layout) {
    this.#layout = layout;
    const taken = new Taken(layout.hosts.length, layout.weights.vcpus > 0);
    this.#taken = taken;
    this.#bins = [...layout.open];
    this.#losses = layout.open.map((host) => new Loss(host, taken));
  }

  uncovered(): readonly Uncovered[] {
    this.#keepUp();
    return this.#losses.flatMap(({ host, missingMiB }) =>
      missingMiB > 0 ? [{ host: host.name, memoryMiB: missingMiB }] : [],
    );
  }

  uncoveredMiB(): number {
    this.#keepUp();
    let sum = 0;
    for (const { missingMiB } of this.#losses) sum += missingMiB;
    return sum;
  }

  /** Hosts whose loss is not covered. */
  failing(): readonly LaidHost[] {
    this.#keepUp();
    return this.#losses.flatMap(({ host, missingMiB }) => (missingMiB > 0 ? [host] : []));
  }

  #keepUp(): void {
    const { open, version } = this.#layout;
    if (this.#seen === version) return;
    const hit = new Set<number>();
    for (const host of open)
      if (host.changedAt > this.#seen) {
        hit.add(host.index);
        for (const lost of this.#taken.beyond(host)) hit.add(lost);
      }
    // Where guests found no place there may be one now.
    for (const loss of this.#losses)
      if (loss.missingMiB > 0 || (hit.has(loss.host.index) && !mend(loss, () => this.#sortedBins())))
        placeAll(loss, this.#sortedBins());
    this.#seen = version;
  }

  #sortedBins(): readonly LaidHost[] {
    const { version } = this.#layout;
    if (this.#sorted !== version)
      this.#bins.sort((one, other) => one.leftMiB - other.leftMiB || one.index - other.index);
    this.#sorted = version;
    return this.#bins;
  }
}

/** Finds places for those that came and for those whose place is too full now; whether all have one. */
function mend(loss: Loss, bins: () => readonly LaidHost[]): boolean {
  for (const [guest, bin] of loss.places)
    if (guest.host !== loss.host || !loss.isWithin(bin)) loss.take(guest, bin);
  if (loss.places.size === loss.host.guests.size) return true;
  const homeless = [...loss.host.guests].filter((guest) => !loss.places.has(guest));
  return largestFirst(homeless).every((guest) => place(loss, guest, bins()));
}

/** All places afresh: those of all guests, or of as many as find one. */
function placeAll(loss: Loss, bins: readonly LaidHost[]): void {
  loss.clear();
  const guests = largestFirst(loss.host.guests);
  if (guests.every((guest) => place(loss, guest, bins))) return;
  loss.clear();
  if (isConceivable(loss, guests, bins)) {
    const isPlaced = pack(
      guests,
      {
        bins: (guest) =>
          bins
            .filter((bin) => loss.hasRoom(bin, guest))
            .sort((one, other) => loss.leftMiB(one) - loss.leftMiB(other)),
        put: (guest, bin) => loss.put(guest, bin),
        take: (guest, bin) => loss.take(guest, bin),
      },
      tries,
    );
    if (isPlaced) return;
  }
  for (const guest of guests) if (!place(loss, guest, bins)) loss.missingMiB += guest.needs.memory;
}

/** Whether there is memory for all, and for each if it came alone. */
function isConceivable(loss: Loss, guests: readonly LaidGuest[], bins: readonly LaidHost[]): boolean {
  let left = 0;
  for (const bin of bins) if (bin !== loss.host && bin.mayReceive) left += bin.leftMiB;
  let needed = 0;
  for (const { needs } of guests) needed += needs.memory;
  return left >= needed && guests.every((guest) => bins.some((bin) => loss.hasRoom(bin, guest)));
}

/** Finds a place on the fullest host that has the room, which keeps large holes whole. */
function place(loss: Loss, guest: LaidGuest, bins: readonly LaidHost[]): boolean {
  let best: LaidHost | undefined;
  let least = Number.POSITIVE_INFINITY;
  const consider = (bin: LaidHost): void => {
    const left = loss.leftMiB(bin);
    if (left >= least || !loss.hasRoom(bin, guest)) return;
    best = bin;
    least = left;
  };
  // Hosts that get others of the lost one are fuller then than they are now.
  for (const bin of loss.places.values()) consider(bin);
  for (let at = firstWith(bins, guest.needs.memory); at < bins.length; at++) {
    const bin = bins[at] as LaidHost;
    consider(bin);
    if (least <= bin.leftMiB) break;
  }
  if (best === undefined) return false;
  loss.put(guest, best);
  return true;
}

/** Of hosts in the order of their room, where those begin that have so much. */
function firstWith(bins: readonly LaidHost[], memoryMiB: number): number {
  let [low, high] = [0, bins.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bins[middle] as LaidHost).leftMiB < memoryMiB) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What guests of each host would take on each other one if theirs was lost: one row for each other one. */
class Taken {
  readonly #hosts: number;
  readonly #countsVcpus: boolean;
  readonly #memory: Float64Array;
  readonly #vcpus: Float64Array;

  constructor(hosts: number, countsVcpus: boolean) {
    this.#hosts = hosts;
    this.#countsVcpus = countsVcpus;
    this.#memory = new Float64Array(hosts * hosts);
    this.#vcpus = new Float64Array(hosts * hosts);
  }

  add(lost: LaidHost, bin: LaidHost, { needs }: LaidGuest, by: 1 | -1): void {
    const at = bin.index * this.#hosts + lost.index;
    this.#memory[at] = (this.#memory[at] as number) + by * needs.memory;
    this.#vcpus[at] = (this.#vcpus[at] as number) + by * needs.vcpus;
  }

  leftMiB(lost: LaidHost, { index, leftMiB }: LaidHost): number {
    return leftMiB - (this.#memory[index * this.#hosts + lost.index] as number);
  }

  hasVcpus(lost: LaidHost, { index, limit, used }: LaidHost, vcpus: number): boolean {
    const taken = this.#vcpus[index * this.#hosts + lost.index] as number;
    return !this.#countsVcpus || limit.vcpus - used.vcpus - taken >= vcpus;
  }

  /** The indices of hosts whose guests would be more there than there is room for now. */
  beyond({ index, mayReceive, leftMiB, limit, used }: LaidHost): readonly number[] {
    const beyond: number[] = [];
    const leftVcpus = this.#countsVcpus ? limit.vcpus - used.vcpus : Number.POSITIVE_INFINITY;
    for (let lost = 0, at = index * this.#hosts; lost < this.#hosts; lost++, at++) {
      const memory = this.#memory[at] as number;
      if (memory > 0 && (!mayReceive || memory > leftMiB || (this.#vcpus[at] as number) > leftVcpus))
        beyond.push(lost);
    }
    return beyond;
  }
}

/** Where guests would go if their host was lost. */
class Loss {
  readonly host: LaidHost;
  readonly places = new Map<LaidGuest, LaidHost>();
  /** Of guests that have no place. */
  missingMiB = 0;
  readonly #taken: Taken;

  constructor(host: LaidHost, taken: Taken) {
    this.host = host;
    this.#taken = taken;
  }

  leftMiB(bin: LaidHost): number {
    return this.#taken.leftMiB(this.host, bin);
  }

  hasRoom(bin: LaidHost, { needs }: LaidGuest): boolean {
    return (
      bin !== this.host &&
      bin.mayReceive &&
      this.leftMiB(bin) >= needs.memory &&
      this.#taken.hasVcpus(this.host, bin, needs.vcpus)
    );
  }

  /** Whether another host still has the room for those that would come. */
  isWithin(bin: LaidHost): boolean {
    return bin.mayReceive && this.leftMiB(bin) >= 0 && this.#taken.hasVcpus(this.host, bin, 0);
  }

  clear(): void {
    for (const [guest, bin] of this.places) this.take(guest, bin);
    this.missingMiB = 0;
  }

  put(guest: LaidGuest, bin: LaidHost): void {
    this.places.set(guest, bin);
    this.#taken.add(this.host, bin, guest, 1);
  }

  take(guest: LaidGuest, bin: LaidHost): void {
    this.places.delete(guest);
    this.#taken.add(this.host, bin, guest, -1);
  }
}
