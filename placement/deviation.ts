/**
 * The standard deviation of some numbers, two of which change at a time: what it would be is known at once, without looking at the others.
 * Sums of squares are taken around the mean, as those of large numbers lose the small ones.
 */
export class Deviation {
  #count = 0;
  #mean = 0;
  #squares = 0;

  constructor(values: readonly number[]) {
    this.set(values);
  }

  /** Takes the numbers afresh: a sum that is only ever added to drifts. */
  set(values: readonly number[]): void {
    this.#count = values.length;
    this.#mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    this.#squares = values.reduce((sum, value) => sum + (value - this.#mean) ** 2, 0);
  }

  get mean(): number {
    return this.#mean;
  }

  get value(): number {
    return this.#of(this.#squares);
  }

  /** What it would be if one of the numbers changed by so much, and another by so much. */
  after(one: number, byOne: number, other: number, byOther: number): number {
    const shift = (value: number, by: number) => (2 * (value - this.#mean) + by) * by;
    return this.#of(
      this.#squares +
        shift(one, byOne) +
        shift(other, byOther) -
        (byOne + byOther) ** 2 / Math.max(1, this.#count),
    );
  }

  #of(squares: number): number {
    return squares > 0 ? Math.sqrt(squares / this.#count) : 0;
  }
}
