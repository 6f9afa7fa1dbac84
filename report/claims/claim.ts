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
  /** With the interval of what guests like these would give: the guest is the unit. */
  estimate?: Estimate;
  /** What repeating the moves would give with these very guests: the moves are the unit. */
  ofThese?: Estimate;
  /** How a value of the effect is shown. */
  show?: (value: number) => string;
  /** The same effect in each guest, where it has one, with the interval of its own moves. */
  guests?: GuestEffect[];
  test: Test;
  /** What it rests on: "60 moves in 12 cells". */
  basis: string;
  /** Why it can't be told, or what to know of it. */
  remark?: string;
}

interface GuestEffect {
  guest: string;
  value: number;
  own?: Estimate;
}

export interface Claim {
  id: string;
  /** As the paper claims it. */
  says: string;
  /** What the effect is called on an axis, and from where on it agrees; absent: its guests have none of their own. */
  effect?: { name: string; border: number };
  /** @param times how many resamples for the interval of these guests */
  judge: (dataset: Dataset, times?: number) => Finding;
}

/** Reproduced when the whole interval is above the border, not when it is all below it. An interval of less than 95 % says neither. */
export function above({ low, high, confidence }: Estimate, border: number): Verdict {
  if (isTooFew({ confidence })) return "can't tell";
  if (low > border) return "reproduced";
  return high <= border ? "not reproduced" : "can't tell";
}

/** The exact interval of so few guests has less than 95 %. */
export const isTooFew = ({ confidence }: Pick<Estimate, "confidence">): boolean => confidence < 0.95 - 1e-9;

/** Fewer repeats than this tell too little of these guests: a bootstrap of them is hardly one. */
export const leastRepeats = 5;

const percentOf = ({ confidence }: Pick<Estimate, "confidence">): string =>
  `${+(confidence * 100).toFixed(1)} %`;

/** "0.98 to 1.00 (97.9 %)": the level that it has. */
export const intervalText = (estimate: Estimate, show: (value: number) => string): string =>
  `${show(estimate.low)} to ${show(estimate.high)} (${percentOf(estimate)})`;

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** With a minus that is one. */
export const signed = (value: number, decimals: number): string => value.toFixed(decimals).replace("-", "−");

/** Sentences of a remark; absent: none. */
export const remarks = (...parts: (string | undefined)[]): { remark?: string } => {
  const said = parts.filter((part) => part !== undefined);
  return said.length > 0 ? { remark: said.join("; ") } : {};
};
