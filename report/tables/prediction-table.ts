import { quantile } from "simple-statistics";
import { countedMoves, type Dataset, type Move } from "../dataset.ts";
import { movesRunning, wayOf } from "../record.ts";
import { figure, number, percent, type TableModel, text } from "../table-model.ts";

const named = { precopy: "pre-copy", postcopy: "post-copy", offline: "offline", cold: "cold" } as const;

/** How far predictions were from what came, by the way of the move. */
export function predictionTable(dataset: Dataset, of: "totalMs" | "downtimeMs"): TableModel {
  const predicted = countedMoves(dataset).filter(({ record }) => errorOf(record, of) !== undefined);
  const byWay = Map.groupBy(predicted, ({ record }) => named[wayOf(record)]);
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
      figure("passes right"),
    ],
    rows: [...byWay].map(([way, moves]) => {
      const signed = moves.map(({ record }) => errorOf(record, of) as number);
      const sizes = signed.map(Math.abs);
      return [
        way,
        number(moves.length, String),
        number(quantile(sizes, 0.5), percent),
        number(quantile(sizes, 0.9), percent),
        number(Math.max(...sizes), percent),
        number(quantile(signed, 0.5), (value) => `${value > 0 ? "+" : ""}${percent(value)}`),
        passesRight(moves),
      ];
    }),
    notes: [
      "error: predicted less measured, as a part of what was measured; bias: the same with its sign.",
      "Only moves that came to their end are judged here.",
    ],
  };
}

/** Predicted less measured, as a part of the measured. */
function errorOf({ predicted, ...record }: Move["record"], of: "totalMs" | "downtimeMs"): number | undefined {
  const [expected, measured] = [predicted?.[of], record[of]];
  return expected === undefined || measured === undefined || measured <= 0
    ? undefined
    : (expected - measured) / measured;
}

function passesRight(moves: readonly Move[]): string | undefined {
  const told = moves.filter(({ record }) => movesRunning(record.mode) && record.iterations !== undefined);
  const right = told.filter(({ record }) => record.predicted?.passes === record.iterations);
  return told.length === 0 ? undefined : `${right.length} of ${told.length}`;
}

/**
 * Whether pre-copies came to their end as predicted: of those that were asked for as live, one that completed by pre-copy converged, one that
 * was turned to post-copy or rolled back did not. Absent: nobody predicted one.
 */
export function convergenceTable({ moves }: Dataset): TableModel | undefined {
  const judged = moves.filter(
    ({ record, faults, isWarmUp, isInterrupted }) =>
      record.mode === "live" &&
      record.predicted !== undefined &&
      (record.outcome === "completed" || record.outcome === "rolled-back") &&
      faults.length === 0 &&
      !isWarmUp &&
      !isInterrupted,
  );
  if (judged.length === 0) return undefined;
  const came = ({ record }: Move) => record.outcome === "completed" && wayOf(record) === "precopy";
  const cell = (said: boolean, did: boolean) =>
    number(
      judged.filter((move) => move.record.predicted?.converges === said && came(move) === did).length,
      String,
    );
  const right = judged.filter((move) => move.record.predicted?.converges === came(move)).length;
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
      "A move that was rolled back for another reason counts as one that did not converge; a guest that was paused since its time was over counts as one that did.",
    ],
  };
}
