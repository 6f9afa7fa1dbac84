import * as Plot from "@observablehq/plot";
import { migrationModes } from "../../moves/modes.ts";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { outliersIn } from "../data/outliers.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, seriesOf } from "./figure.ts";
import { thinned, thinningNote } from "./thin.ts";

/** Of fewer moves each step is so high that the shape tells nothing. */
const leastMoves = 20;

interface Point {
  mode: string;
  downtimeMs: number;
  /** Of its mode's moves, how many had no longer a downtime; percent. */
  share: number;
  number: number;
}

/** How downtimes are spread, mode by mode: the share of moves with no longer a downtime (ECDF). Undefined: no mode has enough moves. */
export function spreadFigure(dataset: Dataset): Figure | undefined {
  const counted = countedMoves(dataset);
  const groups = migrationModes.flatMap((mode): Point[][] => {
    const known = counted
      .flatMap(({ record, number }) =>
        // A logarithmic axis has no place for nothing.
        record.mode === mode && record.downtimeMs !== undefined && record.downtimeMs > 0
          ? [{ mode, number, downtimeMs: record.downtimeMs }]
          : [],
      )
      .sort((a, b) => a.downtimeMs - b.downtimeMs);
    return known.length < leastMoves
      ? []
      : [known.map((point, i) => ({ ...point, share: ((i + 1) / known.length) * 100 }))];
  });
  if (groups.length === 0) return undefined;
  const far = new Set(
    outliersIn(dataset).flatMap(({ what, move }) => (what === "downtime" ? [move.number] : [])),
  );
  const drawn = thinned(groups, ({ downtimeMs }) => downtimeMs);
  const outliers = groups.flat().filter((point) => far.has(point.number));
  return {
    id: "downtime-spread",
    title: "Downtime: how many moves had no longer one",
    caption: [
      `The share of a mode's moves, of all cells together, whose downtime was no longer (ECDF). Modes of fewer than ${leastMoves} moves are not here.`,
      ...(outliers.length > 0
        ? ["Marked: moves far from the repeats of their own cell (see the table of these)."]
        : []),
      ...thinningNote(drawn.flat().length, groups.flat().length),
    ],
    draw: (width) => drawShares(width, drawn, outliers),
    table: spreadTable(groups),
  };
}

function drawShares(
  width: number,
  groups: readonly (readonly Point[])[],
  outliers: readonly Point[],
): string {
  const moves = groups.flat();
  // Each mode begins with none of its moves.
  const points = groups.flatMap((group) => [
    ...group.slice(0, 1).map((first) => ({ ...first, share: 0 })),
    ...group,
  ]);
  const modes = groups.map(([first]) => first?.mode as string);
  const downtimes = points.map(({ downtimeMs }) => downtimeMs);
  return draw({
    width,
    height: Math.round(Math.min(320, width * 0.6 + 30)),
    label: "Shares of moves by their downtime, mode by mode. Quantiles are in the table below.",
    legend: modes.map((mode) => ({ label: mode, ...seriesOf(mode) })),
    plot: {
      x: {
        ...logAxis(Math.min(...downtimes), Math.max(...downtimes)),
        label: "downtime (ms), logarithmic",
        labelAnchor: "right",
      },
      y: { label: "moves (%)", grid: true, domain: [0, 100], ticks: 5 },
      color: { domain: modes, range: modes.map((mode) => seriesOf(mode).color) },
      symbol: { domain: modes, range: modes.map((mode) => seriesOf(mode).symbol) },
      marks: [
        Plot.line(points, {
          x: "downtimeMs",
          y: "share",
          stroke: "mode",
          strokeWidth: 1.8,
          curve: "step-after",
        }),
        Plot.dot(moves, {
          x: "downtimeMs",
          y: "share",
          fill: "mode",
          r: 1.8,
          render: carrying(moves, ({ number: move }) => move),
        }),
        Plot.dot(outliers, {
          x: "downtimeMs",
          y: "share",
          stroke: "mode",
          symbol: "mode",
          r: 4.5,
          render: carrying(outliers, ({ number: move }) => move),
        }),
      ],
    },
  });
}

const quantiles = [10, 50, 90] as const;

const spreadTable = (groups: readonly (readonly Point[])[]): TableModel => ({
  id: "downtime-spread-values",
  title: "Downtimes, ms: so many percent of the moves had no longer one",
  columns: [
    text("mode"),
    figure("moves"),
    figure("least"),
    ...quantiles.map((percent) => figure(`${percent} %`)),
    figure("greatest"),
  ],
  rows: groups.map((points) => [
    points[0]?.mode as string,
    number(points.length, String),
    number(points[0]?.downtimeMs),
    ...quantiles.map((percent) => number(points.find(({ share }) => share >= percent)?.downtimeMs)),
    number(points.at(-1)?.downtimeMs),
  ]),
  notes: [],
});
