import * as Plot from "@observablehq/plot";
import { type PathName, phasesOf } from "../../moves/modes.ts";
import { pathOf } from "../../moves/record.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { duration, figure, ms, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw } from "./draw.ts";
import { type Figure, series, timeUnit } from "./figure.ts";

const titles: Record<PathName, string> = {
  precopy: "live (pre-copy)",
  postcopy: "with post-copy",
  offline: "offline",
  cold: "cold",
};

/** What the guest does in a phase. In some it runs at first, or at the end: how long is in the record's `stop`, which earlier versions did not keep. */
type Doing = "runs" | "stands still" | "stops in it" | "starts in it";

const doing: Record<PathName, Readonly<Record<string, Doing>>> = {
  precopy: { "stop-and-copy": "stands still", "device-state": "stands still" },
  postcopy: { "device-state": "stands still" },
  offline: {
    suspend: "stops in it",
    storage: "stands still",
    copy: "stands still",
    resume: "starts in it",
  },
  cold: { storage: "stands still", define: "stands still", start: "stands still" },
};

/** When the guest stops and runs again, where the phases' borders do not say it. */
function stopsOf(path: PathName, { totalMs, downtimeMs, stop }: Move["record"]): string[] {
  if (stop)
    return [
      `The guest's CPUs stop at ${ms(stop.stoppedMs)} ms and run at the destination from ${ms(stop.resumedMs)} ms on${path === "cold" ? ", where it boots" : ""}.`,
    ];
  if (path === "cold") return ["In shutdown the guest runs until it is off; its downtime begins there."];
  if (path !== "offline") return [];
  const runs =
    downtimeMs === undefined ? "" : ` Together it runs for ${ms(totalMs - downtimeMs)} ms of both.`;
  return [
    `In suspend the guest runs until libvirt stops it to save its memory; in resume it runs once its memory is read.${runs}`,
  ];
}

/** A timeline for each path of a move: that of the move whose total time is the median of its path; all with one axis, to be compared. */
export function timelines(dataset: Dataset): Figure[] {
  const middles = (Object.keys(phasesOf) as PathName[]).flatMap((path) => {
    const moves = countedMoves(dataset)
      .filter(({ record }) => pathOf(record) === path)
      .sort((a, b) => a.record.totalMs - b.record.totalMs);
    const middle = moves[(moves.length - 1) >> 1];
    return middle ? [{ middle, path, of: moves.length }] : [];
  });
  const longestMs = Math.max(...middles.map(({ middle }) => middle.record.totalMs));
  return middles.map(({ middle, path, of }) => {
    const isSeen = middle.record.totalMs * mostStretched >= longestMs;
    return timeline({ move: middle, path, of, axisMs: isSeen ? longestMs : middle.record.totalMs });
  });
}

/** On an axis that is longer for another move's sake: what happens in it would not be seen. */
const mostStretched = 4;

type Phase = Move["record"]["phases"][number];

interface Bar {
  name: string;
  startMs: number;
  endMs: number;
  kind: Doing;
}

const barsOf = ({ phases, stop }: Move["record"], path: PathName): Bar[] =>
  phases.flatMap((phase) =>
    stop ? partsOf(phase, stop) : [{ ...phase, kind: doing[path][phase.name] ?? "runs" }],
  );

/** A phase in which the guest stops, or runs again, is cut there. */
function partsOf(
  { name, startMs, endMs }: Omit<Bar, "kind">,
  { stoppedMs, resumedMs }: NonNullable<Move["record"]["stop"]>,
): Bar[] {
  const within = (ms: number): number => Math.min(Math.max(ms, startMs), endMs);
  const borders = [startMs, within(stoppedMs), within(resumedMs), endMs];
  return (["runs", "stands still", "runs"] as const).flatMap((kind, i) => {
    const [fromMs, toMs] = [borders[i] as number, borders[i + 1] as number];
    return toMs > fromMs ? [{ name, startMs: fromMs, endMs: toMs, kind }] : [];
  });
}

/** Each pass ends where the next begins; the last one at the stop. */
function passesOf({ phases, passes }: Move["record"]): Omit<Bar, "kind">[] {
  const iterations = phases.find(({ name }) => name === "iterations");
  if (!iterations) return [];
  return passes.flatMap(({ pass, atMs }, index) => {
    const endMs = Math.min(passes[index + 1]?.atMs ?? iterations.endMs, iterations.endMs);
    const startMs = Math.max(atMs, iterations.startMs);
    return endMs > startMs ? [{ name: `pass ${pass}`, startMs, endMs }] : [];
  });
}

