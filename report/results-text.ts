import type { FailoverRecord } from "../moves/failover-record.ts";
import type { PowerRecord } from "../moves/power-record.ts";
import { countedMoves, type Dataset, type Move } from "./data/dataset.ts";
import { csvText, movesCsv, movesRows } from "./export/moves-csv.ts";
import { predictedMovesTable } from "./scores/score-table.ts";
import type { Report } from "./sections/report.ts";
import { failoverTable } from "./tables/failover-table.ts";
import { powerTable } from "./tables/power-table.ts";
import { markdownTable } from "./text/markdown-table.ts";
import { migrationTable, moveTables } from "./text/table.ts";
import { shownOf, type TableCell, type TableModel } from "./text/table-model.ts";
import { terminalTable } from "./text/terminal-table.ts";
import { wrapped } from "./text/terminal-width.ts";

/** What `npm run results` has to show, part by part. */
export interface ShownResults {
  name: string;
  report: Report;
  parts: ResultsPart[];
}

interface ResultsPart {
  id: string;
  title: string;
  tables: TableModel[];
}

/** The report's sections as tables, and what else a stack's files tell: hosts that were switched, guests that were started elsewhere. */
export function resultsOf(
  name: string,
  report: Report,
  power: readonly PowerRecord[],
  failovers: readonly FailoverRecord[],
): ShownResults {
  const sections = report.sections.map(({ id, title, figures, tables }) => ({
    id,
    title,
    tables: [...figures.flatMap(({ table }) => table ?? []), ...tables],
  }));
  const picture = {
    id: "overview",
    title: "Overview",
    tables: report.picture.flatMap(({ table }) => table ?? []),
  };
  const hosts = {
    id: "hosts",
    title: "Hosts switched off and on, or lost",
    tables: [powerTable([...power]), failoverTable([...failovers])].filter((table) => table !== undefined),
  };
  return { name, report, parts: [picture, ...sections, hosts].filter(({ tables }) => tables.length > 0) };
}

/** So few moves are shown themselves. */
const fewMoves = 4;
const mostProblems = 5;

/** What is to be known first, in about ten lines, and how the rest is asked for. */
export function summaryText({ name, report, parts }: ShownResults, width: number): string {
  const { dataset, headline, warnings } = report;
  const { moves } = dataset;
  const few = moves.length > 0 && moves.length <= fewMoves;
  return [
    ...[
      `${name}: ${headline.moves}`,
      ...(headline.measuredOn === "" ? [] : [`Measured on: ${headline.measuredOn}.`]),
      ...headline.says,
      ...warnings.map((warning) => `Mind: ${warning}`),
      ...notCounted(moves),
    ].map((text) => wrapped(text, width)),
    ...(few
      ? [
          migrationTable(
            moves.map(({ record }) => record),
            1,
            width,
          ),
        ]
      : []),
    ...problemsText(dataset, mostProblems).map((text) => wrapped(text, width)),
    wrapped(
      `More: --moves, --all, or --part ${parts.map(({ id }) => id).join("|")}; --csv, --json, --md; as a page: npm run report.`,
      width,
    ),
  ].join("\n");
}

/** Why moves are in no figure, and how many. */
function notCounted(moves: readonly Move[]): string[] {
  const of = (count: (move: Move) => boolean) => moves.filter(count).length;
  const kinds = [
    [of(({ isWarmUp }) => isWarmUp === true), "warm-up"],
    [of(({ isInterrupted }) => isInterrupted === true), "interrupted"],
    [of(({ record }) => record.outcome === "failed"), "failed"],
    [of(({ record }) => record.outcome === "rolled-back"), "rolled back"],
    [of(({ record }) => record.outcome === "recovered"), "finished by a later run"],
    [of(({ faults }) => faults.length > 0), "that do not add up"],
  ] as const;
  const some = kinds.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return some.length === 0 ? [] : [`Not counted: ${some.join(", ")}.`];
}

