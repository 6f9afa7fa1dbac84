import { shownOf, type TableModel } from "./table-model.ts";
import { visible } from "./visible.ts";

/** A table for a README: figures stand right. */
export function markdownTable({ columns, rows }: Pick<TableModel, "columns" | "rows">): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => visible(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [
    line(columns.map(({ name }) => name)),
    line(columns.map(({ kind }) => (kind === "figure" ? "--:" : "---"))),
    ...rows.map((row) => line(row.map(shownOf))),
  ].join("\n");
}
