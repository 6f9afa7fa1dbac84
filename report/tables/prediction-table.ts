import { quantile } from "simple-statistics";
import { pathOf } from "../../moves/record.ts";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { byKind, replay } from "../scores/replay.ts";
import { type ScoreSummary, scorePrediction, summarise } from "../scores/score-prediction.ts";
import { figure, number, percent, type TableCell, type TableModel, text } from "../text/table-model.ts";

const named = { precopy: "pre-copy", postcopy: "post-copy", offline: "offline", cold: "cold" } as const;

/** How far predictions were from what came, by the path of the move. */
export function predictionTable(dataset: Dataset, of: "totalMs" | "downtimeMs"): TableModel {
  const judged = countedMoves(dataset).flatMap(({ record }) => {
    const score = scorePrediction(record);
    const error = score?.[of];
    return score && error !== undefined ? [{ path: named[pathOf(record)], score, error }] : [];
  });
  const byPath = Map.groupBy(judged, ({ path }) => path);
  const isWithin = of === "totalMs" ? "isTotalWithin" : "isDowntimeWithin";
  return {
    id: `prediction-${of === "totalMs" ? "total" : "downtime"}-values`,
    title: `Errors of the predicted ${of === "totalMs" ? "total time" : "downtime"}`,
    columns: [
      text("path"),
      figure("moves"),
      figure("median error"),
      figure("90 % are within"),
      figure("worst"),
      figure("median bias"),
      figure("in range"),
      figure("passes right"),
    ],
    rows: [...byPath].map(([path, moves]) => {
      const errors = moves.map(({ error }) => error);
      const sizes = errors.map(Math.abs);
      const scores = moves.map(({ score }) => score);
      return [
        path,
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

/** More take too long to replay for a page. */
const mostReplayed = 400;

/** Before which so many of the same mode were known: docs/prediction.md counts them likewise. */
const leastKnown = 3;

/**
 * How good predictions of this version are: each of these moves predicted again, from those before it alone. The records' own may be of other versions.
 * Undefined: none can be, or there are too many to try.
 */
export function replayedTable(dataset: Dataset): TableModel | undefined {
  const counted = new Set(countedMoves(dataset).map(({ record }) => record));
  if (dataset.moves.length > mostReplayed) return undefined;
  const moves = replay(dataset.moves.map(({ record }) => record)).filter(
    ({ record, knownAlike }) => counted.has(record) && knownAlike >= leastKnown,
  );
  if (moves.length === 0) return undefined;
  const size = (value: number | undefined) => number(value, percent);
  const of = ([some, all]: readonly [number, number]) =>
    all === 0 ? undefined : `${some} of ${all} (${Math.round((some / all) * 100)} %)`;
  const row = (title: string, summary: ScoreSummary): TableCell[] => [
    title,
    number(summary.moves, String),
    size(summary.totalMs?.median),
    size(summary.totalMs?.p90),
    of(summary.totalWithin),
    size(summary.downtimeMs?.median),
    size(summary.downtimeMs?.p90),
    of(summary.downtimeWithin),
  ];
  return {
    id: "prediction-replayed",
    title: "Predicted again, each from those before it",
    columns: [
      text("moves"),
      figure("number"),
      figure("total: median error"),
      figure("90 % within"),
      text("in range"),
      figure("downtime: median error"),
      figure("90 % within"),
      text("in range"),
    ],
    rows: [
      ...byKind(moves).map(({ title, summary }) => row(title, summary)),
      row("all", summarise(moves.map(({ score }) => score))),
    ],
    notes: [
      `By this version of the program, as npm run predict:score -- FILE --known ${leastKnown} has it: moves before which ${leastKnown} of the same mode were known. The figures above have what the records carry, by the version that made them. in range: eight of ten are expected to be.`,
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
