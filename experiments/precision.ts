import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { median, quantileSorted, sampleWithReplacement } from "simple-statistics";

const resamples = 1000;

/**
 * Half of the 95 % interval of the median, in percent of the median: the percentile bootstrap, which supposes nothing about how the figures
 * are distributed. The same figures give the same answer. Undefined for fewer than three figures, and where the median is zero.
 */
export function halfWidthPercent(figures: readonly number[]): number | undefined {
  const middle = figures.length < 3 ? 0 : median([...figures]);
  if (middle === 0) return undefined;
  const generator = xoroshiro128plus(figures.length);
  const random = () => uniformFloat64(generator);
  const medians = Array.from({ length: resamples }, () =>
    median(sampleWithReplacement([...figures], figures.length, random)),
  ).sort((a, b) => a - b);
  return (((quantileSorted(medians, 0.975) - quantileSorted(medians, 0.025)) / 2) * 100) / middle;
}
