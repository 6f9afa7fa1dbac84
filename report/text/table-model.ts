/** A table as data: a page and a terminal draw the same. */
export interface TableModel {
  id: string;
  title: string;
  columns: Column[];
  rows: TableCell[][];
  /** What its words mean, and what it leaves out; a sentence each. */
  notes: string[];
}

export interface Column {
  name: string;
  /** Text stands left and is sorted as text; figures stand right and are sorted as such. */
  kind: "text" | "figure";
}

/** What stands in a table: a text, or a figure with what is shown of it. Absent: not measured, or none. */
export type TableCell =
  | string
  | { shown: string; sortsAs: number; tone?: Tone }
  | { shown: string; tone?: Tone }
  | undefined;
export type Tone = "good" | "bad" | "open";

/** What stands where nothing was measured: zero would be a measurement. */
export const absent = "–";

export const shownOf = (cell: TableCell): string =>
  cell === undefined ? absent : typeof cell === "string" ? cell : cell.shown;

export const text = (name: string): Column => ({ name, kind: "text" });
export const figure = (name: string): Column => ({ name, kind: "figure" });

/** A figure as a cell; absent stays absent. */
export const number = (value: number | undefined, show: (value: number) => string = ms): TableCell =>
  value === undefined || !Number.isFinite(value) ? undefined : { shown: show(value), sortsAs: value };

/** Three significant digits, as milliseconds below a second's worth of them and grouped above. */
export function ms(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return Math.round(value).toLocaleString("en-GB").replaceAll(",", "\u202f");
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A time with its unit, as it stands in a sentence: seconds from two of them on. */
export function duration(value: number): string {
  if (value < 2000) return `${ms(value)} ms`;
  return `${(value / 1000).toFixed(value < 100_000 ? 2 : 0)} s`;
}

export const count = (value: number): string => value.toLocaleString("en-GB").replaceAll(",", "\u202f");
export const percent = (ratio: number): string => `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`;
