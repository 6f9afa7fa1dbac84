import { stringify } from "csv-stringify/sync";
import type { MoveLine, RunHead } from "../moves/experiment-run.ts";
import { inconsistencies } from "../moves/inconsistencies.ts";
import { phasesOf, storagePhase } from "../moves/modes.ts";
import type { TurnLine } from "./remaining.ts";

type Value = string | number | boolean | undefined;
type Row = Record<string, Value>;

/** `workloadMibPerSecond` is `workload_mib_per_second`, `stop-and-copy` is `stop_and_copy`: names that R and pandas take as they are. */
const snake = (name: string): string =>
  name
    .replaceAll(/MiBps/g, "_mibps")
    .replaceAll(/MiB/g, "_mib")
    .replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "");

/**
 * A run as CSV, one row a move: units stand in the columns' names, times are milliseconds, and what was not measured is an empty field, which
 * pandas and R read as missing. Columns that every run has come first and in the same order; then what this experiment varies, with `factor_`
 * before its name, and the machines' load, with `load_`.
 */
export function runCsv(head: RunHead, lines: readonly TurnLine[]): string {
  const factorsOf = new Map(head.cells.map(({ id, factors }) => [id, factors]));
  const rows = lines.map((line): Row => {
    const factors = Object.entries(factorsOf.get(line.cell) ?? {});
    return {
      experiment: head.experiment,
      run: head.run,
      cell: line.cell,
      block: line.block,
      repeat: line.repeat,
      order: line.order,
      version: line.version,
      is_warm_up: line.isWarmUp ?? false,
      is_interrupted: line.isInterrupted ?? false,
      ...(line.kind === "move"
        ? Object.fromEntries(Object.entries(moveColumns).map(([name, of]) => [name, of(line)]))
        : { outcome: "not begun", error: line.error, started_at: line.at }),
      ...Object.fromEntries(factors.map(([name, value]) => [`factor_${snake(name)}`, value])),
      ...(line.kind === "move" &&
        Object.fromEntries(
          Object.entries(line.loadBefore).map(([machine, load]) => [`load_${snake(machine)}`, load]),
        )),
    };
  });
  const columns = new Set([...firstColumns, ...rows.flatMap((row) => Object.keys(row))]);
  return stringify(rows, {
    header: true,
    columns: [...columns],
    // As R's and pandas' readers know them.
    cast: { boolean: (value) => (value ? "TRUE" : "FALSE") },
    // A spreadsheet would calculate a text that begins like a formula, and an error may say anything. Figures stay as they are.
    escape_formulas: true,
  });
}

const phaseNames = [...new Set([...Object.values(phasesOf).flat(), storagePhase])];

function phaseMs({ record }: MoveLine, name: string): number | undefined {
  const phase = record.phases.find((one) => one.name === name);
  return phase && phase.endMs - phase.startMs;
}

/** What is known of a move, by the column's name. */
const moveColumns: Record<string, (line: MoveLine) => Value> = {
  outcome: ({ record }) => record.outcome,
  error: ({ record }) => record.error,
  started_at: ({ record }) => record.startedAt,
  guest: ({ record }) => record.guest,
  uuid: ({ record }) => record.uuid,
  from: ({ record }) => record.from,
  to: ({ record }) => record.to,
  mode: ({ record }) => record.mode,
  memory_mib: ({ record }) => record.memoryMiB,
  accelerator: ({ record }) => record.accelerator,
  nfs_transport: ({ record }) => record.nfsTransport,
  redo: ({ record }) => record.redo ?? "shared",
  adds_up: ({ record }) => inconsistencies(record).length === 0,
  total_ms: ({ record }) => record.totalMs,
  downtime_ms: ({ record }) => record.downtimeMs,
  client_downtime_ms: ({ record }) => record.clientDowntimeMs,
  client_unanswered_ms: ({ record }) => record.client?.unansweredMs,
  client_probe_interval_ms: ({ record }) => record.clientProbeIntervalMs,
  guest_downtime_ms: ({ record }) => record.guestDowntimeMs,
  hypervisor_total_ms: ({ record }) => record.hypervisorTotalMs,
  hypervisor_downtime_ms: ({ record }) => record.hypervisorDowntimeMs,
  waited_ms: ({ record }) => record.waitedMs,
  beforehand_ms: ({ record }) => record.beforehandMs,
  update_ms: ({ updateMs }) => updateMs,
  ...Object.fromEntries(
    phaseNames.map((name) => [`phase_${snake(name)}_ms`, (line: MoveLine) => phaseMs(line, name)]),
  ),
  ti_ms: ({ record }) => record.equations?.tiMs,
  ov_ms: ({ record }) => record.equations?.ovMs,
  dm_ms: ({ record }) => record.equations?.dmMs,
  vs_ms: ({ record }) => record.equations?.vsMs,
  transferred_mib: ({ record }) => record.transferredMiB,
  storage_mib: ({ record }) => record.storageMiB,
  iterations: ({ record }) => record.iterations,
  dirty_pages_per_second: ({ record }) => record.dirtyPagesPerSecond,
  throttle_percent: ({ record }) => record.throttlePercent,
  link_mibps: ({ record }) => record.linkMiBps,
  predicted_total_ms: ({ record }) => record.predicted?.totalMs,
  predicted_downtime_ms: ({ record }) => record.predicted?.downtimeMs,
  predicted_passes: ({ record }) => record.predicted?.passes,
  clock_offset_ms: ({ record }) => record.clock?.offsetMs,
  clock_uncertainty_ms: ({ record }) => record.clock?.uncertaintyMs,
  throughput_before_mibps: ({ record }) => record.throughput?.beforeMiBps,
  throughput_slowest_mibps: ({ record }) => record.throughput?.slowestMiBps,
  throughput_below_half_ms: ({ record }) => record.throughput?.belowHalfMs,
  progress_unit: ({ progress }) => progress?.unit,
  progress_before_per_second: ({ progress }) => progress?.beforePerSecond,
  progress_during_per_second: ({ progress }) => progress?.duringPerSecond,
  progress_slowest_per_second: ({ progress }) => progress?.slowestPerSecond,
};

/** In this order in every file, whatever its moves were like. */
const firstColumns: readonly string[] = [
  "experiment",
  "run",
  "cell",
  "block",
  "repeat",
  "order",
  "version",
  "is_warm_up",
  "is_interrupted",
  ...Object.keys(moveColumns),
];
