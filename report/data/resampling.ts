import type { Estimate } from "./statistics.ts";
import { percentileInterval, resamples } from "./statistics.ts";

/** A value, and the block of the run in which it was measured; absent: it was in none. */
export interface Sample {
  value: number;
  block?: string;
}

/**
 * Medians of each of these samples, as often as there are resamples. Where every value has its block, whole blocks are drawn, the same for
 * all samples: what a run's blocks have in common (a machine that is slower for an hour) stays together (Künsch, Annals of Statistics 17, 1989).
 * Elsewhere each sample's own values are drawn. Not a number: nothing was drawn of it.
 */
export function resampledMedians(
  samples: readonly (readonly Sample[])[],
  random: () => number,
  times = resamples,
): Float64Array[] {
  const sorted = samples.map((some) => some.toSorted((a, b) => a.value - b.value));
  const blocks = [...new Set(samples.flat().map(({ block }) => block))];
  const isInBlocks = !blocks.includes(undefined) && blocks.length > 1;
  const places = new Map(blocks.map((block, index) => [block, index]));
  const weightOf = sorted.map((some) =>
    Int32Array.from(some, ({ block }, index) => (isInBlocks ? (places.get(block) as number) : index)),
  );
  const medians = samples.map(() => new Float64Array(times));
  const counts = new Int32Array(Math.max(blocks.length, ...samples.map(({ length }) => length)));
  const drawInto = (n: number) => {
    counts.fill(0, 0, n);
    for (let i = 0; i < n; i++) {
      const at = Math.floor(random() * n);
      counts[at] = (counts[at] as number) + 1;
    }
  };
  for (let time = 0; time < times; time++) {
    if (isInBlocks) drawInto(blocks.length);
    for (const [index, some] of sorted.entries()) {
      if (!isInBlocks) drawInto(some.length);
      (medians[index] as Float64Array)[time] = weightedMedian(some, weightOf[index] as Int32Array, counts);
    }
  }
  return medians;
}

/** The median of values that are there several times, or not at all: of an even number the mean of the middle two. */
function weightedMedian(sorted: readonly Sample[], weightOf: Int32Array, counts: Int32Array): number {
  let all = 0;
  for (const at of weightOf) all += counts[at] as number;
  if (all === 0) return Number.NaN;
  const [lower, upper] = [(all - 1) >> 1, all >> 1];
  let seen = 0;
  let low = Number.NaN;
  for (let i = 0; i < sorted.length; i++) {
    seen += counts[weightOf[i] as number] as number;
    const { value } = sorted[i] as Sample;
    if (Number.isNaN(low) && seen > lower) low = value;
    if (seen > upper) return (low + value) / 2;
  }
  return Number.NaN;
}

/** An estimate made of medians, with its percentile interval over their resamples. */
export function overResamples(
  value: number,
  statistic: (time: number) => number,
  times = resamples,
): Estimate | undefined {
  const drawn = new Float64Array(times);
  for (let time = 0; time < times; time++) drawn[time] = statistic(time);
  return percentileInterval(value, drawn);
}
