import type { MigrationRecord } from "../moves/record.ts";
import { priorSpread } from "./priors.ts";
import { companyLikeness, type Kind, likeness, paceLikeness, switchoverLikeness } from "./weights.ts";

/** How far off the model was on a move. */
export interface Residual {
  record: MigrationRecord;
  /** With how many others it shared. Absent: with none. */
  others?: number;
  /** Logarithm of what was, over what was predicted. */
  totalMs: number;
  downtimeMs?: number;
}

/** The usual error of a prediction, and the spread around it, in logarithms. */
export interface Correction {
  shift: number;
  spread: number;
}

/** What is corrected. */
export type Predicted = "totalMs" | "downtimeMs";

/** The weight of having no history, in records like it: what a short one says of errors is believed in part. */
const doubts = { shift: 4, spread: 1 };

/** Errors are alike for longer than paces are: half the weight after five. */
const ageing = 0.5 ** (1 / 5);

/**
 * What earlier predictions tell of this one: the mean of how far they were off, shrunk towards none, and the spread around that,
 * shrunk towards the one without any history.
 *
 * @param residuals newest first
 */
export function correction(residuals: readonly Residual[], kind: Kind): { [key in Predicted]: Correction } {
  const of = (key: Predicted): Correction => {
    let [age, weights, sum, squares] = [0, 0, 0, 0];
    for (const residual of residuals) {
      const value = residual[key];
      const like =
        likeness(residual.record, kind) *
        companyLikeness(residual.others ?? 0, kind) *
        (key === "downtimeMs" ? switchoverLikeness : paceLikeness)(residual.record, kind);
      if (value === undefined || like === 0) continue;
      const weight = like * ageing ** age;
      age += like;
      // One that went altogether wrong must not spoil the next.
      const believed = Math.max(-1, Math.min(value, 1));
      weights += weight;
      sum += weight * believed;
      squares += weight * believed ** 2;
    }
    const shift = sum / (weights + doubts.shift);
    const variance =
      (squares - 2 * shift * sum + shift ** 2 * weights + doubts.spread * priorSpread[key] ** 2) /
      (weights + doubts.spread);
    return { shift, spread: Math.sqrt(Math.max(0, variance)) };
  };
  return { totalMs: of("totalMs"), downtimeMs: of("downtimeMs") };
}
