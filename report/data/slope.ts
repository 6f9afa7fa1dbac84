import { medianSorted } from "simple-statistics";
import { type Estimate, orderInterval } from "./statistics.ts";

export interface Point {
  x: number;
  y: number;
}

/** The slopes of all pairs of one line that differ in x, of all lines together, in their order. */
function pairSlopes(lines: readonly (readonly Point[])[]): number[] {
  const slopes: number[] = [];
  for (const line of lines) {
    // Counted, as this is done anew for each of thousands of resamples.
    for (let i = 0; i < line.length; i++) {
      const a = line[i] as Point;
      for (let j = i + 1; j < line.length; j++) {
        const b = line[j] as Point;
        if (a.x !== b.x) slopes.push((b.y - a.y) / (b.x - a.x));
      }
    }
  }
  return slopes.sort((a, b) => a - b);
}

/**
 * The slope that lines have in common: the median of the slopes of all pairs of points of the same line (Theil and Sen; of several lines:
 * Hirsch, Slack and Smith, Water Resources Research 18, 1982). Absent: no two points of a line differ in x.
 */
export function commonSlope(lines: readonly (readonly Point[])[]): number | undefined {
  const slopes = pairSlopes(lines);
  return slopes.length === 0 ? undefined : medianSorted(slopes);
}

/**
 * That slope with its exact interval, where a point is one guest (Sen, JASA 63, 1968): of the true slope, how many pairs have a smaller one is
 * how many pairs of Kendall's are discordant, of which the distribution is known whatever that of the errors is.
 */
export function slopeInterval(lines: readonly (readonly Point[])[]): Estimate | undefined {
  const slopes = pairSlopes(lines);
  if (slopes.length === 0) return undefined;
  return { value: medianSorted(slopes), ...orderInterval(slopes, discordantChances(lines)) };
}

/**
 * The chance of each number of discordant pairs where y has nothing to do with x: of one line the coefficients of the q-multinomial over the
 * groups of points with the same x, of several lines their convolution.
 */
export function discordantChances(lines: readonly (readonly Point[])[]): number[] {
  let chances = [1];
  for (const line of lines) {
    const ties = [...Map.groupBy(line, ({ x }) => x).values()].map(({ length }) => length);
    if (line.length > mostCounted) {
      chances = times(chances, normal(line.length, ties));
      continue;
    }
    let before = 0;
    for (const size of ties) {
      // A group of so many joins those before: the Gaussian binomial of both sizes.
      chances = times(chances, gaussian(before + size, size));
      before += size;
    }
  }
  const all = chances.reduce((sum, one) => sum + one, 0);
  return chances.map((one) => one / all);
}

/** Counting all permutations takes too long for longer lines, of which the normal distribution is as good. */
const mostCounted = 40;

/** The same by the normal distribution with its mean and variance (Kendall, Rank Correlation Methods, 4.3). */
function normal(n: number, ties: readonly number[]): number[] {
  const pairs = (some: number) => (some * (some - 1)) / 2;
  const all = pairs(n) - ties.reduce((sum, size) => sum + pairs(size), 0);
  const spread = (some: number) => some * (some - 1) * (2 * some + 5);
  const variance = (spread(n) - ties.reduce((sum, size) => sum + spread(size), 0)) / 72;
  const density = Array.from({ length: all + 1 }, (_, i) => Math.exp(-((i - all / 2) ** 2) / (2 * variance)));
  const sum = density.reduce((total, one) => total + one, 0);
  return density.map((one) => one / sum);
}

/** Coefficients of the Gaussian binomial n over k, as parts of their sum, by Pascal's rule. */
function gaussian(n: number, k: number): number[] {
  const smaller = Math.min(k, n - k);
  // rows[j]: of i over j.
  let rows: number[][] = [[1]];
  for (let i = 1; i <= n; i++) {
    const next: number[][] = [[1]];
    for (let j = 1; j <= Math.min(i, smaller); j++) {
      const kept = rows[j];
      const shifted = rows[j - 1] as number[];
      const sum = new Array(j * (i - j) + 1).fill(0);
      for (const [at, value] of shifted.entries()) sum[at] += value;
      if (kept) for (const [at, value] of kept.entries()) sum[at + j] += value;
      next.push(sum);
    }
    rows = next;
  }
  return rows[smaller] as number[];
}

function times(a: readonly number[], b: readonly number[]): number[] {
  const product = new Array(a.length + b.length - 1).fill(0);
  for (const [i, one] of a.entries()) for (const [j, other] of b.entries()) product[i + j] += one * other;
  // Counts of permutations grow beyond what a double holds: parts of the whole do not.
  const all = product.reduce((sum, one) => sum + one, 0);
  return product.map((one) => one / all);
}
