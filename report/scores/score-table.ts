import type { MigrationRecord } from "../../moves/record.ts";
import { figureText, table, withNote } from "../text/table.ts";
import { absent } from "../text/table-model.ts";
import { type Score, type ScoreSummary, type Spread, scorePrediction } from "./score-prediction.ts";

/** What was predicted of moves, and what was; lines have the numbers of `migrationTable`. Empty: nothing was predicted. */
export function predictedMovesTable(records: readonly MigrationRecord[], first = 1, width?: number): string {
  const rows = records.flatMap((record, index) => {
    const { predicted, guest, mode, totalMs, downtimeMs, outcome, iterations } = record;
    const score = scorePrediction(record);
    if (!predicted || !score) return [];
    const { totalMs: total, downtimeMs: downtime, passes } = predicted;
    return [
      [
        `${index + first}`,
        guest,
        mode,
        figureText(total),
        between(predicted.range?.totalMs),
        outcome === "completed" ? figureText(totalMs) : absent,
        percent(score.totalMs),
        figureText(downtime),
        between(predicted.range?.downtimeMs),
        figureText(downtimeMs),
        percent(score.downtimeMs),
        `${passes > 0 ? passes : absent} / ${iterations ?? absent}`,
      ],
    ];
  });
  if (rows.length === 0) return "";
  const head = [
    "#",
    "guest",
    "mode",
    "TMT ms",
    "8 of 10 in",
    "was",
    "off",
    "TDT ms",
    "8 of 10 in",
    "was",
    "off",
    "passes",
  ];
  return withNote(
    `Predictions\n${table(head, rows, [1, 2], width)}`,
    ["passes: predicted / measured"],
    width,
  );
}

/** The scores of many moves, a line for each kind of them. */
export function scoreTable(summaries: readonly { title: string; summary: ScoreSummary }[]): string {
  const rows = summaries.map(({ title, summary }) => [
    title,
    `${summary.moves}`,
    ...spread(summary.totalMs),
    share(summary.totalWithin),
    ...spread(summary.downtimeMs),
    share(summary.downtimeWithin),
    share(summary.convergesRight),
  ]);
  const of = (what: string) => [`${what} median`, "90th", "in range"];
  return withNote(table(["moves", "", ...of("TMT off:"), ...of("TDT off:"), "converges"], rows, [0]), [
    "off: predicted against measured, by how much of what was measured; 90th: percentile; in range: was within what was said of 8 in 10.",
  ]);
}

/** How many were within the ranges that eight of ten are to be within. */
export function coverageText({ totalWithin, downtimeWithin }: ScoreSummary): string {
  const of = ([some, all]: readonly [number, number]) =>
    all === 0 ? "none is known" : `${some} of ${all}, ${Math.round((some / all) * 100)} %`;
  return `Within their range, of which 80 % are expected: totals ${of(totalWithin)}; downtimes ${of(downtimeWithin)}.`;
}

const percent = (share: Score["totalMs"]): string =>
  share === undefined ? absent : `${share > 0 ? "+" : ""}${Math.round(share * 100)} %`;

const spread = (errors: Spread | undefined): string[] =>
  errors ? [`${(errors.median * 100).toFixed(1)} %`, `${(errors.p90 * 100).toFixed(1)} %`] : [absent, absent];

const share = ([some, all]: readonly [number, number]): string => (all === 0 ? absent : `${some} of ${all}`);

const between = (range: readonly [number, number] | undefined): string =>
  range ? `${figureText(range[0])}–${figureText(range[1])}` : absent;
