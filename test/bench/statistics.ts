import { max, median, min, quantileSorted, sampleWithReplacement } from "simple-statistics";
import * as z from "zod";

export const summarySchema = z.object({
  n: z.int().positive(),
  median: z.number(),
  min: z.number(),
  max: z.number(),
});
export type Summary = z.infer<typeof summarySchema>;

export const summary = (values: readonly number[]): Summary => {
  const all = [...values];
  return { n: all.length, median: median(all), min: min(all), max: max(all) };
};

export const comparisonSchema = z.object({
  ours: summarySchema,
  reference: summarySchema,
  ratioOfMedians: z.number().describe("what is judged: single pairs are noisy"),
  ratioInterval95: z
    .tuple([z.number(), z.number()])
    .describe("bootstrap over the pairs: where the ratio of medians lies with 95 % confidence"),
  pairRatio: summarySchema.describe("ours / reference, pair by pair"),
  pairDifference: summarySchema.describe("ours - reference, pair by pair"),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export interface Pair {
  ours: number;
  reference: number;
}

const resamples = 4000;

/** Compares two ways of doing the same, measured in pairs. */
export function compare(pairs: readonly Pair[]): Comparison {
  const all = [...pairs];
  const ratios = Array.from({ length: resamples }, () =>
    ratioOfMedians(sampleWithReplacement(all, all.length)),
  ).sort((a, b) => a - b);
  return {
    ours: summary(all.map(({ ours }) => ours)),
    reference: summary(all.map(({ reference }) => reference)),
    ratioOfMedians: ratioOfMedians(all),
    ratioInterval95: [quantileSorted(ratios, 0.025), quantileSorted(ratios, 0.975)],
    pairRatio: summary(all.map(({ ours, reference }) => ours / reference)),
    pairDifference: summary(all.map(({ ours, reference }) => ours - reference)),
  };
}

const ratioOfMedians = (pairs: readonly Pair[]): number =>
  median(pairs.map(({ ours }) => ours)) / median(pairs.map(({ reference }) => reference));
