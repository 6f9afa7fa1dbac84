import * as Plot from "@observablehq/plot";
import { migrationModes } from "../../moves/modes.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, seriesOf } from "./figure.ts";

/** How long a client waited for answers around the switchover, of the middle move of each mode. Absent: no record tells it. */
export function latencyFigure(dataset: Dataset): Figure | undefined {
  const told = countedMoves(dataset).filter(({ record }) => (record.client?.latency?.steps.length ?? 0) > 0);
  const middles = migrationModes.flatMap((mode) => {
    const own = told
      .filter(({ record }) => record.mode === mode)
      .sort((a, b) => (a.record.clientDowntimeMs ?? 0) - (b.record.clientDowntimeMs ?? 0));
    const middle = own[(own.length - 1) >> 1];
    return middle ? [{ middle, of: own.length }] : [];
  });
  if (middles.length === 0) return undefined;
  return {
    id: "latency",
    title: "Client latency through the switchover",
    caption: [
      "How long a client on a third machine waited for an answer, by when it asked: in each step the longest wait of all questions that were answered. Zero is the guest's stop. A gap between points: nothing that was asked in it was ever answered.",
      `Of each mode the move whose silence is the median: ${middles.map(({ middle, of }) => `${middle.record.mode}: move ${middle.number}, of ${of}`).join("; ")}.`,
    ],
    draw: (width) =>
      drawSteps(
        width,
        middles.map(({ middle }) => middle),
      ),
    table: latencyTable(middles.map(({ middle }) => middle)),
  };
}

function drawSteps(width: number, moves: readonly Move[]): string {
  const modes = moves.map(({ record }) => record.mode);
  const points = moves.flatMap(({ number, record }) => {
    const { stepMs = 0, steps = [] } = record.client?.latency ?? {};
    // A line over steps without answers would be made up: each stretch has its own.
    let stretch = 0;
    return steps
      .map(({ atMs, worstMs }, index) => {
        const before = steps[index - 1];
        if (before && atMs - before.atMs > stepMs * 1.5) stretch += 1;
        return { at: atMs, wait: worstMs, mode: record.mode, stretch: `${number} ${stretch}`, number };
      })
      .filter(({ wait }) => wait > 0);
  });
  const waits = points.map(({ wait }) => wait);
  return draw({
    width,
    height: 130 + 130 * modes.length,
    label: "Client latency through the switchover, by mode. The values are in the table below.",
    plot: {
      fy: { domain: modes, label: null, padding: 0.14 },
      x: {
        label: "ms since the guest's stop",
        labelAnchor: "right",
        grid: true,
        ticks: width < 450 ? 4 : 8,
        tickFormat: (tick: number) => `${tick}`,
      },
      y: { ...logAxis(Math.min(...waits), Math.max(...waits)), label: "wait (ms), logarithmic" },
      marginRight: 64,
      color: { domain: modes, range: modes.map((mode) => seriesOf(mode).color) },
      symbol: { domain: modes, range: modes.map((mode) => seriesOf(mode).symbol) },
      marks: [
        Plot.ruleX([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
        Plot.line(points, {
          fy: "mode",
          x: "at",
          y: "wait",
          z: "stretch",
          stroke: "mode",
          strokeOpacity: 0.6,
        }),
        Plot.dot(points, {
          fy: "mode",
          x: "at",
          y: "wait",
          fill: "mode",
          symbol: "mode",
          r: 2.4,
          render: carrying(points, ({ number }) => number),
        }),
      ],
    },
  });
}

const latencyTable = (moves: readonly Move[]): TableModel => ({
  id: "latency-values",
  title: "Longest wait for an answer, by when the question was sent",
  columns: [text("move"), text("mode"), figure("ms since the stop"), figure("wait, ms")],
  rows: moves.flatMap(({ number: moveNumber, record }) =>
    (record.client?.latency?.steps ?? []).map(({ atMs, worstMs }) => [
      `${moveNumber}`,
      record.mode,
      number(atMs, (value) => `${Math.round(value)}`),
      number(worstMs),
    ]),
  ),
  notes: [],
});
