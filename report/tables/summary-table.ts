import type { Summary } from "../data/statistics.ts";
import { figure, ms, number, type TableModel, text } from "../text/table-model.ts";

/** Medians of cells, as a table, in ms. */
export function summaryTable(
  id: string,
  title: string,
  rows: readonly { label: string; memoryMiB: number; summary: Summary }[],
): TableModel {
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
      figure("least"),
      figure("most"),
    ],
    rows: rows.map(({ label, memoryMiB, summary: { count, median, interval, least, most } }) => [
      label,
      number(memoryMiB, String),
      number(count, String),
      number(median),
      number(interval?.low),
      number(interval?.high),
      number(interval?.confidence, (value) => `${(value * 100).toFixed(1)} %`),
      number(least),
      number(most, ms),
    ]),
    notes: [
      "from, to: the exact interval of the median, by order statistics, with the confidence that it has.",
    ],
  };
}
