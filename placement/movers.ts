import type { LaidGuest, LaidHost } from "./laid.ts";
import type { Amounts } from "./measures.ts";

/** A host's guests that may be moved, with their figures side by side: these are asked for very often. */
export class Movers {
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
