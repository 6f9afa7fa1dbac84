import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { summaryOf } from "../data/statistics.ts";
import { figure, ms, number, percent, type TableModel, text } from "../text/table-model.ts";

/** What guests' programs got done, before their moves and in them, by their own count. Undefined: none counted. */
export function progressTable(dataset: Dataset): TableModel | undefined {
  const told = countedMoves(dataset).filter(({ progress }) => progress !== undefined);
  if (told.length === 0) return undefined;
  const median = (moves: readonly Move[], of: (progress: NonNullable<Move["progress"]>) => number) =>
    summaryOf(
      moves.map(({ progress }) => of(progress as NonNullable<Move["progress"]>)).filter(Number.isFinite),
    )?.median;
  return {
    id: "progress",
    title: "What the guests' programs got done, medians",
    columns: [
      text("cell"),
      figure("moves"),
      text("counted"),
      figure("a second before"),
      figure("a second in the move"),
      figure("slowest second"),
      figure("kept"),
    ],
    rows: groupsOf(told).map(({ label, moves }) => [
      label,
      number(moves.length, String),
      moves[0]?.progress?.unit,
      number(
        median(moves, ({ beforePerSecond }) => beforePerSecond),
        ms,
      ),
      number(
        median(moves, ({ duringPerSecond }) => duringPerSecond),
        ms,
      ),
      number(
        median(moves, ({ slowestPerSecond }) => slowestPerSecond),
        ms,
      ),
      number(
        median(moves, ({ beforePerSecond, duringPerSecond }) => duringPerSecond / beforePerSecond),
        percent,
      ),
    ]),
    notes: ["kept: what was done in a second of the move, of what was done in one before it."],
  };
}
