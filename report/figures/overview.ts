import * as Plot from "@observablehq/plot";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { type Summary, summaryOf } from "../data/statistics.ts";
import { figure, ms, number, type TableModel, text } from "../text/table-model.ts";
import { draw } from "./draw.ts";
import { type Figure, series, timeUnit } from "./figure.ts";

/** More rows are no picture that is seen at once. */
const mostRows = 24;

interface Row {
  name: string;
  moves: number;
  totalMs: number;
  downtimeMs: number;
}

/** How long a move takes in each cell, and how much of that the guest stands still. Absent: no move tells both. */
export function overviewFigure(dataset: Dataset): Figure | undefined {
  const cells = groupsOf(countedMoves(dataset).filter(({ record }) => record.downtimeMs !== undefined)).map(
    ({ label, moves }) => ({ label, moves, mode: moves[0]?.record.mode as string }),
  );
  if (cells.length === 0) return undefined;
  const isByMode = cells.length > mostRows;
  const rows = isByMode
    ? [...Map.groupBy(cells, ({ mode }) => mode)].map(([mode, own]) => middleOf(mode, own))
    : cells.map(({ label, moves }) => middleOf(label, [{ moves }]));
  const of = isByMode ? "mode, the middle of its cells' medians" : "cell, its moves' medians";
  return {
    id: "overview",
    title: "Total time, and the downtime in it",
    caption: [
      `A row is a ${of}; beside it how long the guest stood still, of how long the move took. That part is drawn at the end, wherever in the move it was.`,
    ],
    draw: (width) => drawRows(width, rows),
    table: overviewTable(rows, isByMode),
  };
}

function middleOf(name: string, cells: readonly { moves: readonly Move[] }[]): Row {
  const middle = (of: (move: Move) => number) =>
    (summaryOf(cells.map(({ moves }) => (summaryOf(moves.map(of)) as Summary).median)) as Summary).median;
  return {
    name,
    moves: cells.reduce((sum, { moves }) => sum + moves.length, 0),
    totalMs: middle(({ record }) => record.totalMs),
    downtimeMs: middle(({ record }) => record.downtimeMs as number),
  };
}

function drawRows(width: number, rows: readonly Row[]): string {
  const unit = timeUnit(rows.map(({ totalMs }) => totalMs));
  const show = (value: number) => (unit.name === "s" ? unit.of(value).toFixed(2) : ms(value));
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const marginLeft = Math.min(width < 450 ? 128 : 220, 16 + longest * 6.6);
  const letters = Math.floor((marginLeft - 12) / 6.6);
  // By their place: names may be alike once they are shortened.
  const data = rows.map((row, index) => ({
    ...row,
    key: `${index}`,
    stop: unit.of(row.totalMs - row.downtimeMs),
    end: unit.of(row.totalMs),
  }));
  const [runs, still] = [series[0], series[1]];
  return draw({
    width,
    height: 52 + rows.length * 18,
    label: `Total time and downtime in ${unit.name}: ${rows.map(({ name, totalMs, downtimeMs }) => `${name} ${show(downtimeMs)} of ${show(totalMs)}`).join("; ")}.`,
    legend: [
      { label: "the guest runs", color: runs.color, symbol: "square" },
      { label: "stands still", color: still.color, symbol: "square" },
    ],
    plot: {
      marginLeft,
      marginRight: 92,
      x: { label: `time (${unit.name})`, labelAnchor: "right", grid: true, ticks: width < 450 ? 3 : 6 },
      y: {
        domain: data.map(({ key }) => key),
        label: null,
        tickSize: 0,
        padding: 0.22,
        tickFormat: (key: string) => shortened(rows[Number(key)]?.name ?? "", letters),
      },
      color: { type: "identity" },
      marks: [
        Plot.barX(data, { x1: 0, x2: "stop", y: "key", fill: runs.color }),
        Plot.barX(data, { x1: "stop", x2: "end", y: "key", fill: still.color }),
        Plot.text(data, {
          x: "end",
          y: "key",
          text: ({ totalMs, downtimeMs }: Row) => `${show(downtimeMs)} of ${show(totalMs)} ${unit.name}`,
          textAnchor: "start",
          dx: 5,
        }),
      ],
    },
  });
}

const shortened = (name: string, letters: number): string =>
  name.length > letters ? `${name.slice(0, letters - 1)}…` : name;

const overviewTable = (rows: readonly Row[], isByMode: boolean): TableModel => ({
  id: "overview-values",
  title: "Total time and downtime, medians, ms",
  columns: [
    text(isByMode ? "mode" : "cell"),
    figure("moves"),
    figure("total"),
    figure("downtime"),
    figure("downtime / total"),
  ],
  rows: rows.map(({ name, moves, totalMs, downtimeMs }) => [
    name,
    number(moves, String),
    number(totalMs),
    number(downtimeMs),
    number(downtimeMs / totalMs, (ratio) => `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`),
  ]),
  notes: [],
});
