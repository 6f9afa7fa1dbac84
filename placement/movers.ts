import type { LaidGuest, LaidHost } from "./laid.ts";
import type { Amounts } from "./measures.ts";

/** A host's guests that may be moved, with their figures side by side: these are asked for very often. */
export class Movers {
  readonly guests: readonly LaidGuest[];
  readonly memory: readonly number[];
  readonly vcpus: readonly number[];
  readonly cpu: readonly number[];
  /** No guest needs more than this, and none costs less to be moved on, or to change places, where it may be going home. */
  readonly mostNeeds: Amounts;
  readonly leastPrice: number;
  readonly leastSwapPrice: number;

  constructor(host: LaidHost) {
    this.guests = [...host.guests].filter(({ isFixed }) => !isFixed);
    this.memory = this.guests.map(({ needs }) => needs.memory);
    this.vcpus = this.guests.map(({ needs }) => needs.vcpus);
    this.cpu = this.guests.map(({ needs }) => needs.cpu);
    this.mostNeeds = { memory: max(this.memory), vcpus: max(this.vcpus), cpu: max(this.cpu) };
    const isOut = ({ home }: LaidGuest) => home !== host;
    this.leastPrice = Math.min(...this.guests.map((guest) => (isOut(guest) ? 0 : guest.price)));
    this.leastSwapPrice = Math.min(
      ...this.guests.map((guest) => (isOut(guest) ? -guest.price : guest.price)),
    );
  }
}

const max = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

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
