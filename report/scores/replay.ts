import { movesRunning } from "../../moves/modes.ts";
import { type MigrationRecord, pathOf } from "../../moves/record.ts";
import { isOverBefore, type KnownErrors, type Prediction, predict } from "../../prediction/predict.ts";
import { proposedBy } from "../../prediction/proposed-move.ts";
import { type Score, type ScoreSummary, scorePrediction, summarise } from "./score-prediction.ts";

/** A move, and what is said of it by the records before it. */
interface Replayed {
  record: MigrationRecord;
  predicted: Prediction;
  score: Score;
  /** How many moves of the same kind were known. */
  knownAlike: number;
}

/** Predicts each of these moves again, only from those that were over before it began, in the order of time. */
export function replay(records: readonly MigrationRecord[]): Replayed[] {
  const newestFirst = records.toSorted((one, other) => (one.startedAt < other.startedAt ? 1 : -1));
  const known: KnownErrors = new Map();
  return newestFirst.toReversed().flatMap((record) => {
    // A recovered one was never made in one go, and nothing is known of how a failed one went on.
    if (record.outcome !== "completed" && record.outcome !== "rolled-back") return [];
    const earlier = newestFirst.filter((other) => isOverBefore(other, record));
    const predicted = predict(proposedBy(record), earlier, known);
    const score = scorePrediction(record, predicted);
    const knownAlike = alikeOf(record, earlier);
    return score ? [{ record, predicted, score, knownAlike }] : [];
  });
}

/** How many completed moves of the same mode are among these. */
const alikeOf = (record: MigrationRecord, earlier: readonly MigrationRecord[]): number =>
  earlier.filter(({ mode, outcome }) => mode === record.mode && outcome === "completed").length;

/** The predictions that these moves carry, with how many of the same kind were known by then. */
export function stored(records: readonly MigrationRecord[]): Replayed[] {
  return records.flatMap((record) => {
    const { predicted } = record;
    const score = scorePrediction(record);
    if (!score || !predicted) return [];
    const earlier = records.filter((other) => isOverBefore(other, record));
    return [{ record, predicted, score, knownAlike: alikeOf(record, earlier) }];
  });
}

/** How the record's move went, as predictions are scored apart. */
function kindOfMove(record: MigrationRecord): string {
  if (!movesRunning(record.mode)) return record.mode;
  if (record.outcome !== "completed") return "pre-copy";
  const postcopy = record.mode === "hybrid" ? "hybrid, by post-copy" : "post-copy";
  return pathOf(record) === "precopy" ? "pre-copy" : postcopy;
}

/** The scores of each kind of move, in the order in which they first came. */
export function byKind(
  moves: readonly Pick<Replayed, "record" | "score">[],
): { title: string; summary: ScoreSummary }[] {
  const kinds = Map.groupBy(moves, ({ record }) => kindOfMove(record));
  return [...kinds].map(([title, alike]) => ({ title, summary: summarise(alike.map(({ score }) => score)) }));
}
