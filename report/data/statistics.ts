import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  binomialDistribution,
  median,
  medianSorted,
  quantileSorted,
  quickselect,
  sampleRankCorrelation,
} from "simple-statistics";

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
 * median is binomial with p = 1/2, so the interval from the k-th least to the k-th greatest has it but for a chance of
 * 2 P(X < k). The greatest k that keeps the confidence counts; fewer than six values have no such k, and then it is the least to the greatest,
 * with the confidence that this has (five: 93.75 %). Fewer than three: none.
 */
export function medianInterval(sorted: readonly number[]): Estimate | undefined {
  const n = sorted.length;
  if (n < 3) return undefined;
  const chances = binomialDistribution(n, 0.5) as number[];
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
    value: medianSorted([...sorted]),
    low: sorted[k - 1] as number,
    high: sorted[n - k] as number,
    confidence: 1 - 2 * outside,
  };
}

/** What to know of the intervals of these medians, a sentence each; empty: all of them have the confidence that is wanted. */
export function intervalNotes(summaries: readonly Summary[]): string[] {
  const percent = (confidence: number) => +(confidence * 100).toFixed(1);
  const bare = summaries.filter(({ interval }) => interval === undefined).length;
  const rough = summaries
    .flatMap(({ interval }) => interval?.confidence ?? [])
    .filter((confidence) => confidence < wantedConfidence);
  const [least, most] = [percent(Math.min(...rough)), percent(Math.max(...rough))];
  const of = (some: number) => `${some} of ${summaries.length} medians`;
  return [
    ...(bare > 0 ? [`${of(bare)} are of fewer than three moves, and have no interval.`] : []),
    ...(rough.length > 0
      ? [
          `${of(rough.length)} are of three to five: too few for 95 %, so theirs is from the least to the most, which has ${least === most ? "" : `${least} to `}${most} %.`,
        ]
      : []),
  ];
}

export const resamples = 2000;

/** Random numbers in [0, 1) that are the same in every run: a report made twice of the same files says the same. */
export function randomOf(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}

/** The medians of samples drawn from these values, with replacement, as many as there are values: the bootstrap. */
export function bootstrapMedians(values: readonly number[], random: () => number): Float64Array {
  const n = values.length;
  const drawn: number[] = new Array(n);
  const middle = n >> 1;
  return Float64Array.from({ length: resamples }, () => {
    for (let i = 0; i < n; i++) drawn[i] = values[Math.floor(random() * n)] as number;
    if (n < 32) return median(drawn);
    quickselect(drawn, middle);
    if (n % 2 === 1) return drawn[middle] as number;
    // What is left of the middle is no greater than it.
    let before = drawn[0] as number;
    for (let i = 1; i < middle; i++) before = Math.max(before, drawn[i] as number);
    return (before + (drawn[middle] as number)) / 2;
  });
}

/** The percentile interval of what resamples gave. Those without a value (all drawn alike) are left out; absent: too many of them. */
export function percentileInterval(value: number, drawn: ArrayLike<number>): Estimate | undefined {
  const sorted = Array.from(drawn)
    .filter((one) => Number.isFinite(one))
    .sort((a, b) => a - b);
  if (!Number.isFinite(value) || sorted.length < drawn.length / 2) return undefined;
  const tail = (1 - wantedConfidence) / 2;
  return {
    value,
    low: quantileSorted(sorted, tail),
    high: quantileSorted(sorted, 1 - tail),
    confidence: wantedConfidence,
  };
}

/** The median of the slopes of all pairs with different x (Theil and Sen). Absent: no two differ. */
export function theilSenSlope(points: readonly { x: number; y: number }[]): number | undefined {
  const slopes = points.flatMap((a, i) =>
    points.slice(i + 1).flatMap((b) => (a.x === b.x ? [] : [(b.y - a.y) / (b.x - a.x)])),
  );
  return slopes.length === 0 ? undefined : median(slopes);
}

/**
 * How y follows x when z is held fast: the partial rank correlation, of Spearman's coefficients. Not a number: one of them does not vary, or
 * z says all that x or y says.
 */
export function partialRankCorrelation(x: number[], y: number[], z: number[]): number {
  const [xy, xz, yz] = [
    sampleRankCorrelation(x, y),
    sampleRankCorrelation(x, z),
    sampleRankCorrelation(y, z),
  ];
  const rest = (1 - xz ** 2) * (1 - yz ** 2);
  return rest < 1e-9 ? Number.NaN : (xy - xz * yz) / Math.sqrt(rest);
}
