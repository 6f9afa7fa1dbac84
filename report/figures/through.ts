import * as Plot from "@observablehq/plot";
import type { MigrationRecord } from "../../moves/record.ts";
import { brownOutBelow, pacesOf, type Stretch } from "../../moves/sampled.ts";
import type { Counters, MoveSamples } from "../../moves/samples.ts";
import type { WorkDone } from "../../moves/work-done.ts";
import type { SampledMove } from "../data/series.ts";
import { duration, figure, number, type TableModel } from "../text/table-model.ts";
import { draw } from "./draw.ts";
import type { Figure } from "./figure.ts";

/** So much of what came before the move is shown. */
const beforeMs = 3_000;

/** A pace over time, in a panel of its own or with others. */
interface Line {
  name: string;
  color: string;
  /** In the panel's unit. */
  paces: Stretch[];
}

/** Lines that share an axis. */
interface Panel {
  name: string;
  lines: Line[];
  /** A level to compare with. */
  level?: { value: number; name: string };
  /** What it shows is of different orders of magnitude. Default: its axis begins with zero. */
  isLogarithmic?: true;
}

/** What each of these moves did to its guest and its hosts, over time, under the phases of the move. */
export const throughFigures = (moves: readonly SampledMove[]): Figure[] =>
  moves.map((sampled) => {
    const { move, samples, of } = sampled;
    const { record, number: moveNumber } = move;
    const panels = panelsOf(sampled);
    const work = record.sampled?.work;
    const brownOut =
      work === undefined
        ? ""
        : `: ${duration(work.brownOutMs)} of brown-out${work.isBack ? "" : ", and more"}`;
    const isBack = record.outcome === "rolled-back";
    const which =
      of === 1
        ? `the only one of its mode${isBack ? " that was rolled back" : ""}`
        : `whose total time is the median of ${of}${isBack ? " that were rolled back" : ""}`;
    return {
      id: idOf(record),
      title: `What the guest went through, ${record.mode}${isBack ? ", rolled back" : ""}${brownOut}`,
      caption: [
        `Move ${moveNumber}: ${record.guest}, ${record.memoryMiB} MiB, ${record.from} → ${record.to}; ${which}. Dotted: ${isBack ? "where it was back" : "where a phase begins and the last one ends"}.`,
        ...(work
          ? [
              `Dashed: ${Math.round(brownOutBelow * 100)} % of the work's mean before; what is below that, and slower than usual, is a brown-out. By the guest's own log, every ${Math.round(work.intervalMs)} ms.`,
            ]
          : []),
        ...(samples.latency
          ? [
              `Answers: by when a client on ${samples.latency.prober} asked, every ${samples.latency.probeIntervalMs} ms; each second's percentiles are of those that came. Where too few came for one (under 100 for p99) it is not there.`,
            ]
          : []),
        `Hosts: every ${samples.intervalMs} ms; 100 % is one CPU; a container has those of the whole machine.`,
      ],
      draw: (width) => drawPanels(width, sampled, panels),
      table: seriesTable(sampled, panels),
    };
  });

const idOf = ({ mode, outcome }: MigrationRecord): string =>
  outcome === "completed" ? `through-${mode}` : `through-${mode}-${outcome}`;

