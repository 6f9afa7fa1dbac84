import type { Dataset } from "../data/dataset.ts";
import type { Estimate } from "../data/statistics.ts";

export type Verdict = "reproduced" | "not reproduced" | "can't tell";

/** How a claim is judged. */
export interface Test {
  name: string;
  /** What is computed, and when it says what. */
  how: string;
}

/** What the files say of one of the paper's claims. */
export interface Finding {
  verdict: Verdict;
  /** What was estimated, as a person reads it; absent: nothing could be. */
  effect?: string;
  estimate?: Estimate;
  /** The interval, as it is read beside the effect. */
  interval?: string;
  test: Test;
  /** What it rests on: "60 moves in 12 cells". */
  basis: string;
  /** Why it can't be told, or what to know of it. */
  remark?: string;
}

export interface Claim {
  id: string;
  /** As the paper claims it. */
  says: string;
  judge: (dataset: Dataset) => Finding;
}

/** Reproduced when the whole interval is above the border, not when it is all below it. */
export function above({ low, high }: Estimate, border: number): Verdict {
  if (low > border) return "reproduced";
  return high <= border ? "not reproduced" : "can't tell";
}

/** Tests need repeats: of fewer than this a bootstrap or the least and the greatest tell too little. */
export const leastRepeats = 5;

export const percentOf = ({ confidence }: Estimate): string => `${+(confidence * 100).toFixed(1)} %`;

/** "0.98 to 1.00", with the confidence where that is not the usual one. */
export function intervalText(estimate: Estimate, show: (value: number) => string): string {
  const range = `${show(estimate.low)} to ${show(estimate.high)}`;
  return Math.abs(estimate.confidence - 0.95) < 0.0005 || estimate.confidence > 0.95
    ? range
    : `${range} (${percentOf(estimate)})`;
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** With a minus that is one. */
export const signed = (value: number, decimals: number): string => value.toFixed(decimals).replace("-", "−");
