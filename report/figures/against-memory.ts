import * as Plot from "@observablehq/plot";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { comparedKind, groupsOf } from "../data/groups.ts";
import { type Summary, summaryOf } from "../data/statistics.ts";
import { summaryTable } from "../tables/summary-table.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, seriesOf, timeUnit, workloadName, workloadNote } from "./figure.ts";
import { thinned, thinningNote } from "./thin.ts";

/** One thing that is measured of some moves. */
interface Quantity {
  /** What the legend calls it; it decides colour and shape. */
  name: string;
  which: (move: Move) => boolean;
  valueMs: (move: Move) => number | undefined;
}

/** What all of these figures have in common: said once above them. */
export const howToRead =
  "Points are moves; beside them, filled, the median of each cell with its interval. A line joins cells that differ in nothing but memory and its use.";

export interface AgainstMemory {
  id: string;
  title: string;
  what: string;
  /** By workload: one thing, in the colours of workloads. Otherwise several things, each in its own. */
  measured: readonly [Quantity] | readonly Quantity[];
  /** The axis is logarithmic: of things that differ by their order of magnitude. */
  isLogarithmic?: boolean;
}

interface Point {
  move: Move;
  ms: number;
}
interface Series {
  name: string;
  /** Medians of the same name and kind are joined by a line: cells that differ in memory, and in what of it is used, alone. */
  kind: string;
  label: string;
  memoryMiB: number;
  workload: string;
  summary: Summary;
  points: Point[];
}

/** Every move as a point against its guest's memory, beside the median of its cell and that median's interval. Absent: there are no two sizes or workloads of it. */
export function againstMemory(dataset: Dataset, asked: AgainstMemory): Figure | undefined {
  const all = seriesIn(dataset, asked);
  const slots = slotsOf(all);
  if (slots.length < 2) return undefined;
  const shown = thinned(
    all.map(({ points }) => points),
    ({ ms }) => ms,
  );
  const drawn = all.map((one, index) => ({ ...one, points: shown[index] as Point[] }));
  const moves = all.reduce((sum, { points }) => sum + points.length, 0);
  const names = [...new Set(all.map(({ name }) => name))];
  return {
    id: asked.id,
    title: asked.title,
    caption: [
      `${asked.what}.`,
      ...workloadNote(slots.map(({ workload }) => workload)),
      ...thinningNote(
        drawn.reduce((sum, { points }) => sum + points.length, 0),
        moves,
      ),
    ],
    draw: (width) => drawSeries(width, drawn, slots, names, asked),
    table: summaryTable(
      `${asked.id}-values`,
      asked.title,
      all.map(({ label, memoryMiB, summary }) => ({ label, memoryMiB, summary })),
    ),
  };
}

function seriesIn(dataset: Dataset, { measured, isLogarithmic }: AgainstMemory): Series[] {
  const counted = countedMoves(dataset);
  const series = measured.flatMap(({ name, which, valueMs }) =>
    groupsOf(counted.filter(which)).flatMap(({ label, moves }): Series[] => {
      const points = moves.flatMap((move) => {
        const ms = valueMs(move);
        // A logarithmic axis has no place for nothing.
        return ms === undefined || (isLogarithmic && ms <= 0) ? [] : [{ move, ms }];
      });
      const summary = summaryOf(points.map(({ ms }) => ms));
      const [first] = points;
      if (!summary || !first) return [];
      return [
        {
          name: measured.length === 1 ? workloadName(first.move.record) : name,
          workload: workloadName(first.move.record),
          label: measured.length === 1 ? label : `${label}: ${name}`,
          kind: comparedKind(first.move),
          memoryMiB: first.move.record.memoryMiB,
          summary,
          points,
        },
      ];
    }),
  );
  return series.sort((a, b) => a.memoryMiB - b.memoryMiB || (a.label < b.label ? -1 : 1));
}