function panelsOf({ move: { record }, samples }: SampledMove): Panel[] {
  const { source, destination, work, throttle } = samples;
  const line = (name: string, color: string, paces: Stretch[]): Line[] =>
    paces.length === 0 ? [] : [{ name, color, paces }];
  const cpu = (series: readonly Counters[], key: "qemuCpuMs" | "hostCpuMs") =>
    scaled(pacesOf(counted(series, (each) => each[key])), 100);
  const vcpus = (series: readonly Counters[]) =>
    scaled(pacesOf(counted(series, ({ vcpuMs }) => vcpuMs?.reduce((sum, each) => sum + each, 0))), 100);
  const before = record.sampled?.work?.beforePerSecond;
  const throttled = (throttle ?? []).map(({ atMs, percent }, i) => ({
    startMs: atMs,
    endMs: throttle?.[i + 1]?.atMs ?? Math.max(atMs, samples.stop?.stoppedMs ?? atMs),
    perMs: percent,
  }));
  const panels: Panel[] = [
    {
      name: `its own work (${work?.unit} a second)`,
      lines: line("its own work", "var(--s1)", work ? scaled(pacesOf(work.done), 1000) : []),
      ...(before !== undefined && { level: { value: before * brownOutBelow, name: "90 % of before" } }),
    },
    ...latencyPanels(samples),
    {
      name: "CPU of its QEMU (%)",
      lines: [
        ...line(`on ${record.from}`, "var(--s2)", cpu(source, "qemuCpuMs")),
        ...line(`on ${record.to}`, "var(--s3)", cpu(destination, "qemuCpuMs")),
        ...line("its virtual CPUs alone", "var(--s5)", vcpus(source)),
        ...line("its virtual CPUs alone", "var(--s5)", vcpus(destination)),
      ],
    },
    {
      name: "CPU of the hosts (%)",
      lines: [
        ...line(record.from, "var(--s2)", cpu(source, "hostCpuMs")),
        ...line(record.to, "var(--s3)", cpu(destination, "hostCpuMs")),
      ],
    },
    {
      name: "sent (MiB a second)",
      lines: line(
        "sent",
        "var(--s4)",
        scaled(pacesOf(counted(source, (each) => each.sentBytes)), 1000 / 2 ** 20),
      ),
    },
    { name: "CPU taken from the guest (%)", lines: line("throttled", "var(--s7)", throttled) },
  ];
  return panels.filter(({ lines }) => lines.length > 0);
}

function latencyPanels({ latency }: MoveSamples): Panel[] {
  if (!latency) return [];
  const { seconds } = latency;
  const waits = (key: "p50Ms" | "p99Ms" | "p999Ms"): Stretch[] =>
    seconds.flatMap(({ startMs, endMs, [key]: perMs }) =>
      perMs === undefined ? [] : [{ startMs, endMs, perMs }],
    );
  const unanswered = seconds.map(({ startMs, endMs, unanswered }) => ({
    startMs,
    endMs,
    perMs: (unanswered / (endMs - startMs)) * 1000,
  }));
  return [
    {
      name: "wait for its answers (ms)",
      lines: [
        { name: "p50", color: "var(--s6)", paces: waits("p50Ms") },
        { name: "p99", color: "var(--s7)", paces: waits("p99Ms") },
        { name: "p99.9", color: "var(--s8)", paces: waits("p999Ms") },
      ].filter(({ paces }) => paces.length > 0),
      isLogarithmic: true,
    },
    {
      name: "unanswered (questions a second)",
      lines: [{ name: "unanswered", color: "var(--s1)", paces: unanswered }],
    },
  ];
}

/** A counter as a sum over time. */
const counted = (series: readonly Counters[], of: (counters: Counters) => number | undefined): WorkDone[] =>
  series.flatMap((counters) => {
    const operations = of(counters);
    return operations === undefined ? [] : [{ atMs: counters.atMs, operations }];
  });

const scaled = (paces: readonly Stretch[], by: number): Stretch[] =>
  paces.map((pace) => ({ ...pace, perMs: pace.perMs * by }));

const spanOf = ({ move: { record }, samples }: SampledMove): [number, number] => {
  const ends = [...samples.source, ...samples.destination, ...(samples.work?.done ?? [])].map(
    ({ atMs }) => atMs,
  );
  return [Math.max(-beforeMs, Math.min(...ends)), Math.max(record.totalMs, ...ends)];
};

const decadeOf = (value: number): number => 10 ** Math.floor(Math.log10(value));

/** The least figure of one digit that is no less. */
export function roundAbove(value: number): number {
  const decade = decadeOf(value);
  return ([1, 2, 3, 4, 5, 6, 8].find((digit) => digit * decade >= value) ?? 10) * decade;
}

