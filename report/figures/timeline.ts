import * as Plot from "@observablehq/plot";
import { phasesOf } from "../../moves/modes.ts";
import { wayOf } from "../../moves/record.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { figure, ms, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw } from "./draw.ts";
import { type Figure, series, timeUnit } from "./figure.ts";

type Way = keyof typeof phasesOf;
const wayNames: Record<Way, string> = {
  precopy: "live (pre-copy)",
  postcopy: "with post-copy",
  offline: "offline",
  cold: "cold",
};

/** Phases in which the guest stands still. */
const standsStill: Record<Way, readonly string[]> = {
  precopy: ["stop-and-copy", "device-state"],
  postcopy: ["device-state"],
  offline: ["suspend", "storage", "copy", "resume"],
  cold: ["storage", "define", "start"],
};

/** When the guest stops and runs again, where the phases' borders do not say it. */
const stops: Partial<Record<Way, string>> = {
  offline:
    "In suspend the guest runs until libvirt stops it to save its memory; in resume until it runs again.",
  cold: "In shutdown the guest runs until it is off; its downtime begins there.",
};

/** A timeline for each path of a move: that of the move whose total time is the median of its path. */
export const timelines = (dataset: Dataset): Figure[] =>
  (Object.keys(phasesOf) as Way[]).flatMap((way) => {
    const moves = countedMoves(dataset)
      .filter(({ record }) => wayOf(record) === way)
      .sort((a, b) => a.record.totalMs - b.record.totalMs);
    const middle = moves[(moves.length - 1) >> 1];
    return middle ? [timeline(middle, way, moves.length)] : [];
  });

interface Bar {
  name: string;
  startMs: number;
  endMs: number;
  kind: "runs" | "stands still" | "pass";
}

function barsOf({ phases, passes }: Move["record"], way: Way): Bar[] {
  const iterations = phases.find(({ name }) => name === "iterations");
  // Each pass ends where the next begins; the last one at the stop.
  const within = iterations
    ? passes.flatMap(({ pass, atMs }, index): Bar[] => {
        const endMs = Math.min(passes[index + 1]?.atMs ?? iterations.endMs, iterations.endMs);
        const startMs = Math.max(atMs, iterations.startMs);
        return endMs > startMs ? [{ name: `pass ${pass}`, startMs, endMs, kind: "pass" }] : [];
      })
    : [];
  const few = within.length <= mostPasses ? within : [];
  return phases.flatMap((phase): Bar[] => [
    {
      ...phase,
      kind: standsStill[way].includes(phase.name) ? "stands still" : "runs",
    },
    ...(phase.name === "iterations" ? few : []),
  ]);
}

/** More would make rows of hairs. */
const mostPasses = 12;

function timeline(move: Move, way: Way, of: number): Figure {
  const { record, number: moveNumber } = move;
  const bars = barsOf(record, way);
  const kinds = [
    { kind: "runs", label: "the guest runs", ...series[0] },
    { kind: "pass", label: "a pass over its memory", color: "var(--s8)" },
    { kind: "stands still", label: "the guest stands still", ...series[1] },
  ].filter(({ kind }) => bars.some((bar) => bar.kind === kind));
  return {
    id: `timeline-${way}`,
    title: `Timeline, ${wayNames[way]}`,
    caption: [
      `Move ${moveNumber}: ${record.guest}, ${record.memoryMiB} MiB, ${record.from} → ${record.to}, ${record.mode}. Its total time of ${ms(record.totalMs)} ms is the median of ${of === 1 ? "the only move" : `${of} moves`} of this way.`,
      ...(stops[way] ? [stops[way]] : []),
      ...(record.passes.length > mostPasses
        ? [`Its ${record.passes.length} passes are in the figure of remaining memory.`]
        : []),
    ],
    draw: (width) => {
      const unit = timeUnit([record.totalMs]);
      const data = bars.map((bar) => ({ ...bar, x1: unit.of(bar.startMs), x2: unit.of(bar.endMs) }));
      return draw({
        width,
        height: 66 + bars.length * 26,
        label: `Timeline of move ${moveNumber}, ${wayNames[way]}: ${record.phases.map(({ name, startMs, endMs }) => `${name} ${ms(endMs - startMs)} ms`).join(", ")}.`,
        legend: kinds.map(({ label, color }) => ({ label, color, symbol: "square" })),
        plot: {
          marginLeft: 100,
          marginRight: 56,
          x: {
            label: `${unit.name} since the first action`,
            grid: true,
            domain: [0, unit.of(record.totalMs)],
            ticks: width < 450 ? 3 : 6,
          },
          y: { domain: bars.map(({ name }) => name), label: null, tickSize: 0, padding: 0.28 },
          color: { domain: kinds.map(({ kind }) => kind), range: kinds.map(({ color }) => color) },
          marks: [
            Plot.barX(data, {
              x1: "x1",
              x2: "x2",
              y: "name",
              fill: "kind",
              rx: 2,
              render: carrying(data, () => moveNumber),
            }),
            Plot.text(data, {
              x: "x2",
              y: "name",
              text: ({ startMs, endMs }: Bar) => `${ms(endMs - startMs)} ms`,
              textAnchor: "start",
              dx: 5,
            }),
          ],
        },
      });
    },
    table: phasesTable(way, move, bars),
  };
}

const phasesTable = (way: Way, { number: moveNumber }: Move, bars: readonly Bar[]): TableModel => ({
  id: `timeline-${way}-values`,
  title: `Move ${moveNumber}, ms`,
  columns: [text("phase"), figure("from"), figure("to"), figure("took"), text("the guest")],
  rows: bars.map(({ name, startMs, endMs, kind }) => [
    name,
    number(startMs),
    number(endMs),
    number(endMs - startMs),
    kind === "pass" ? "runs" : kind,
  ]),
  notes: [],
});
