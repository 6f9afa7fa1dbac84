import type { MigrationRecord } from "../../moves/record.ts";
import { workloadOf } from "../data/measures.ts";
import type { TableModel } from "../text/table-model.ts";

/** A figure, in as many widths as a page needs. */
export interface Figure {
  /** Its name in the page and of its SVG file. */
  id: string;
  title: string;
  /** What is seen, of what, and what was left out; sentences. */
  caption: string[];
  /** Draws it so wide; text has the same size in every width. */
  draw: (widthPx: number) => string;
  /** Its values in words, for those who cannot see it or want the figures. */
  table?: TableModel;
}

/** Colours by the page's variables, with shapes for those who do not see a colour. */
export const series = [
  { color: "var(--s1)", symbol: "circle" },
  { color: "var(--s2)", symbol: "square" },
  { color: "var(--s3)", symbol: "triangle" },
  { color: "var(--s4)", symbol: "diamond" },
  { color: "var(--s5)", symbol: "star" },
  { color: "var(--s6)", symbol: "cross" },
  { color: "var(--s7)", symbol: "wye" },
] as const;

type Series = (typeof series)[number];

/** Modes and workloads look the same in every figure. */
const places = new Map(
  Object.entries({
    live: 0,
    offline: 1,
    postcopy: 2,
    hybrid: 3,
    cold: 5,
    total: 0,
    downtime: 1,
    idle: 0,
    writer: 1,
    python: 2,
    mysql: 3,
    office: 4,
    disk: 5,
    cpu: 6,
  }),
);
export const seriesOf = (name: string): Series => series[places.get(name) ?? series.length - 1] as Series;

/** What a workload is called in figures: beside an axis of memory `memory` would be read as that. */
export const workloadName = (record: Pick<MigrationRecord, "workload">): string => {
  const type = workloadOf(record);
  return type === "memory" ? "writer" : type;
};

/** For captions; empty: none of these is renamed. */
export const workloadNote = (names: readonly string[]): string[] =>
  names.includes("writer") ? ["writer: the workload that config calls memory."] : [];

/** Times in the unit in which they are read: seconds from two seconds on. */
export function timeUnit(valuesMs: readonly number[]): { name: string; of: (ms: number) => number } {
  let greatest = 0;
  for (const value of valuesMs) greatest = Math.max(greatest, value);
  return greatest >= 2000 ? { name: "s", of: (ms) => ms / 1000 } : { name: "ms", of: (ms) => ms };
}
