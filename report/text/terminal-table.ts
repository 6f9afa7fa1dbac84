import Table from "cli-table3";
import { absent, type Column, shownOf, type TableCell, type TableModel } from "./table-model.ts";
import { wrapped } from "./terminal-width.ts";
import { chopped, visible } from "./visible.ts";

/**
 * A table of the report for the terminal, without colours, since it is pasted into files and issues. Where it is wider than that, texts are wrapped;
 * where no wrapping helps, columns from the right are left out, and it is said which. Rows of sentences, which would be columns of single words,
 * stand below one another as lists.
 */
export function terminalTable({ title, columns, rows, notes }: TableModel, width = 120): string {
  const cells = rows.map((row) =>
    row.map((cell) => chopped(visible(shownOf(cell).replaceAll("\u202f", "")), " ")),
  );
  const natural = columns.map(({ name }, index) =>
    Math.max(name.length, ...cells.map((row) => (row[index] as string).length)),
  );
  const longestWord = columns.map(({ name }, index) =>
    Math.max(
      ...[name, ...cells.map((row) => row[index] as string)]
        .flatMap((text) => text.split(" "))
        .map(({ length }) => length),
    ),
  );
  const kept = keptColumns(longestWord, width);
  const shown = columns.slice(0, kept);
  const widths = fitted(
    natural.slice(0, kept),
    longestWord,
    shown.map(({ kind }) => kind === "text"),
    width,
  );
  const lines = cells.map((row) =>
    Math.max(...widths.map((own, index) => Math.ceil((row[index] as string).length / own))),
  );
  if (Math.max(...lines) > mostLines)
    return [
      wrapped(visible(title), width),
      ...cells.map((row, index) => listed(columns, row, rows[index] as readonly TableCell[], width)),
      ...notes.map((note) => wrapped(visible(note), width)),
    ].join("\n");
  const isWrapped = widths.some((own, index) => own < (natural[index] as number));
  const drawn = new Table({
    head: shown.map(({ name }) => name),
    colAligns: shown.map(({ kind }) => (kind === "text" ? "left" : "right")),
    // With the blanks on both sides.
    colWidths: widths.map((own) => own + 2),
    wordWrap: true,
    // Rows that take several lines are told apart by lines between them.
    style: { head: [], border: [], compact: !isWrapped },
  });
  drawn.push(...cells.map((row) => row.slice(0, kept)));
  const hasAbsent = rows.some((row) => row.slice(0, kept).includes(undefined));
  return [
    wrapped(visible(title), width),
    drawn.toString(),
    ...[
      ...notes.map(visible),
      ...(hasAbsent ? [`${absent}: not measured, or none.`] : []),
      ...leftOut(columns.slice(kept)),
    ].map((note) => wrapped(note, width)),
  ].join("\n");
}

/** A row that takes more is not read across. */
const mostLines = 4;

/** A row as a list: what it is of, what comes of that, and the rest by name. What is absent is not there. */
function listed(
  columns: readonly Column[],
  [first = "", second = "", ...rest]: readonly string[],
  cells: readonly TableCell[],
  width: number,
): string {
  const indented = (text: string) => `  ${wrapped(text, width - 4).replaceAll("\n", "\n    ")}`;
  return [
    wrapped(`${first}: ${second}`, width),
    ...rest.flatMap((text, index) =>
      cells[index + 2] === undefined ? [] : [indented(`${columns[index + 2]?.name}: ${text}`)],
    ),
  ].join("\n");
}

/** How wide a table with columns of these widths is, with its lines and blanks. */
const tableWidth = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width + 3, 1);

/** How many columns from the left there is room for; two, whatever the width. */
export function keptColumns(widths: readonly number[], width: number): number {
  let kept = widths.length;
  while (kept > 2 && tableWidth(widths.slice(0, kept)) > width) kept -= 1;
  return kept;
}

/** Says which columns the width had no room for. */
export const leftOut = (columns: readonly Pick<Column, "name">[]): string[] =>
  columns.length === 0
    ? []
    : [
        `Too narrow for: ${columns.map(({ name }) => name).join(", ")}. A wider terminal shows them, or --csv.`,
      ];

/** Takes from the widest column of text until all of them fit, then from the widest of all. No word is broken. */
function fitted(
  widths: readonly number[],
  least: readonly number[],
  isText: readonly boolean[],
  most: number,
): number[] {
  const left = [...widths];
  for (const mayGive of [(index: number) => isText[index] === true, () => true]) {
    while (tableWidth(left) > most) {
      const able = left.map((width, index) =>
        mayGive(index) && width > (least[index] as number) ? width : 0,
      );
      const widest = Math.max(...able);
      if (widest === 0) break;
      left[able.indexOf(widest)] = widest - 1;
    }
  }
  return left;
}
