import Table from "cli-table3";
import { type PathName, phasesOf, phasesWith, storagePhase } from "../../moves/modes.ts";
import { type MigrationRecord, pathOf } from "../../moves/record.ts";
import { absent } from "./table-model.ts";
import { keptColumns, leftOut } from "./terminal-table.ts";
import { wrapped } from "./terminal-width.ts";
import { chopped, visible, visibleLines } from "./visible.ts";

/**
 * All that was measured of moves, as tables for the terminal: the moves, their downtimes and their phases.
 *
 * @param first the number of the first one
 */
export const moveTables = (records: readonly MigrationRecord[], first = 1, width?: number): string =>
  [migrationTable, downtimeTable, phaseTable]
    .map((table) => table(records, first, width))
    .filter(Boolean)
    .join("\n\n");

/**
 * Migrations as a table for the terminal, one line each, in the order given: where from and to, how, and the times.
 * Below it what became of those that did not complete.
 *
 * @param first the number of the first one
 */
export function migrationTable(records: readonly MigrationRecord[], first = 1, width?: number): string {
  if (records.length === 0) return "No migrations yet.";
  const head = [
    "#",
    "guest",
    "MiB",
    "from → to",
    "mode",
    "TMT ms",
    "TDT ms",
    "client ms",
    "passes",
    "sent MiB",
  ];
  const rows = records.map((record, index) => [
    `${first + index}`,
    record.guest,
    `${record.memoryMiB}`,
    `${record.from} → ${record.to}`,
    record.outcome === "completed" ? record.mode : `${record.mode}, ${record.outcome}`,
    figureText(record.totalMs),
    figureText(record.downtimeMs),
    figureText(record.clientDowntimeMs),
    figureText(record.iterations),
    figureText(record.transferredMiB),
  ]);
  const errors = records.flatMap(({ error, outcome }, index) =>
    error === undefined ? [] : [`${first + index} ${outcome}: ${visibleLines(error)}`],
  );
  return withNote(
    table(head, rows, [1, 3, 4], width),
    [
      "TMT: total migration time. TDT: downtime, as the hypervisor has it; client: as another machine saw it.",
      ...errors,
    ],
    width,
  );
}

/** How each path is called above its table. */
const titles: { [path in PathName]: string } = {
  precopy: "live moves",
  postcopy: "moves with post-copy",
  offline: "offline moves",
  cold: "cold moves",
};

/** How long each phase took, a table for each path; lines have the numbers of `migrationTable`. */
export function phaseTable(records: readonly MigrationRecord[], first = 1, width?: number): string {
  const numbered = records.map((record, index) => ({ record, number: first + index }));
  const tables = (Object.keys(phasesOf) as PathName[]).flatMap((path) => {
    const moves = numbered.filter(({ record }) => pathOf(record) === path);
    const hasStorage = moves.some(({ record }) => record.phases.some(({ name }) => name === storagePhase));
    const phases = phasesWith(path, hasStorage);
    const rows = moves.map(({ record, number }) => [
      `${number}`,
      record.guest,
      ...phases.map((name) => {
        const phase = record.phases.find((candidate) => candidate.name === name);
        return figureText(phase && phase.endMs - phase.startMs);
      }),
    ]);
    if (rows.length === 0) return [];
    return [
      `Phases of ${titles[path]}, ms\n${table(["#", "guest", ...phases.map(heading)], rows, [1], width)}`,
    ];
  });
  return withNote(tables.join("\n\n"), [], width);
}

/** The paper's terms, of the phases that are one. */
const terms: { [phase: string]: string } = {
  iterations: "TI",
  "stop-and-copy": "DM",
  "device-state": "VS",
};
const heading = (phase: string): string => (terms[phase] ? `${phase} (${terms[phase]})` : phase);

/**
 * What the machines that saw a guest stop have to say of it, side by side; lines have the numbers of `migrationTable`. Empty: no other
 * than the hypervisor looked.
 */
export function downtimeTable(records: readonly MigrationRecord[], first = 1, width?: number): string {
  const rows = records.flatMap((record, index) => {
    const { downtimeMs, clock, clientDowntimeMs, client, guestDowntimeMs, guestClockResolutionMs } = record;
    if (clientDowntimeMs === undefined && guestDowntimeMs === undefined) return [];
    return [
      [
        `${first + index}`,
        record.guest,
        record.mode,
        within(downtimeMs, clock?.uncertaintyMs),
        figureText(record.hypervisorDowntimeMs),
        tenths(client?.unansweredMs),
        tenths(clientDowntimeMs),
        tenths(client?.usualSilenceMs),
        within(guestDowntimeMs, guestClockResolutionMs),
      ],
    ];
  });
  if (rows.length === 0) return "";
  const seen = ["hypervisor", "libvirt", "unanswered", "client", "silent before", "guest's clock"];
  const notes = [
    "hypervisor: STOP to RESUME; libvirt: its own figure; unanswered: how long another machine asked in vain;",
    "client: how long it heard nothing; silent before: how long at most before the stop, when nothing had happened;",
    "guest's clock: what that missed.",
  ];
  const drawn = table(["#", "guest", "mode", ...seen], rows, [1, 2], width);
  return withNote(`Downtimes, ms\n${drawn}`, notes, width);
}

/** @param width of the terminal: columns from the right that it has no room for are left out, and it is said which. Absent: none are */
export function table(
  head: string[],
  rows: string[][],
  textColumns: readonly number[],
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = rows.map((row) => row.map((text) => chopped(visible(text), "\n")));
  const widths = head.map((name, column) =>
    Math.max(
      name.length,
      ...cells.flatMap((row) => (row[column] as string).split("\n")).map(({ length }) => length),
    ),
  );
  const kept = keptColumns(widths, width);
  const shown = head.slice(0, kept);
  const colAligns = shown.map((_, column) => (textColumns.includes(column) ? "left" : "right"));
  // Neither colours nor lines between rows: it is pasted into files and issues.
  const drawn = new Table({ head: shown, colAligns, style: { head: [], border: [], compact: true } });
  drawn.push(...cells.map((row) => row.slice(0, kept)));
  const missing = leftOut(head.slice(kept).map((name) => ({ name })));
  return [drawn.toString(), ...missing.map((note) => wrapped(note, width))].join("\n");
}

export function withNote(text: string, notes: readonly string[], width = Number.POSITIVE_INFINITY): string {
  const all = text.includes(absent) ? [...notes, `${absent}: not measured, or none in this mode.`] : notes;
  return [text, ...all.map((note) => wrapped(note, width))].join("\n");
}

/** Small figures keep decimals: a device state of 0.4 ms is not 0. */
export function figureText(value: number | undefined): string {
  if (value === undefined) return absent;
  return Number.isInteger(value) || value >= 100 ? `${Math.round(value)}` : value.toFixed(1);
}

/** For what is compared: tenths of a millisecond, whatever its size. */
const tenths = (value: number | undefined): string => value?.toFixed(1) ?? absent;

/** With how far it may be off, if that is known. */
const within = (value: number | undefined, byMs: number | undefined): string =>
  value === undefined || byMs === undefined ? tenths(value) : `${tenths(value)} ± ${tenths(byMs)}`;
