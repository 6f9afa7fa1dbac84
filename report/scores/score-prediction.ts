import { quantile } from "simple-statistics";
import { defaultOnTimeout, defaultTimeoutMs } from "../../moves/options.ts";
import { hadItsTime, type MigrationRecord, pathOf } from "../../moves/record.ts";

/** How a prediction compares with what was; what was not measured, or not predicted, is absent. */
export interface Score {
  /** Predicted over measured, less one: 0.1 is a tenth too long. */
  totalMs?: number;
  downtimeMs?: number;
  /** QEMU's passes, predicted less measured. */
  passes?: number;
  /** Whether it was right about pre-copy's converging; live moves alone. */
  convergesRight?: boolean;
  /** Whether what was measured lies within what was said of eight in ten. */
  isTotalWithin?: boolean;
  isDowntimeWithin?: boolean;
}

/** Scores a prediction, by default the one that the record carries. Undefined: there is none. */
export function scorePrediction(record: MigrationRecord, predicted = record.predicted): Score | undefined {
  if (!predicted) return undefined;
  const { outcome, totalMs, downtimeMs, iterations } = record;
  const converged = hasConverged(record);
  const score: Score = {
    ...(converged !== undefined && { convergesRight: converged === predicted.converges }),
  };
  // Of one that did not come to its end it is not known how long it would have taken.
  if (outcome !== "completed") return score;
  const within = (value: number, range: readonly [number, number] | undefined) =>
    range && value >= range[0] && value <= range[1];
  return {
    ...score,
    totalMs: predicted.totalMs / totalMs - 1,
    ...given("isTotalWithin", within(totalMs, predicted.range?.totalMs)),
    ...(downtimeMs !== undefined &&
      downtimeMs > 0 && {
        downtimeMs: predicted.downtimeMs / downtimeMs - 1,
        ...given("isDowntimeWithin", within(downtimeMs, predicted.range?.downtimeMs)),
      }),
    ...(iterations !== undefined &&
      pathOf(record) === "precopy" && { passes: predicted.passes - iterations }),
  };
}

const given = <K extends string, T>(key: K, value: T | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: T };

/**
 * Whether the pre-copy of a live move converged: it did if that brought it to its end before its time. Undefined: it is not known, since it
 * failed for another reason, or is of another mode.
 */
function hasConverged(record: MigrationRecord): boolean | undefined {
  const { mode, outcome, options = {}, equations } = record;
  if (mode !== "live") return undefined;
  const { timeoutMs = defaultTimeoutMs, onTimeout = defaultOnTimeout } = options;
  if (outcome === "rolled-back") return hadItsTime(record) ? false : undefined;
  if (outcome !== "completed") return undefined;
  if (pathOf(record) === "postcopy") return false;
  return !(
    onTimeout === "suspend" &&
    equations !== undefined &&
    equations.tiMs + equations.ovMs >= timeoutMs
  );
}

/** What the scores of many moves say together. */
export interface ScoreSummary {
  moves: number;
  totalMs?: Spread;
  downtimeMs?: Spread;
  /** So many of so many. */
  convergesRight: readonly [number, number];
  totalWithin: readonly [number, number];
  downtimeWithin: readonly [number, number];
}

/** Of the errors' sizes, whichever side they are on. */
export interface Spread {
  median: number;
  p90: number;
}

export function summarise(scores: readonly Score[]): ScoreSummary {
  const spread = (key: "totalMs" | "downtimeMs"): Spread | undefined => {
    const errors = scores.flatMap((score) => score[key] ?? []).map(Math.abs);
    return errors.length === 0 ? undefined : { median: quantile(errors, 0.5), p90: quantile(errors, 0.9) };
  };
  const share = (key: "convergesRight" | "isTotalWithin" | "isDowntimeWithin") => {
    const known = scores.flatMap((score) => score[key] ?? []);
    return [known.filter(Boolean).length, known.length] as const;
  };
  return {
    moves: scores.length,
    ...given("totalMs", spread("totalMs")),
    ...given("downtimeMs", spread("downtimeMs")),
    convergesRight: share("convergesRight"),
    totalWithin: share("isTotalWithin"),
    downtimeWithin: share("isDowntimeWithin"),
  };
}