/** How much of a panel's height is its lines'; above them is its name. */
const used = 0.7;
const letterPx = 6.4;

/** A panel in its place: one above another, each one high. */
interface PlacedPanel extends Panel {
  base: number;
  /** The values at its edges. */
  bottom: number;
  top: number;
  y: (value: number) => number;
}

function placed(panels: readonly Panel[], fromMs: number): PlacedPanel[] {
  return panels.map((panel, i) => {
    const lines = panel.lines.map((line) => ({
      ...line,
      paces: line.paces.filter(({ endMs }) => endMs > fromMs),
    }));
    const values = lines.flatMap(({ paces }) => paces.map(({ perMs }) => perMs));
    const top = roundAbove(Math.max(panel.level?.value ?? 0, ...values) || 1);
    const base = panels.length - 1 - i;
    const least = Math.min(...values.filter((value) => value > 0));
    const bottom = panel.isLogarithmic && Number.isFinite(least) ? Math.min(decadeOf(least), top / 10) : 0;
    const share = (value: number): number =>
      bottom === 0 ? value / top : Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom);
    return { ...panel, lines, bottom, top, base, y: (value: number) => base + share(value) * used };
  });
}

/**
 * Each pace is a level piece: a line from middle to middle would have the guest slow down before its stop. Where nothing is known between two,
 * nothing leads from one to the other.
 */
const pointsOf = (panels: readonly PlacedPanel[], x: (ms: number) => number) =>
  panels.flatMap(({ lines, y }, panel) =>
    lines.flatMap(({ paces, color }, i) => {
      let stretch = 0;
      return paces.flatMap(({ startMs, endMs, perMs }, at) => {
        if (startMs > (paces[at - 1]?.endMs ?? startMs)) stretch++;
        return [startMs, endMs].map((ms) => ({
          x: x(ms),
          y: y(perMs),
          line: `${panel} ${i} ${stretch}`,
          color,
        }));
      });
    }),
  );

const marginLeft = 54;
const marginRight = 14;

function drawPanels(width: number, sampled: SampledMove, panels: readonly Panel[]): string {
  const { record, number: moveNumber } = sampled.move;
  const [fromMs, toMs] = spanOf(sampled);
  const x = (ms: number): number => Math.min(Math.max(ms, fromMs), toMs) / 1000;
  const shown = placed(panels, fromMs);
  const pxPerMs = (width - marginLeft - marginRight) / (toMs - fromMs);
  const named = record.phases.filter(
    ({ name, startMs, endMs }) => (endMs - startMs) * pxPerMs > name.length * letterPx,
  );
  const { stop } = sampled.samples;
  const several = shown.flatMap(({ lines }) => (lines.length > 1 ? lines : []));
  // A colour means the same in all panels.
  const legend = [
    ...new Map(several.map(({ name, color }) => [color, { label: name, color, symbol: "square" }])).values(),
  ];
  return draw({
    width,
    height: 56 + panels.length * 88,
    label: `What the guest went through in move ${moveNumber}: ${panels.map(({ name }) => name).join(", ")}, over time. The values are in the table below.`,
    legend: [
      ...legend,
      ...(stop ? [{ label: "the guest stands still", color: "var(--s2)", symbol: "diamond" }] : []),
    ],
    plot: {
      marginLeft,
      marginRight,
      x: {
        label: "s since the first action",
        domain: [fromMs / 1000, toMs / 1000],
        ticks: width < 450 ? 5 : 10,
      },
      y: { domain: [0, panels.length + 0.12], axis: null },
      color: { type: "identity" },
      marks: [
        ...(stop ? [stopMark(stop, x, panels.length)] : []),
        ...phaseMarks(record, named, x, panels.length),
        ...shown.flatMap((panel) => panelMarks(panel, fromMs / 1000)),
        Plot.line(pointsOf(shown, x), { x: "x", y: "y", z: "line", stroke: "color", strokeWidth: 1.6 }),
      ],
    },
  });
}

