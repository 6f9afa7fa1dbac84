import type { Summary } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** Medians of cells, as a table, in ms. */
export function summaryTable(
  id: string,
  title: string,
  rows: readonly { label: string; memoryMiB: number; summary: Summary }[],
): TableModel {
  // The interval of few moves is from the least to the most.
  const isFromLeastToMost = rows.every(
    ({ summary: { count, interval, least, most } }) =>
      count === 1 || (interval?.low === least && interval.high === most),
  );
  const ends = isFromLeastToMost ? 0 : 2;
  return {
    id,
    title: `${title}, ms`,
    columns: [
      text("cell"),
      figure("MiB"),
      figure("moves"),
      figure("median"),
      figure("from"),
      figure("to"),
      figure("confidence"),
      ...[figure("least"), figure("most")].slice(0, ends),
    ],
    rows: rows.map(({ label, memoryMiB, summary: { count, median, interval, least, most } }) => [
      label,
      number(memoryMiB, String),
      number(count, String),
      number(median),
      number(interval?.low),
      number(interval?.high),
      number(interval?.confidence, (value) => `${(value * 100).toFixed(1)} %`),
      ...[number(least), number(most)].slice(0, ends),
    ]),
    notes: [
      "from, to: the exact interval of the median, by order statistics, with the confidence that it has.",
    ],
  };
}