const kinds = [
  { of: ["runs"], label: "the guest runs", ...series[0] },
  { of: ["stops in it", "starts in it"], label: "stops or starts in it", color: "var(--s8)" },
  { of: ["stands still"], label: "stands still", ...series[1] },
] as const;

const colorOf = ({ kind }: Bar): string =>
  kinds.find(({ of }) => (of as readonly string[]).includes(kind))?.color ?? series[0].color;

function timeline({
  move,
  path,
  of,
  axisMs,
}: {
  move: Move;
  path: PathName;
  of: number;
  axisMs: number;
}): Figure {
  const { record, number: moveNumber } = move;
  const bars = barsOf(record, path);
  const passes = passesOf(record);
  const which = of === 1 ? "the only one of its kind" : `whose total time is the median of ${of} moves`;
  return {
    id: `timeline-${path}`,
    title: `Timeline, ${titles[path]}: ${record.downtimeMs === undefined ? "" : `the guest stands still for ${duration(record.downtimeMs)} of `}${duration(record.totalMs)}`,
    caption: [
      `Move ${moveNumber}: ${record.guest}, ${record.memoryMiB} MiB, ${record.from} → ${record.to}, ${record.mode}; ${which}.`,
      ...stopsOf(path, record),
      ...(passes.length > 1 ? ["White lines: where a pass over its memory begins."] : []),
    ],
    draw: (width) => {
      const unit = timeUnit([axisMs]);
      const data = bars.map((bar) => ({ ...bar, x1: unit.of(bar.startMs), x2: unit.of(bar.endMs) }));
      return draw({
        width,
        height: 66 + record.phases.length * 26,
        label: `Timeline of move ${moveNumber}, ${titles[path]}: ${record.phases.map(({ name, startMs, endMs }) => `${name} ${ms(endMs - startMs)} ms`).join(", ")}.`,
        legend: kinds
          .filter((kind) => bars.some((bar) => (kind.of as readonly string[]).includes(bar.kind)))
          .map(({ label, color }) => ({ label, color, symbol: "square" })),
        plot: {
          marginLeft: 100,
          marginRight: 56,
          x: {
            label: `${unit.name} since the first action`,
            grid: true,
            domain: [0, unit.of(axisMs)],
            ticks: width < 450 ? 3 : 6,
          },
          y: { domain: record.phases.map(({ name }) => name), label: null, tickSize: 0, padding: 0.28 },
          color: { type: "identity" },
          marks: [
            Plot.barX(data, {
              x1: "x1",
              x2: "x2",
              y: "name",
              fill: colorOf,
              rx: 2,
              render: carrying(data, () => moveNumber),
            }),
            Plot.tickX(
              passes.slice(1).map(({ startMs }) => ({ x: unit.of(startMs), name: "iterations" })),
              { x: "x", y: "name", stroke: "var(--paper)", strokeWidth: 1.5 },
            ),
            Plot.text(record.phases, {
              x: ({ endMs }: Phase) => unit.of(endMs),
              y: "name",
              text: ({ startMs, endMs }: Phase) => `${ms(endMs - startMs)} ms`,
              textAnchor: "start",
              dx: 5,
            }),
          ],
        },
      });
    },
    table: phasesTable(path, move, bars, passes),
  };
}

function phasesTable(
  path: PathName,
  { number: moveNumber }: Move,
  bars: readonly Bar[],
  passes: readonly Omit<Bar, "kind">[],
): TableModel {
  const rows = bars.flatMap((bar) => [
    bar,
    ...(bar.name === "iterations" ? passes.map((pass) => ({ ...pass, kind: "runs" })) : []),
  ]);
  return {
    id: `timeline-${path}-values`,
    title: `Move ${moveNumber}, ms`,
    columns: [text("phase"), figure("from"), figure("to"), figure("took"), text("the guest")],
    rows: rows.map(({ name, startMs, endMs, kind }) => [
      name,
      number(startMs),
      number(endMs),
      number(endMs - startMs),
      kind,
    ]),
    notes: [],
  };
}