const stopMark = (
  stop: NonNullable<SampledMove["samples"]["stop"]>,
  x: (ms: number) => number,
  height: number,
) =>
  Plot.rect([stop], {
    x1: x(stop.stoppedMs),
    x2: x(stop.resumedMs),
    y1: 0,
    y2: height,
    fill: "var(--s2)",
    fillOpacity: 0.16,
  });

/** @param named those whose names have room */
const phaseMarks = (
  { phases, totalMs }: Pick<MigrationRecord, "phases" | "totalMs">,
  named: MigrationRecord["phases"],
  x: (ms: number) => number,
  height: number,
) => [
  Plot.ruleX([...phases.map(({ startMs }) => startMs), totalMs].map(x), {
    y1: 0,
    y2: height,
    stroke: "currentColor",
    strokeOpacity: 0.28,
    strokeDasharray: "2,3",
  }),
  Plot.text(named, {
    x: ({ startMs, endMs }: { startMs: number; endMs: number }) => x((startMs + endMs) / 2),
    y: height,
    text: "name",
    dy: -6,
    fontSize: 11,
  }),
];

/** A panel's edges, its greatest value, its name, and a level that it may have. */
const panelMarks = ({ name, base, bottom, top, level, isLogarithmic, y }: PlacedPanel, left: number) => [
  Plot.ruleY([base], { stroke: "currentColor", strokeOpacity: 0.5 }),
  Plot.ruleY([base + used], { stroke: "currentColor", strokeOpacity: 0.12 }),
  Plot.text([bottom, top], {
    x: left,
    y,
    text: (value: number) => `${Number(value.toPrecision(1))}`,
    textAnchor: "end",
    dx: -6,
  }),
  Plot.text([isLogarithmic ? `${name}, logarithmic` : name], {
    x: left,
    y: base + used,
    textAnchor: "start",
    dx: 2,
    dy: -8,
    fontWeight: 600,
  }),
  ...(level
    ? [
        Plot.ruleY([y(level.value)], {
          stroke: "currentColor",
          strokeOpacity: 0.6,
          strokeDasharray: "5,4",
        }),
      ]
    : []),
];

/** More rows are no table that is read. */
const mostRows = 40;

function seriesTable(sampled: SampledMove, panels: readonly Panel[]): TableModel {
  const [fromMs, toMs] = spanOf(sampled);
  const stepMs = Math.max(250, Math.ceil((toMs - fromMs) / mostRows / 250) * 250);
  const first = Math.ceil(fromMs / stepMs) * stepMs;
  const steps = Array.from(
    { length: Math.max(0, Math.floor((toMs - first) / stepMs)) },
    (_, i) => first + i * stepMs,
  );
  const lines = panels.flatMap(({ name, lines }) =>
    lines.map((line) => ({
      name: lines.length > 1 ? `${name}: ${line.name}` : name,
      paces: line.paces,
    })),
  );
  return {
    id: `${idOf(sampled.move.record)}-values`,
    title: `Move ${sampled.move.number}: means of ${duration(stepMs)} each`,
    columns: [figure("from, ms"), ...lines.map(({ name }) => figure(name))],
    rows: steps.map((ms) => [
      number(ms, (value) => `${Math.round(value)}`),
      ...lines.map(({ paces }) => number(meanOf(paces, ms, ms + stepMs))),
    ]),
    notes: sampled.samples.latency
      ? ["p50, p99: of the questions of one second; where a step has parts of several, their mean."]
      : [],
  };
}

/** Absent: it was not known through all of that time. */
function meanOf(paces: readonly Stretch[], fromMs: number, toMs: number): number | undefined {
  let [knownMs, sum] = [0, 0];
  for (const { startMs, endMs, perMs } of paces) {
    const ms = Math.max(0, Math.min(endMs, toMs) - Math.max(startMs, fromMs));
    knownMs += ms;
    sum += ms * perMs;
  }
  // Sums of binary fractions: what is missing of them is no time.
  return knownMs > toMs - fromMs - 1e-6 ? sum / knownMs : undefined;
}
