import * as Plot from "@observablehq/plot";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { predictionTable } from "../tables/prediction-table.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, seriesOf } from "./figure.ts";
import { thinned, thinningNote } from "./thin.ts";

const asked = [
  { id: "prediction-total", title: "Predicted and measured: total time", of: "totalMs" },
  { id: "prediction-downtime", title: "Predicted and measured: downtime", of: "downtimeMs" },
] as const;

interface Point {
  predicted: number;
  measured: number;
  mode: string;
  number: number;
}

/** What was expected before a move began, against what it took. None: no record has a prediction. */
export const predictionFigures = (dataset: Dataset): Figure[] =>
  asked.flatMap(({ id, title, of }) => {
    const all = countedMoves(dataset).flatMap((move): Point[] => {
      const { predicted, mode } = move.record;
      const [expected, measured] = [predicted?.[of], move.record[of]];
      const isThere = expected !== undefined && measured !== undefined && expected > 0 && measured > 0;
      return isThere ? [{ predicted: expected, measured, mode, number: move.number }] : [];
    });
    if (all.length === 0) return [];
    const points = thinned(
      [...Map.groupBy(all, ({ mode }) => mode).values()],
      ({ measured, predicted }) => predicted / measured,
    ).flat();
    return [
      {
        id,
        title,
        caption: [
          "Each point is a move; on the line the prediction was right, between the dashed ones it was wrong by at most a quarter. Both axes are logarithmic.",
          ...thinningNote(points.length, all.length),
        ],
        draw: (width: number) => drawPoints(width, points, title),
        table: predictionTable(dataset, of),
      },
    ];
  });

function drawPoints(width: number, points: readonly Point[], title: string): string {
  const values = points.flatMap(({ predicted, measured }) => [predicted, measured]);
  const axis = logAxis(Math.min(...values), Math.max(...values));
  const [low, high] = axis.domain as [number, number];
  const modes = [...new Set(points.map(({ mode }) => mode))];
  const line = (factor: number) => [
    { x: low, y: low * factor },
    { x: high, y: high * factor },
  ];
  const dashed = {
    x: "x",
    y: "y",
    stroke: "currentColor",
    strokeOpacity: 0.4,
    strokeDasharray: "4 4",
    clip: true,
  } as const;
  return draw({
    width,
    height: Math.round(Math.min(400, width * 0.8)),
    label: `${title}, in ms. How far they differ is in the table below.`,
    legend: modes.map((mode) => ({ label: mode, ...seriesOf(mode) })),
    plot: {
      x: { ...axis, label: "measured (ms)", labelAnchor: "right" },
      y: { ...axis, label: "predicted (ms)" },
      color: { domain: modes, range: modes.map((mode) => seriesOf(mode).color) },
      symbol: { domain: modes, range: modes.map((mode) => seriesOf(mode).symbol) },
      marks: [
        Plot.line(line(1), { ...dashed, strokeDasharray: "none", strokeOpacity: 0.6 }),
        Plot.line(line(1.25), dashed),
        Plot.line(line(0.75), dashed),
        Plot.dot(points, {
          x: "measured",
          y: "predicted",
          stroke: "mode",
          symbol: "mode",
          r: 3.2,
          strokeOpacity: 0.7,
          render: carrying(points, ({ number }) => number),
        }),
      ],
    },
  });
}