function drawSeries(
  width: number,
  all: readonly Series[],
  slots: readonly Slot[],
  names: readonly string[],
  asked: AgainstMemory,
): string {
  const { title, isLogarithmic = false } = asked;
  const unit = timeUnit(all.map(({ summary }) => summary.most));
  const pxPerSlot = (width - 70) / slots.length;
  const placed = sideBySide(all, slots, pxPerSlot);
  const points = placed.flatMap(({ series, x }) =>
    series.points.map(({ move, ms }) => ({
      x,
      y: unit.of(ms),
      name: series.name,
      number: move.number,
    })),
  );
  const medians = placed.map(({ series, x }) => ({
    x,
    y: unit.of(series.summary.median),
    low: unit.of(series.summary.interval?.low ?? series.summary.median),
    high: unit.of(series.summary.interval?.high ?? series.summary.median),
    hasInterval: series.summary.interval !== undefined,
    name: series.name,
    line: `${series.name} ${series.kind}`,
    memoryMiB: series.memoryMiB,
  }));
  const intervals = medians.filter(({ hasInterval }) => hasInterval);
  // A line from size to size; where several of a kind have one size it would go up and down between them.
  const lines = [...Map.groupBy(medians, ({ line }) => line).values()].filter(
    (own) => own.length > 1 && new Set(own.map(({ memoryMiB }) => memoryMiB)).size === own.length,
  );
  // As many sizes are named as there is room for.
  const every = Math.ceil(32 / pxPerSlot);
  const workloads = workloadsOf(slots, pxPerSlot);
  const lowest = Math.max(0, ...workloads.map(({ row }) => row + 1));
  const beside = 5;
  return draw({
    width,
    height: Math.round(Math.min(340, width * 0.62 + 40)) + lowest * workloadRowPx,
    label: `${title}: time in ${unit.name} against memory in MiB, by workload. The values are in the table below.`,
    legend: names.map((name) => ({ label: name, ...seriesOf(name) })),
    plot: {
      marginBottom: 40 + lowest * workloadRowPx,
      x: {
        domain: [0, slots.length],
        label: lowest > 0 ? "memory (MiB), by workload" : "memory (MiB), size by size",
        labelAnchor: "right",
        ticks: slots.flatMap((_, index) => (index % every === 0 ? [index + 0.5] : [])),
        tickFormat: (at: number) => `${slots[Math.floor(at)]?.memoryMiB}`,
      },
      y: valueAxis(all, unit, isLogarithmic),
      color: { domain: [...names], range: names.map((name) => seriesOf(name).color) },
      symbol: { domain: [...names], range: names.map((name) => seriesOf(name).symbol) },
      marks: [
        ...(isLogarithmic ? [] : [Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 })]),
        ...workloads.flatMap(({ name, from, to, row }) => [
          Plot.text([name], {
            x: [(from + to) / 2],
            frameAnchor: "bottom",
            dy: 33 + row * workloadRowPx,
            fontWeight: "bold",
          }),
          ...(from > 0 ? [Plot.ruleX([from], { stroke: "currentColor", strokeOpacity: 0.25 })] : []),
        ]),
        Plot.line(lines.flat(), {
          x: "x",
          y: "y",
          stroke: "name",
          z: "line",
          strokeOpacity: 0.35,
          strokeWidth: 1.5,
          dx: beside,
        }),
        Plot.dot(points, {
          x: "x",
          y: "y",
          stroke: "name",
          symbol: "name",
          r: 3,
          strokeOpacity: 0.55,
          strokeWidth: 1.2,
          dx: -beside,
          render: carrying(points, ({ number }) => number),
        }),
        Plot.ruleX(intervals, { x: "x", y1: "low", y2: "high", stroke: "name", strokeWidth: 2, dx: beside }),
        Plot.dot(medians, {
          x: "x",
          y: "y",
          fill: "name",
          symbol: "name",
          r: 3.4,
          dx: beside,
          stroke: "var(--paper)",
          strokeWidth: 0.7,
        }),
      ],
    },
  });
}

function valueAxis(
  all: readonly Series[],
  unit: ReturnType<typeof timeUnit>,
  isLogarithmic: boolean,
): Plot.ScaleOptions {
  const most = unit.of(Math.max(...all.map(({ summary }) => summary.most)));
  const least = unit.of(Math.min(...all.map(({ summary }) => summary.least)));
  const shared = { grid: true, tickFormat: (tick: number) => `${tick}` };
  return isLogarithmic
    ? { ...shared, ...logAxis(least, most), label: `time (${unit.name}), logarithmic` }
    : { ...shared, label: `time (${unit.name})`, domain: [0, most * 1.04], ticks: 5 };
}

/** A place on the axis: one memory size of one workload. On an axis of MiB cells would stand at sizes that no guest has. */
interface Slot {
  memoryMiB: number;
  workload: string;
}

/** Workload by workload, that of most sizes first; size by size in each. */
function slotsOf(all: readonly Series[]): Slot[] {
  const groups = [...Map.groupBy(all, ({ workload }) => workload)].map(([workload, own]) => ({
    workload,
    sizes: [...new Set(own.map(({ memoryMiB }) => memoryMiB))].sort((a, b) => a - b),
  }));
  return groups
    .toSorted((a, b) => b.sizes.length - a.sizes.length)
    .flatMap(({ workload, sizes }) => sizes.map((memoryMiB) => ({ memoryMiB, workload })));
}

const workloadRowPx = 15;

/** Where the names of workloads stand below the sizes, in as few rows as keep them apart. None: there is one workload. */
function workloadsOf(
  slots: readonly Slot[],
  pxPerSlot: number,
): { name: string; from: number; to: number; row: number }[] {
  const names = [...new Set(slots.map(({ workload }) => workload))];
  if (names.length < 2) return [];
  const endsPx: number[] = [];
  return names.map((name) => {
    const from = slots.findIndex(({ workload }) => workload === name);
    const to = slots.findLastIndex(({ workload }) => workload === name) + 1;
    const middlePx = ((from + to) / 2) * pxPerSlot;
    const halfPx = name.length * 3.4 + 2;
    const free = endsPx.findIndex((end) => end <= middlePx - halfPx);
    const row = free < 0 ? endsPx.length : free;
    endsPx[row] = middlePx + halfPx;
    return { name, from, to, row };
  });
}

/** Cells of one slot stand beside each other in it. */
function sideBySide(
  all: readonly Series[],
  slots: readonly Slot[],
  pxPerSlot: number,
): { series: Series; x: number }[] {
  return slots.flatMap(({ memoryMiB, workload }, index) => {
    const own = all.filter((series) => series.memoryMiB === memoryMiB && series.workload === workload);
    const step = Math.min(24 / pxPerSlot, 0.85 / own.length);
    return own.map((series, place) => ({
      series,
      x: index + 0.5 + (place - (own.length - 1) / 2) * step,
    }));
  });
}
