import { medianSorted } from "simple-statistics";
import { type Estimate, orderInterval } from "./statistics.ts";

/**
 * How many times as great values of one sample are as those of another: the median of the quotients of all pairs (Hodges and Lehmann), with its
 * exact interval by the distribution of Mann and Whitney's statistic (Hollander and Wolfe, Nonparametric Statistical Methods, 4.3). It assumes that
 * the distributions of logarithms differ by a shift alone. Absent: one of them has no value above zero.
 */
export function ratioOfSamples(of: readonly number[], to: readonly number[]): Estimate | undefined {
  const [above, below] = [of.filter((value) => value > 0), to.filter((value) => value > 0)];
  if (above.length === 0 || below.length === 0) return undefined;
  const ratios = above.flatMap((one) => below.map((other) => one / other)).sort((a, b) => a - b);
  const chances = exceedances(above.length, below.length);
  return { value: median(ratios), ...orderInterval(ratios, chances) };
}

/** Of ratios the middle two have a geometric mean. */
function median(sorted: readonly number[]): number {
  return Math.exp(medianSorted(sorted.map(Math.log)));
}

/** More pairs are counted by the normal distribution. */
const mostCounted = 3000;

/** The chance of each number of pairs in which one is greater than the other, where both are of one distribution. */
function exceedances(m: number, n: number): number[] {
  const pairs = m * n;
  if (pairs > mostCounted) {
    const variance = (pairs * (m + n + 1)) / 12;
    const density = Array.from({ length: pairs + 1 }, (_, i) =>
      Math.exp(-((i - pairs / 2) ** 2) / (2 * variance)),
    );
    const sum = density.reduce((all, one) => all + one, 0);
    return density.map((one) => one / sum);
  }
  // counts[j][u]: the chance of u among the first i and j, by which of them the greatest is (Mann and Whitney 1947).
  let before: number[][] = Array.from({ length: n + 1 }, () => [1]);
  for (let i = 1; i <= m; i++) {
    const now: number[][] = [[1]];
    for (let j = 1; j <= n; j++) {
      const own = new Array<number>(i * j + 1).fill(0);
      for (const [u, chance] of (before[j] as number[]).entries())
        own[u + j] = (own[u + j] ?? 0) + (chance * i) / (i + j);
      for (const [u, chance] of (now[j - 1] as number[]).entries())
        own[u] = (own[u] ?? 0) + (chance * j) / (i + j);
      now.push(own);
    }
    before = now;
  }
  return before[n] as number[];
}
