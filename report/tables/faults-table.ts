import type { Dataset, Move } from "../data/dataset.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** Errors are kept to what tells them apart: figures and names in them differ from move to move. */
const mostLetters = 300;

/** Moves that did not come to their end as asked, by what became of them and why. Undefined: there are none. */
export function faultsTable({ moves, failures }: Dataset): TableModel | undefined {
  const unlike = moves.filter(({ record }) => record.outcome !== "completed");
  if (unlike.length === 0 && failures.length === 0) return undefined;
  const kinds = Map.groupBy(unlike, ({ record }) =>
    JSON.stringify([record.mode, record.outcome, reasonOf(record.error)]),
  );
  const failed = Map.groupBy(failures, ({ error }) => reasonOf(error));
  return {
    id: "faults",
    title: "Moves that did not come to their end as asked",
    columns: [text("mode"), text("what became of it"), figure("moves"), text("which"), text("why")],
    rows: [
      ...[...kinds.values()].map((some) => {
        const { record } = some[0] as Move;
        return [
          record.mode,
          record.outcome,
          number(some.length, String),
          numbersOf(some),
          reasonOf(record.error),
        ];
      }),
      ...[...failed].map(([why, some]) => [
        some[0]?.cell,
        "no move was begun",
        number(some.length, String),
        some.map(({ order }) => `turn ${order}`).join(", "),
        why,
      ]),
    ],
    notes: [
      "failed: the guest is where it was, or nowhere. rolled-back: it was put back where it was. recovered: a later run finished the move.",
      "None of them is in a figure or a test.",
    ],
  };
}

const reasonOf = (error: string | undefined): string => {
  const line = (error ?? "").replaceAll(/\s+/g, " ").trim();
  return line.length > mostLetters ? `${line.slice(0, mostLetters)}…` : line;
};

function numbersOf(moves: readonly Move[]): string {
  const shown = moves.slice(0, 8).map(({ number }) => number);
  return moves.length > shown.length
    ? `${shown.join(", ")} and ${moves.length - shown.length} more`
    : shown.join(", ");
}
