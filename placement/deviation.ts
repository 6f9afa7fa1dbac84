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
