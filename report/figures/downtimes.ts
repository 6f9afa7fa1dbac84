import * as Plot from "@observablehq/plot";
import { mean, sampleStandardDeviation } from "simple-statistics";
import { migrationModes } from "../../moves/modes.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, seriesOf } from "./figure.ts";
import { thinned, thinningNote } from "./thin.ts";

/** Who has a downtime to say beside the hypervisor. */
const observers = [
  {
    id: "guest-clock",
    name: "guest's clock",
    what: "What the guest's own clock missed, less the downtime as the hypervisor has it (STOP to RESUME)",
    ofMs: ({ record }: Move) => record.guestDowntimeMs,
  },
  {
    id: "client",
    name: "client's silence",
    what: "The longest silence that a client on a third machine saw around the switchover, less the downtime as the hypervisor has it (STOP to RESUME)",
    ofMs: ({ record }: Move) => record.clientDowntimeMs,
  },
] as const;

interface Point {
  mode: string;
  downtimeMs: number;
  offMs: number;
  number: number;
}

/** Within which 95 % of normal differences are (Bland and Altman, Lancet 327, 1986). */
interface Limits {
  mode: string;
  moves: number;
  mean: number;
  from?: number;
  to?: number;
}

/** How far others are from the hypervisor's downtime, move by move: beside each other they look alike, since downtimes differ far more. */
export const downtimeFigures = (dataset: Dataset): Figure[] =>
  observers.flatMap(({ id, name, what, ofMs }) => {
    const counted = countedMoves(dataset);
    const groups = migrationModes.flatMap((mode): Point[][] => {
      const points = counted.flatMap((move): Point[] => {
        const { downtimeMs } = move.record;
        const seen = ofMs(move);
        // A logarithmic axis has no place for nothing.
        const isSeen = move.record.mode === mode && downtimeMs !== undefined && downtimeMs > 0;
        return isSeen && seen !== undefined
          ? [{ mode, downtimeMs, offMs: seen - downtimeMs, number: move.number }]
          : [];
      });
      return points.length > 0 ? [points] : [];
    });
    if (groups.length === 0) return [];
    const limits = groups.map(limitsOf);
    const drawn = thinned(groups, ({ offMs }) => offMs).flat();
    return [
      {
        id: `difference-${id}`,
        title: `Downtime: ${name} less hypervisor`,
        caption: [
          `${what}. A point is a move. Lines: the mean of each mode; dashed, its limits of agreement, within which 95 % of normal differences are.`,
          ...thinningNote(drawn.length, groups.flat().length),
        ],
        draw: (width) => drawDifferences(width, name, drawn, limits),
        table: limitsTable(id, name, limits),
      },
    ];
  });

function limitsOf(points: readonly Point[]): Limits {
  const off = points.map(({ offMs }) => offMs);
  const middle = mean(off);
  const spread = off.length > 1 ? 1.96 * sampleStandardDeviation(off) : undefined;
  return {
    mode: points[0]?.mode as string,
    moves: off.length,
    mean: middle,
    ...(spread !== undefined && { from: middle - spread, to: middle + spread }),
  };
}

function drawDifferences(
  width: number,
  name: string,
  points: readonly Point[],
  limits: readonly Limits[],
): string {
  const modes = limits.map(({ mode }) => mode);
  const downtimes = points.map(({ downtimeMs }) => downtimeMs);
  const axis = logAxis(Math.min(...downtimes), Math.max(...downtimes));
  // A line is as long as its mode's downtimes reach.
  const lines = limits.flatMap(({ mode, mean: middle, from, to }) => {
    const own = points.filter((point) => point.mode === mode).map(({ downtimeMs }) => downtimeMs);
    const [x1, x2] = [Math.min(...own) / 1.15, Math.max(...own) * 1.15];
    return [
      { mode, x1, x2, y: middle, isLimit: false },
      ...[from, to].flatMap((y) => (y === undefined ? [] : [{ mode, x1, x2, y, isLimit: true }])),
    ];
  });
  const rule = (data: typeof lines, dashes?: string) =>
    Plot.ruleY(data, {
      x1: "x1",
      x2: "x2",
      y: "y",
      stroke: "mode",
      strokeWidth: 1.5,
      ...(dashes && { strokeDasharray: dashes }),
    });
  return draw({
    width,
    height: Math.round(Math.min(320, width * 0.6 + 30)),
    label: `${name} less the hypervisor's downtime, in ms, by that downtime. Means and limits are in the table below.`,
    legend: modes.map((mode) => ({ label: mode, ...seriesOf(mode) })),
    plot: {
      marginLeft: 62,
      x: { ...axis, label: "hypervisor's downtime (ms), logarithmic", labelAnchor: "right" },
      y: {
        label: "difference (ms)",
        grid: true,
        nice: true,
        ticks: 6,
        tickFormat: (tick: number) => `${tick}`,
      },
      color: { domain: modes, range: modes.map((mode) => seriesOf(mode).color) },
      symbol: { domain: modes, range: modes.map((mode) => seriesOf(mode).symbol) },
      marks: [
        Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
        rule(lines.filter(({ isLimit }) => !isLimit)),
        rule(
          lines.filter(({ isLimit }) => isLimit),
          "5 4",
        ),
        Plot.dot(points, {
          x: "downtimeMs",
          y: "offMs",
          stroke: "mode",
          symbol: "mode",
          r: 2.8,
          strokeOpacity: 0.7,
          render: carrying(points, ({ number: move }) => move),
        }),
      ],
    },
  });
}

const tenths = (value: number): string => value.toFixed(1).replace("-", "−");

const limitsTable = (id: string, name: string, limits: readonly Limits[]): TableModel => ({
  id: `difference-${id}-values`,
  title: `${name} less hypervisor, ms`,
  columns: [text("mode"), figure("moves"), figure("mean"), figure("from"), figure("to")],
  rows: limits.map(({ mode, moves, mean: middle, from, to }) => [
    mode,
    number(moves, String),
    number(middle, tenths),
    number(from, tenths),
    number(to, tenths),
  ]),
  notes: ["from, to: limits of agreement."],
});
