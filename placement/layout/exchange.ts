import type { Dimension } from "../terms/settings.ts";
import type { Amounts } from "../terms/standing.ts";
import type { LaidHost } from "./laid.ts";

/**
 * What it would make better, in shares of one host, if one of two hosts gave the other something: quick to ask for many guests. Each dimension's
 * variance is a parabola of how much of it is given: `now - (slope - bend amount) amount`.
 */
export class Exchange {
  readonly #hosts: number;
  readonly #weights: Amounts;
  readonly #deviations: Readonly<Record<Dimension, Deviation>>;
  /** Of each dimension one after the other: now, slope, bend. */
  readonly #parabolas = new Float64Array(9);
  #before = 0;

  constructor(hosts: number, weights: Amounts, deviations: Readonly<Record<Dimension, Deviation>>) {
    this.#hosts = hosts;
    this.#weights = weights;
    this.#deviations = deviations;
  }

  /** Takes two hosts as they are now. */
  set({ used, per }: LaidHost, { used: its, per: other }: LaidHost): void {
    const { memory, vcpus, cpu } = this.#deviations;
    const figures = this.#parabolas;
    memory.between(used.memory * per.memory, per.memory, its.memory * other.memory, other.memory, figures, 0);
    vcpus.between(used.vcpus * per.vcpus, per.vcpus, its.vcpus * other.vcpus, other.vcpus, figures, 3);
    cpu.between(used.cpu * per.cpu, per.cpu, its.cpu * other.cpu, other.cpu, figures, 6);
    this.#before = this.#sum(memory.value, vcpus.value, cpu.value);
  }

  gain(memory: number, vcpus: number, cpu: number): number {
    const after = this.#sum(this.#after(0, memory), this.#after(3, vcpus), this.#after(6, cpu));
    return this.#hosts * (this.#before - after);
  }

  /** Nothing can gain more of which there is so much at least, and so much at most: it would level the two hosts in all dimensions. */
  most(low: Amounts, high: Amounts): number {
    const memory = this.#least(0, low.memory, high.memory);
    const vcpus = this.#least(3, low.vcpus, high.vcpus);
    const cpu = this.#least(6, low.cpu, high.cpu);
    return this.#hosts * (this.#before - this.#sum(memory, vcpus, cpu));
  }

  #sum(memory: number, vcpus: number, cpu: number): number {
    const weights = this.#weights;
    return weights.memory * memory + weights.vcpus * vcpus + weights.cpu * cpu;
  }

  /** The deviation if so much is given. */
  #after(at: number, amount: number): number {
    const figures = this.#parabolas;
    const slope = figures[at + 1] as number;
    const bend = figures[at + 2] as number;
    const variance = (figures[at] as number) - (slope - bend * amount) * amount;
    return variance > 0 ? Math.sqrt(variance) : 0;
  }

  /** The deviation at the parabola's lowest point, or as near to that as may be. */
  #least(at: number, low: number, high: number): number {
    const slope = this.#parabolas[at + 1] as number;
    const bend = this.#parabolas[at + 2] as number;
    return this.#after(at, bend > 0 ? Math.max(low, Math.min(high, slope / (2 * bend))) : 0);
  }
}

/**
 * The standard deviation of some numbers, two of which change at a time: what it would be is known at once, without looking at the others.
 * Squares are summed up around the mean, as those of large numbers lose the small ones.
 */
export class Deviation {
  #count = 1;
  #mean = 0;
  #variance = 0;
  #value = 0;

  /** Takes the numbers afresh: a sum that is only ever added to drifts. */
  set(values: Float64Array): void {
    this.#count = Math.max(1, values.length);
    let sum = 0;
    for (let at = 0; at < values.length; at++) sum += values[at] as number;
    this.#mean = sum / this.#count;
    let squares = 0;
    for (let at = 0; at < values.length; at++) squares += ((values[at] as number) - this.#mean) ** 2;
    this.#variance = squares / this.#count;
    this.#value = Math.sqrt(this.#variance);
  }

  get mean(): number {
    return this.#mean;
  }

  get value(): number {
    return this.#value;
  }

  /**
   * The variance if one of the numbers gives another something, of which a unit is so much of the one and so much of the other: it is
   * `now - (slope - bend amount) amount`, which three go into a list.
   */
  between(
    one: number,
    perOne: number,
    other: number,
    perOther: number,
    into: Float64Array,
    at: number,
  ): void {
    const count = this.#count;
    const more = perOther - perOne;
    into[at] = this.#variance;
    into[at + 1] = (2 * ((one - this.#mean) * perOne - (other - this.#mean) * perOther)) / count;
    into[at + 2] = (perOne * perOne + perOther * perOther - (more * more) / count) / count;
  }
}
