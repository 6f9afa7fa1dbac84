import * as Plot from "@observablehq/plot";
import { movesRunning } from "../../moves/modes.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { summaryOf } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw } from "./draw.ts";
import { type Figure, seriesOf, workloadName, workloadNote } from "./figure.ts";
import { thinned } from "./thin.ts";

/** Lines that can still be followed by eye. */
const mostLines = 60;

/** What remained to be sent when each pass began, a line for each move. Absent: no move tells of two passes. */
export function remainingFigure(dataset: Dataset): Figure | undefined {
  const moves = countedMoves(dataset).filter(
    ({ record }) => movesRunning(record.mode) && record.passes.length > 1,
  );
  if (moves.length === 0) return undefined;
  const groups = groupsOf(moves);
  const shown = thinned(
    groups.map((group) => group.moves),
    ({ record }) => record.passes.length,
    mostLines,
  ).flat();
  const names = [...new Set(shown.map(({ record }) => workloadName(record)))].sort();
  return {
    id: "remaining",
    title: "Remaining memory by pass",
    caption: [
      "What remained to be sent when each pass over the guest's memory began, in MiB on a square-root scale; a line for each move. A pre-copy that converges goes down to what fits into the greatest downtime, one that does not stays level.",
      ...workloadNote(names),
      ...(shown.length < moves.length
        ? [
            `${shown.length} of ${moves.length} moves are drawn, of each cell at even ranks of their number of passes.`,
          ]
        : []),
    ],
    draw: (width) => drawLines(width, shown, names),
    table: passesTable(groups),
  };
}

function drawLines(width: number, shown: readonly Move[], names: readonly string[]): string {
  const points = shown.flatMap(({ number, record }) =>
    record.passes.map(({ pass, remainingMiB }) => ({
      pass,
      remainingMiB,
      number,
      name: workloadName(record),
    })),
  );
  const most = Math.max(...points.map(({ pass }) => pass));
  return draw({
    width,
    height: Math.round(Math.min(340, width * 0.62 + 40)),
    label: `Remaining memory by pass, of ${shown.length} moves. Medians are in the table below.`,
    legend: names.map((name) => ({ label: name, ...seriesOf(name) })),
    plot: {
      x: {
        label: "pass",
        labelAnchor: "right",
        domain: [1, Math.max(2, most)],
        ticks: Math.min(most, width < 450 ? 6 : 10),
        tickFormat: (d: number) => (Number.isInteger(d) ? `${d}` : ""),
      },
      y: {
        type: "sqrt",
        label: "remaining MiB, square-root scale",
        grid: true,
        ticks: 6,
        zero: true,
        tickFormat: (tick: number) => `${tick}`,
      },
      color: { domain: [...names], range: names.map((name) => seriesOf(name).color) },
      symbol: { domain: [...names], range: names.map((name) => seriesOf(name).symbol) },
      marks: [
        Plot.line(points, {
          x: "pass",
          y: "remainingMiB",
          z: "number",
          stroke: "name",
          strokeOpacity: 0.55,
          strokeWidth: 1.3,
        }),
        Plot.dot(points, {
          x: "pass",
          y: "remainingMiB",
          stroke: "name",
          symbol: "name",
          r: 2.6,
          render: carrying(points, ({ number }) => number),
        }),
      ],
    },
  });
}

function passesTable(groups: ReturnType<typeof groupsOf>): TableModel {
  const wanted = [1, 2, 3, 4];
  return {
    id: "remaining-values",
    title: "Median remaining MiB when a pass began",
    columns: [
      text("cell"),
      figure("moves"),
      ...wanted.map((pass) => figure(`pass ${pass}`)),
      figure("median passes"),
      figure("most passes"),
    ],
    rows: groups.map(({ label, moves }) => {
      const passes = summaryOf(moves.map(({ record }) => record.passes.length));
      return [
        label,
        number(moves.length, String),
        ...wanted.map((pass) => {
          const values = moves.flatMap(({ record }) => {
            const found = record.passes.find((one) => one.pass === pass);
            return found ? [found.remainingMiB] : [];
          });
          return number(summaryOf(values)?.median);
        }),
        number(passes?.median, String),
        number(passes?.most, String),
      ];
    }),
    notes: ["Of the moves that had such a pass."],
  };
}
