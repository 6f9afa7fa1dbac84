import Table from "cli-table3";
import { absent, shownOf, type TableModel } from "./table-model.ts";
import { chopped, visible } from "./visible.ts";

/** How wide a table is at most; a wider one has its texts wrapped. */
const terminalWidth = 120;

/** A table of the report for the terminal, without colours, since it is pasted into files and issues. */
export function terminalTable({ title, columns, rows, notes }: TableModel): string {
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
  const widths = fitted(
    natural,
    longestWord,
    columns.map(({ kind }) => kind === "text"),
  );
  const isWrapped = widths.some((width, index) => width < (natural[index] as number));
  const drawn = new Table({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ kind }) => (kind === "text" ? "left" : "right")),
    // With the blanks on both sides.
    colWidths: widths.map((width) => width + 2),
    wordWrap: true,
    // Rows that take several lines are told apart by lines between them.
    style: { head: [], border: [], compact: !isWrapped },
  });
  drawn.push(...cells);
  const hasAbsent = rows.some((row) => row.includes(undefined));
  return [
    visible(title),
    drawn.toString(),
    ...notes.map(visible),
    ...(hasAbsent ? [`${absent}: not measured, or none.`] : []),
  ].join("\n");
}

/** Takes from the widest column of text until all of them fit, then from the widest of all. No word is broken. */
function fitted(widths: readonly number[], least: readonly number[], isText: readonly boolean[]): number[] {
  const left = [...widths];
  const over = () => left.reduce((sum, width) => sum + width + 3, 1) > terminalWidth;
  for (const mayGive of [(index: number) => isText[index] === true, () => true]) {
    while (over()) {
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
