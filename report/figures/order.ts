import * as Plot from "@observablehq/plot";
import type { Dataset } from "../data/dataset.ts";
import { driftsIn, type RunDrift } from "../data/drift.ts";
import { driftTable } from "../tables/drift-table.ts";
import { carrying, draw } from "./draw.ts";
import { type Figure, seriesOf } from "./figure.ts";
import { thinned, thinningNote } from "./thin.ts";

/** How far each move of a run is from its repeats, in the order in which they were made. None: no run has moves enough. */
export function orderFigures(dataset: Dataset): Figure[] {
  const drifts = driftsIn(dataset);
  return drifts.map((drift, index) => {
    const all = drift.residuals.map(({ move, off }, place) => ({
      place: place + 1,
      percent: (Math.exp(off) - 1) * 100,
      mode: move.record.mode,
      number: move.number,
    }));
    const points = thinned([all], ({ place }) => place)[0] as typeof all;
    const step = drift.step && drift.residuals.findIndex(({ move }) => move === drift.step?.from) + 0.5;
    const title = drifts.length > 1 ? `Residuals in their order: ${drift.file}` : "Residuals in their order";
    return {
      id: drifts.length > 1 ? `order-${index + 1}` : "order",
      title,
      caption: [
        "How far the total of each move is from the median of its cell, in the order in which the moves were made. Repeats that nothing but chance tells apart scatter around zero from the first to the last.",
        ...(step === undefined ? [] : ["The dashed line is where the run falls into two."]),
        ...thinningNote(points.length, all.length),
      ],
      draw: (width) => drawPoints(width, title, points, step),
      table: driftTable(drift, drifts.length > 1 ? `drift-${index + 1}` : "drift"),
    };
  });
}

function drawPoints(
  width: number,
  title: string,
  points: readonly {
    place: number;
    percent: number;
    mode: RunDrift["residuals"][0]["move"]["record"]["mode"];
    number: number;
  }[],
  step: number | undefined,
): string {
  const modes = [...new Set(points.map(({ mode }) => mode))];
  return draw({
    width,
    height: Math.round(Math.min(320, width * 0.6 + 30)),
    label: `${title}: percent off the cell's median, move by move. What tests say of it is in the table below.`,
    legend: modes.map((mode) => ({ label: mode, ...seriesOf(mode) })),
    plot: {
      x: { label: "move of the run, in order", labelAnchor: "right", ticks: width < 450 ? 4 : 8 },
      y: { label: "total, % off its cell's median", grid: true, ticks: 6 },
      color: { domain: modes, range: modes.map((mode) => seriesOf(mode).color) },
      symbol: { domain: modes, range: modes.map((mode) => seriesOf(mode).symbol) },
      marks: [
        Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
        ...(step === undefined
          ? []
          : [Plot.ruleX([step], { stroke: "currentColor", strokeDasharray: "4 4", strokeOpacity: 0.8 })]),
        Plot.dot(points, {
          x: "place",
          y: "percent",
          stroke: "mode",
          symbol: "mode",
          r: 3,
          strokeOpacity: 0.7,
          render: carrying(points, ({ number }) => number),
        }),
      ],
    },
  });
}
