import type { LaidGuest, LaidHost } from "./laid.ts";

/** What guests of each host would take on each other one if theirs was lost: one row for each other one. */
export class Taken {
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
export class Loss {
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
