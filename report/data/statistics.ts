import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { binomialDistribution, medianSorted, quantileSorted } from "simple-statistics";

/** An estimate and where the truth lies with the stated confidence, as far as chance goes. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
  /** Such as 0.95. Of a median of few values it is what the widest interval there is has. */
  confidence: number;
}

/** What a number of runs have in common; absent where there are none. */
export interface Summary {
  count: number;
  median: number;
  least: number;
  most: number;
  /** Of the median. Absent: fewer than three values say nothing of where it lies. */
  interval?: Estimate;
}

export const wantedConfidence = 0.95;

export function summaryOf(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const interval = medianInterval(sorted);
  return {
    count: sorted.length,
    median: medianSorted(sorted),
    least: sorted[0] as number,
    most: sorted.at(-1) as number,
    ...(interval && { interval }),
  };
}

/**
 * The interval of the median that needs no assumption on how values are distributed: from one order statistic to the one that is as far
 * from the other end (the sign test turned round; Conover, Practical Nonparametric Statistics, 3.2). How many values are below the
 * median is binomial with p = 1/2. Fewer than six values have no interval of 95 %, and then it is the least to the greatest, with the confidence
 * that this has (five: 93.75 %). Fewer than three: none.
 */
export function medianInterval(sorted: readonly number[]): Estimate | undefined {
  const n = sorted.length;
  if (n < 3) return undefined;
  const chances = binomialDistribution(n, 0.5) as number[];
  return { value: medianSorted([...sorted]), ...orderInterval(sorted, chances) };
}

/**
 * From the k-th least to the k-th greatest of these values, with the greatest k that keeps the confidence that is wanted; where none does, from the
 * least to the greatest, with the confidence that this has.
 *
 * @param chances of each number of values that are less than the truth; the same from both ends
 */
export function orderInterval(
  sorted: readonly number[],
  chances: readonly number[],
): Pick<Estimate, "low" | "high" | "confidence"> {
  const n = sorted.length;
  let rank = 0;
  let below = 0;
  // P(X <= rank) on each side is what an interval from rank + 1 on leaves out.
  while (rank < n / 2 - 1 && 2 * (below + (chances[rank] as number)) <= 1 - wantedConfidence) {
    below += chances[rank] as number;
    rank += 1;
  }
  const k = Math.max(rank, 1);
  const outside = rank === 0 ? (chances[0] as number) : below;
  return {
    low: sorted[k - 1] as number,
    high: sorted[n - k] as number,
    confidence: Math.max(0, 1 - 2 * outside),
  };
}

/** So many that an interval's end moves by less than what is shown of it when other ones are drawn. */
export const resamples = 20_000;

/** Random numbers in [0, 1) that are the same in every run: a report made twice of the same files says the same. */
export function randomOf(seed: number): () => number {
  const generator = xoroshiro128plus(mixed(seed));
  return () => uniformFloat64(generator);
}

/** Generators of neighbouring seeds begin alike: every bit of the seed is to change half of the others (MurmurHash3's last step). */
function mixed(seed: number): number {
  let bits = seed | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** The percentile interval of what resamples gave. Those without a value (all drawn alike) are left out; absent: too many of them. */
export function percentileInterval(value: number, drawn: ArrayLike<number>): Estimate | undefined {
  // A typed array is sorted as figures, and quickly; its type alone is not what is asked for.
  const sorted = Float64Array.from(drawn).filter(Number.isFinite).sort() as ArrayLike<number> as number[];
  if (!Number.isFinite(value) || sorted.length < drawn.length / 2) return undefined;
  const tail = (1 - wantedConfidence) / 2;
  return {
    value,
    low: quantileSorted(sorted, tail),
    high: quantileSorted(sorted, 1 - tail),
    confidence: wantedConfidence,
  };
}
