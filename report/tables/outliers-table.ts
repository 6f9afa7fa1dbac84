import type { Dataset } from "../data/dataset.ts";
import { outlierFrom, outliersIn } from "../data/outliers.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** Moves that are far from their repeats. Undefined: none is. */
export function outliersTable(dataset: Dataset): TableModel | undefined {
  const outliers = outliersIn(dataset);
  if (outliers.length === 0) return undefined;
  return {
    id: "outliers",
    title: "Moves far from their repeats",
    columns: [
      figure("move"),
      text("cell"),
      text("what"),
      figure("ms"),
      figure("median of its cell"),
      figure("times"),
      figure("robust deviations"),
    ],
    rows: outliers
      .toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score))
      .slice(0, mostRows)
      .map(({ move, cell, what, value, median, score }) => [
        number(move.number, String),
        cell,
        what,
        number(value),
        number(median),
        number(value / median, (times) => times.toFixed(2)),
        number(score, (times) => times.toFixed(1).replace("-", "−")),
      ]),
    notes: [
      `They count like all others. The rule: the logarithm is more than ${outlierFrom} robust standard deviations from its cell's median (1.4826 times the median absolute deviation, of all cells of the mode or of its own, whichever is greater).`,
      ...(outliers.length > mostRows ? [`${outliers.length - mostRows} more are not listed.`] : []),
    ],
  };
}

const mostRows = 100;
