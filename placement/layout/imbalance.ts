import { type Dimension, dimensions } from "../terms/settings.ts";
import type { Amounts } from "../terms/standing.ts";
import { Deviation, Exchange } from "./exchange.ts";
import type { LaidHost } from "./laid.ts";

/** How uneven hosts are, kept up with what they give each other: what a step would change is known from two hosts' figures alone. */
export class Imbalance {
  readonly #weights: Amounts;
  readonly #deviations = { memory: new Deviation(), vcpus: new Deviation(), cpu: new Deviation() };
  /** Hosts' use of each as a share of what they have, in their order. */
  readonly #shares: Readonly<Record<Dimension, Float64Array>>;
  readonly #positions: ReadonlyMap<LaidHost, number>;
  readonly #exchange: Exchange;
  #isStale = true;

  constructor(hosts: readonly LaidHost[], weights: Amounts) {
    this.#weights = weights;
    const shares = (name: Dimension) => Float64Array.from(hosts, ({ used, per }) => used[name] * per[name]);
    this.#shares = { memory: shares("memory"), vcpus: shares("vcpus"), cpu: shares("cpu") };
    this.#exchange = new Exchange(hosts.length, weights, this.#deviations);
    this.#positions = new Map(hosts.map((host, position) => [host, position]));
  }

  /** A host's use has changed. All is summed up anew when it is next asked for. */
  update(host: LaidHost): void {
    const position = this.#positions.get(host);
    if (position === undefined) return;
    for (const name of dimensions) this.#shares[name][position] = host.used[name] * host.per[name];
    this.#isStale = true;
  }

  /** The weighted mean of standard deviations: 0 is even. */
  get value(): number {
    const { memory, vcpus, cpu } = this.#fresh();
    const { memory: wm, vcpus: wv, cpu: wc } = this.#weights;
    return wm * memory.value + wv * vcpus.value + wc * cpu.value;
  }

  /** Hosts' mean share of each. */
  get means(): Amounts {
    const { memory, vcpus, cpu } = this.#fresh();
    return { memory: memory.mean, vcpus: vcpus.mean, cpu: cpu.mean };
  }

  /** What two hosts may gain by what the first gives the second, as long as nothing else is asked. */
  between(from: LaidHost, to: LaidHost): Exchange {
    this.#fresh();
    this.#exchange.set(from, to);
    return this.#exchange;
  }

  #fresh(): Readonly<Record<Dimension, Deviation>> {
    if (this.#isStale) for (const name of dimensions) this.#deviations[name].set(this.#shares[name]);
    this.#isStale = false;
    return this.#deviations;
  }
}
