import { binomialDistribution, median, probit } from "simple-statistics";
import { countedMoves, type Dataset } from "./dataset.ts";
import { groupsOf } from "./groups.ts";
import { wantedConfidence } from "./statistics.ts";

/** How far repeats lie apart, as the standard deviation of the logarithm of their totals; by mode. */
export function spreadsIn(dataset: Dataset): { mode: string; spread: number; cells: number }[] {
  const groups = groupsOf(countedMoves(dataset)).filter(({ moves }) => moves.length >= 3);
  const byMode = Map.groupBy(groups, ({ moves }) => moves[0]?.record.mode as string);
  return [...byMode].map(([mode, cells]) => {
    const residuals = cells.flatMap(({ moves }) => {
      const logs = moves.map(({ record }) => Math.log(record.totalMs));
      const middle = median(logs);
      return logs.map((one) => one - middle);
    });
    // A move that took twice as long is an outlier, not the spread of the others.
    const most = 3 * 1.4826 * median(residuals.map(Math.abs));
    const squares = residuals.reduce((sum, one) => sum + Math.min(Math.abs(one), most) ** 2, 0);
    return { mode, spread: Math.sqrt(squares / (residuals.length - cells.length)), cells: cells.length };
  });
}

/** More than anyone makes. */
const mostRepeats = 1000;

const least = (isEnough: (n: number) => boolean): number | undefined => {
  for (let n = 6; n <= mostRepeats; n++) if (isEnough(n)) return n;
  return undefined;
};

/**
 * How many repeats a cell takes so that half of its median's exact interval is expected to be no more than this part of it. Of normal logarithms the
 * r-th of n is expected at the quantile (r - 3/8) / (n + 1/4) (Blom 1958). Undefined: more than can be made.
 */
export const repeatsForPrecision = (spread: number, halfWidth: number): number | undefined =>
  least((n) => spread * probit((n - rankOf(n) + 1 - 0.375) / (n + 0.25)) <= Math.log(1 + halfWidth));

/** Which of n values, from the least on, the exact interval of their median begins with. */
function rankOf(n: number): number {
  const chances = binomialDistribution(n, 0.5) as number[];
  let below = 0;
  let rank = 0;
  while (2 * (below + (chances[rank] as number)) <= 1 - wantedConfidence) {
    below += chances[rank] as number;
    rank += 1;
  }
  return Math.max(rank, 1);
}

/**
 * How many repeats each of a guest's two cells takes so that a claim about guests like these finds an effect of this size with this power, where all
 * guests have it: enough of them must be on its side (sign test), each by the medians of its moves, of which the standard error is 1.2533 times the
 * mean's.
 */
export function repeatsForEffect(
  { spread, effect, guests }: { spread: number; effect: number; guests: number },
  power = 0.8,
): number | undefined {
  if (guests < 6) return undefined;
  const needed = guests - rankOf(guests) + 1;
  return least((n) => {
    const z = Math.log(1 + effect) / (1.2533 * spread * Math.sqrt(2 / n));
    return atLeast(needed, guests, normal(z)) >= power;
  });
}

/** The chance that at least k of n are there, where each is by p. */
function atLeast(k: number, n: number, p: number): number {
  if (p >= 1) return 1;
  const chances = binomialDistribution(n, p) as number[];
  return chances.slice(k).reduce((sum, one) => sum + one, 0);
}

/** The standard normal distribution, by the error function's series of Abramowitz and Stegun, 7.1.26: to 1.5e-7. */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x);
  return z >= 0 ? 1 - tail / 2 : tail / 2;
}