/** What was passed over, and what does not add up; of many the first. */
export function problemsText({ moves, problems }: Dataset, most = Number.POSITIVE_INFINITY): string[] {
  const all = [
    ...moves.flatMap(({ number, faults }) => faults.map((fault) => `${number} does not add up: ${fault}`)),
    ...problems.map(
      ({ file, line, problem }) =>
        `${file}${line === undefined ? "" : `:${line}`} is passed over: ${problem}`,
    ),
  ];
  const more = all.length - most;
  return more > 0 ? [...all.slice(0, most), `${more} more such lines: --part left-out.`] : all;
}

/** The last moves, with their downtimes, phases and predictions. */
export function movesText({ name, report }: ShownResults, last: number, width: number): string {
  const { moves } = report.dataset;
  const shown = moves.slice(-last);
  const records = shown.map(({ record }) => record);
  const first = shown[0]?.number ?? 1;
  return [
    wrapped(`${name}, ${shown.length} of ${moves.length} migrations`, width),
    ...report.warnings.map((warning) => wrapped(`Mind: ${warning}`, width)),
    moveTables(records, first, width),
    predictedMovesTable(records, first, width),
  ]
    .filter(Boolean)
    .join("\n\n");
}

export const partText = ({ title, tables }: ResultsPart, width: number): string =>
  [
    // One table says itself what it is.
    ...(tables.length === 1 && tables[0]?.title === title ? [] : [`${title}\n${"=".repeat(title.length)}`]),
    ...tables.map((table) => terminalTable(table, width)),
  ].join("\n\n");

export const partMarkdown = ({ title, tables }: ResultsPart): string =>
  [
    `## ${title}`,
    ...tables.map((table) =>
      [`### ${table.title}`, markdownTable(table), ...table.notes].filter(Boolean).join("\n\n"),
    ),
  ].join("\n\n");

/**
 * What `--part` names: a part, or one table of any.
 *
 * @throws when there is neither
 */
export function partNamed({ parts }: ShownResults, id: string): ResultsPart {
  const tables = parts.flatMap((part) => part.tables);
  const table = tables.find((one) => one.id === id);
  const found =
    parts.find((part) => part.id === id) ?? (table && { id, title: table.title, tables: [table] });
  if (found) return found;
  throw new Error(
    `--part ${id}: there is no such part here, and no such table. Parts: ${parts.map((part) => part.id).join(", ")}. Tables: ${tables.map((one) => one.id).join(", ")}.`,
  );
}

/** A figure in more digits than were measured and fewer than a computer has, a text as it is read; null: not measured, or none. */
const figureIn = (cell: TableCell): string | number | null =>
  cell === undefined
    ? null
    : typeof cell === "object" && "sortsAs" in cell
      ? Number(cell.sortsAs.toPrecision(7))
      : shownOf(cell);

/** @throws when the part has several tables: CSV is one */
export function partCsv({ id, tables }: ResultsPart): string {
  const [table, ...others] = tables;
  if (!table || others.length > 0)
    throw new Error(
      `--csv is one table, and part ${id} has ${tables.length}: name one by --part, of ${tables.map((one) => one.id).join(", ")}. Without --part it is all moves.`,
    );
  // Headings may be alike ("90 % within" of two things); a column's name is to be one's own.
  const names = table.columns.map(({ name }, index) =>
    table.columns.findIndex((column) => column.name === name) === index ? name : `${name} (${index + 1})`,
  );
  return csvText(
    names,
    table.rows.map((row) =>
      Object.fromEntries(row.map((cell, index) => [names[index] as string, figureIn(cell) ?? undefined])),
    ),
  );
}

export const movesAsCsv = ({ report }: ShownResults): string => movesCsv(report.dataset);

/** All there is, for programs. */
export const jsonText = ({ name, report, parts }: ShownResults, some = parts): string =>
  JSON.stringify(
    {
      name,
      title: report.title,
      files: report.dataset.sources.map(({ file }) => file),
      headline: report.headline,
      warnings: report.warnings,
      counted: countedMoves(report.dataset).length,
      moves: movesRows(report.dataset),
      parts: some.map(({ id, title, tables }) => ({
        id,
        title,
        tables: tables.map((table) => ({
          id: table.id,
          title: table.title,
          columns: table.columns.map((column) => column.name),
          rows: table.rows.map((row) => row.map(figureIn)),
          notes: table.notes,
        })),
      })),
      problems: problemsText(report.dataset),
    },
    null,
    2,
  );
