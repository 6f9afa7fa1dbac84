import { quantile } from "simple-statistics";
import { wayOf } from "../../moves/record.ts";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { scorePrediction } from "../scores/score-prediction.ts";
import { figure, number, percent, type TableModel, text } from "../text/table-model.ts";

const named = { precopy: "pre-copy", postcopy: "post-copy", offline: "offline", cold: "cold" } as const;

/** How far predictions were from what came, by the path of the move. */
export function predictionTable(dataset: Dataset, of: "totalMs" | "downtimeMs"): TableModel {
  const judged = countedMoves(dataset).flatMap(({ record }) => {
    const score = scorePrediction(record);
    const error = score?.[of];
    return score && error !== undefined ? [{ way: named[wayOf(record)], score, error }] : [];
  });
  const byWay = Map.groupBy(judged, ({ way }) => way);
  const isWithin = of === "totalMs" ? "isTotalWithin" : "isDowntimeWithin";
  return {
    id: `prediction-${of === "totalMs" ? "total" : "downtime"}-values`,
    title: `Errors of the predicted ${of === "totalMs" ? "total time" : "downtime"}`,
    columns: [
      text("way"),
      figure("moves"),
      figure("median error"),
      figure("90 % are within"),
      figure("worst"),
      figure("median bias"),
      figure("in range"),
      figure("passes right"),
    ],
    rows: [...byWay].map(([way, moves]) => {
      const errors = moves.map(({ error }) => error);
      const sizes = errors.map(Math.abs);
      const scores = moves.map(({ score }) => score);
      return [
        way,
        number(moves.length, String),
        number(quantile(sizes, 0.5), percent),
        number(quantile(sizes, 0.9), percent),
        number(Math.max(...sizes), percent),
        number(quantile(errors, 0.5), (value) => `${value > 0 ? "+" : ""}${percent(value)}`),
        share(scores.flatMap((score) => score[isWithin] ?? [])),
        share(scores.flatMap(({ passes }) => (passes === undefined ? [] : passes === 0))),
      ];
    }),
    notes: [
      "error: predicted less measured, as a part of what was measured; bias: the same with its sign. in range: was within what had been said of eight in ten.",
      "Only moves that came to their end are judged here.",
    ],
  };
}

/** How many of those for which it is known; absent: none. */
const share = (known: readonly boolean[]): string | undefined =>
  known.length === 0 ? undefined : `${known.filter(Boolean).length} of ${known.length}`;

/** Whether the pre-copies of live moves came to their end as predicted. Absent: of none is that known. */
export function convergenceTable({ moves }: Dataset): TableModel | undefined {
  const judged = moves.flatMap(({ record, faults, isWarmUp, isInterrupted }) => {
    const isRight = scorePrediction(record)?.convergesRight;
    if (isRight === undefined || faults.length > 0 || isWarmUp || isInterrupted) return [];
    const said = record.predicted?.converges === true;
    return [{ said, did: said === isRight }];
  });
  if (judged.length === 0) return undefined;
  const cell = (said: boolean, did: boolean) =>
    number(judged.filter((move) => move.said === said && move.did === did).length, String);
  const right = judged.filter(({ said, did }) => said === did).length;
  return {
    id: "convergence",
    title: "Does it converge? Predicted and seen, live moves",
    columns: [text("predicted"), figure("came to its end by pre-copy"), figure("did not")],
    rows: [
      ["converges", cell(true, true), cell(true, false)],
      ["does not", cell(false, true), cell(false, false)],
    ],
    notes: [
      `Right in ${right} of ${judged.length}.`,
      "A move did not converge if it was rolled back after its time, turned to post-copy, or paused; one that failed for another reason is not judged.",
    ],
  };
}
