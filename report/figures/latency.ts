import * as Plot from "@observablehq/plot";
import { migrationModes } from "../../moves/modes.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { figure, number, type TableModel } from "../text/table-model.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, seriesOf } from "./figure.ts";
import { thinned } from "./thin.ts";

/** Beside the middle move: so many that a line can still be seen among others. */
const mostOthers = 40;

/** How long a client waited for answers around the switchover, mode by mode: offline's seconds would leave no room for live's milliseconds. */
export const latencyFigures = (dataset: Dataset): Figure[] =>
  migrationModes.flatMap((mode) => {
    const own = countedMoves(dataset)
      .filter(({ record }) => record.mode === mode && (record.client?.latency?.steps.length ?? 0) > 0)
      .sort((a, b) => silenceOf(a) - silenceOf(b));
    const middle = own[(own.length - 1) >> 1];
    if (!middle) return [];
    const rest = own.filter((move) => move !== middle);
    const others = thinned([rest], silenceOf, mostOthers)[0] as Move[];
    return [
      {
        id: `latency-${mode}`,
        title: `Client latency through the switchover: ${mode}`,
        caption: [
          "How long a client on a third machine waited for an answer, by when it asked: in each step the longest wait of all questions that were answered. Zero is the guest's stop. A gap between points: nothing that was asked in it was ever answered.",
          `Points: move ${middle.number}, whose silence is ${own.length === 1 ? "the only one" : `the median of ${own.length}`}.`,
          ...(others.length === 0
            ? []
            : others.length === rest.length
              ? ["Thin lines: the others."]
              : [
                  `Thin lines: ${others.length} of the ${rest.length} others, at even ranks of their silence.`,
                ]),
        ],
        draw: (width) => drawSteps(width, mode, middle, others),
        table: latencyTable(mode, middle),
      },
    ];
  });

const silenceOf = ({ record }: Move): number => record.clientDowntimeMs ?? 0;

/** A line over steps without answers would be made up: each stretch has its own. */
function pointsOf({ number: move, record }: Move) {
  const { stepMs = 0, steps = [] } = record.client?.latency ?? {};
  let stretch = 0;
  return steps
    .map(({ atMs, worstMs }, index) => {
      const before = steps[index - 1];
      if (before && atMs - before.atMs > stepMs * 1.5) stretch += 1;
      return { at: atMs, wait: worstMs, stretch: `${move} ${stretch}`, move };
    })
    .filter(({ wait }) => wait > 0);
}

function drawSteps(width: number, mode: string, middle: Move, others: readonly Move[]): string {
  const points = pointsOf(middle);
  const lines = others.flatMap(pointsOf);
  const waits = [...points, ...lines].map(({ wait }) => wait);
  const { color, symbol } = seriesOf(mode);
  return draw({
    width,
    height: Math.round(Math.min(300, width * 0.55 + 40)),
    label: `Client latency through the switchover, ${mode}. The values of the middle move are in the table below.`,
    plot: {
      x: {
        label: "ms since the guest's stop",
        labelAnchor: "right",
        grid: true,
        ticks: width < 450 ? 4 : 8,
        tickFormat: (tick: number) => `${tick}`,
      },
      y: { ...logAxis(Math.min(...waits), Math.max(...waits)), label: "wait (ms), logarithmic" },
      color: { type: "identity" },
      marks: [
        Plot.ruleX([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
        Plot.line(lines, { x: "at", y: "wait", z: "stretch", stroke: color, strokeOpacity: 0.22 }),
        Plot.line(points, { x: "at", y: "wait", z: "stretch", stroke: color, strokeWidth: 2 }),
        Plot.dot(points, {
          x: "at",
          y: "wait",
          fill: color,
          symbol,
          r: 2.8,
          render: carrying(points, ({ move }) => move),
        }),
      ],
    },
  });
}

const latencyTable = (mode: string, { number: move, record }: Move): TableModel => ({
  id: `latency-${mode}-values`,
  title: `Move ${move}: longest wait for an answer, by when the question was sent`,
  columns: [figure("ms since the stop"), figure("wait, ms")],
  rows: (record.client?.latency?.steps ?? []).map(({ atMs, worstMs }) => [
    number(atMs, (value) => `${Math.round(value)}`),
    number(worstMs),
  ]),
  notes: [],
});
