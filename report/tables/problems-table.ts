import type { Dataset } from "../data/dataset.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** What of the files is in no figure, and why. Undefined: all of it is. */
export function problemsTable({ problems, moves }: Dataset): TableModel | undefined {
  const rows = [
    ...problems.map(({ file, line, problem }) => [file, number(line, String), "passed over", problem]),
    ...moves
      .filter(({ faults }) => faults.length > 0)
      .map(({ file, line, number: moveNumber, faults }) => [
        file,
        number(line, String),
        `move ${moveNumber} is in no figure`,
        `it does not add up: ${faults.join("; ")}`,
      ]),
  ];
  if (rows.length === 0) return undefined;
  return {
    id: "problems",
    title: "What was left out, and why",
    columns: [text("file"), figure("line"), text("what became of it"), text("why")],
    rows: rows.slice(0, mostRows),
    notes: rows.length > mostRows ? [`${rows.length - mostRows} more are not listed.`] : [],
  };
}

const mostRows = 200;
