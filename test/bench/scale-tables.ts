import { linearRegression } from "simple-statistics";
import { drawn } from "./drawn.ts";
import { phases, type ScaleSample } from "./scale.ts";
import type { WatchedRun } from "./watched-run.ts";

const measures: readonly [
  keyof WatchedRun,
  title: string,
  unit: string,
  digits: number,
  of: (value: number) => number,
][] = [
  ["wallMs", "Wall time", "s", 1, (ms) => ms / 1000],
  ["cpuMs", "CPU time", "s", 1, (ms) => ms / 1000],
  ["peakMiB", "Peak memory of all processes", "MiB", 0, (mib) => mib],
  ["commands", "Scripts run on hosts, both phases of an update", "", 0, (count) => count],
  ["sshProcesses", "Processes of ssh, both phases of an update", "", 0, (count) => count],
];

/** What a lab of each size took, phase by phase, and by how much a guest more (with its part of a host) makes it more. */
export function scaleTables(samples: readonly ScaleSample[]): string {
  const sizes = samples.map(({ hosts, guests }) => `${hosts}/${guests}`);
  const row = (name: string, values: readonly (number | undefined)[], digits: number): string[] => [
    name,
    ...values.map((value) => value?.toFixed(digits) ?? "–"),
    slope(samples, values)?.toFixed(Math.max(digits, 1)) ?? "–",
  ];
  const head = (unit: string) => ["hosts/guests", ...sizes, `${unit && `${unit} `}for 100 guests more`];
  const tables = measures.map(([measure, title, unit, digits, of]) => {
    const rows = phases.map((phase) =>
      row(
        phase,
        samples.map(({ phases: measured }) => {
          const run = measured[phase];
          return run && of(run[measure]);
        }),
        digits,
      ),
    );
    const asMany = samples.map((sample) => sample.asMany && of(sample.asMany[measure]));
    if (unit) rows.push(row("as many components, unchanged", asMany, digits));
    return `${title}${unit && `, ${unit}`}\n${drawn(head(unit), rows)}`;
  });
  const state = drawn(head("kB"), [
    row(
      "state, kB",
      samples.map(({ stateBytes }) => stateBytes / 1000),
      0,
    ),
    row(
      "resources",
      samples.map(({ resources }) => resources),
      0,
    ),
    row(
      "unchanged / as many components",
      samples.map(({ phases: { "up unchanged": up }, asMany }) => up && asMany && up.wallMs / asMany.wallMs),
      2,
    ),
  ]);
  return ["Labs of guests that only halt, one after the other", ...tables, `State\n${state}`].join("\n\n");
}

/** Of a line through the values over the number of guests, for a hundred of them. */
function slope(samples: readonly ScaleSample[], values: readonly (number | undefined)[]): number | undefined {
  const points = values.flatMap((value, i) => {
    const guests = samples[i]?.guests;
    return value === undefined || guests === undefined ? [] : [[guests, value]];
  });
  return new Set(points.map(([guests]) => guests)).size < 2 ? undefined : linearRegression(points).m * 100;
}
