import { stringify } from "csv-stringify/sync";
import type { FailureLine, MoveLine, RunHead, RunLine } from "../../moves/experiment-run.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { phasesOf, storagePhase } from "../../moves/modes.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { Dataset } from "../data/dataset.ts";
import { workloadOf } from "../data/measures.ts";

type Value = string | number | boolean | undefined;
type Row = Record<string, Value>;
/** A move as a run's line or as a stack's record has it. */
type MoveParts = Pick<MoveLine, "record" | "updateMs" | "progress">;

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
 * before its name, and the machines' load, with `load_`. What a policy decided is in the run's file alone; its moves are here.
 */
export const runCsv = (head: RunHead, lines: readonly Exclude<RunLine, RunHead>[]): string =>
  csvOf(
    runRows(
      head,
      lines.filter((line) => line.kind !== "update"),
    ),
    runColumns,
  );

/** All moves of files as CSV, be they of runs or of stacks. Where there is no run, its columns are not there either. */
export const movesCsv = (dataset: Dataset): string =>
  csvOf(movesRows(dataset), dataset.sources.some(({ head }) => head) ? runColumns : Object.keys(moveColumns));

/** The same as data. */
export function movesRows({ sources, moves, failures }: Dataset): Row[] {
  return sources.flatMap(({ file, head }) => {
    const own = moves.filter((move) => move.file === file);
    if (!head) return own.map(({ record }): Row => moveRow({ record }));
    const lines = [
      // A line of a run has its place in it.
      ...own.map(({ cell, ...move }) => ({ ...move, kind: "move", cell: cell?.id }) as unknown as MoveLine),
      ...failures.filter((failure) => failure.file === file),
    ];
    return runRows(
      head,
      lines.toSorted((a, b) => a.order - b.order),
    );
  });
}

function runRows(head: RunHead, lines: readonly (MoveLine | FailureLine)[]): Row[] {
  const factorsOf = new Map(head.cells.map(({ id, factors }) => [id, factors]));
  return lines.map((line): Row => {
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
        ? moveRow(line)
        : { outcome: "not begun", error: line.error, started_at: line.at }),
      ...Object.fromEntries(factors.map(([name, value]) => [`factor_${snake(name)}`, value])),
      ...(line.kind === "move" &&
        Object.fromEntries(
          Object.entries(line.loadBefore ?? {}).map(([machine, load]) => [`load_${snake(machine)}`, load]),
        )),
    };
  });
}

const moveRow = (move: MoveParts): Row =>
  Object.fromEntries(
    Object.entries(moveColumns).map(([name, of]): [string, Value] => {
      const value = of(move);
      return [name, typeof value === "number" ? rounded(name, value) : value];
    }),
  );

/** How many decimals were measured, by how a column's name ends; the first that fits counts. What is counted has none. */
const decimals: readonly (readonly [RegExp, number])[] = [
  [/^latency_.*_ms$/, 2],
  [/_(resolution|uncertainty|offset)_ms$/, 3],
  [/_ms$/, 1],
  [/_(mib|mibps)$/, 3],
  [/_per_second$/, 2],
  [/_likelihood$/, 3],
];

/** Differences of binary fractions have digits that nobody measured: 276.7999999999993. */
function rounded(name: string, value: number): number {
  const found = decimals.find(([end]) => end.test(name));
  return found ? Number(value.toFixed(found[1])) : value;
}

function csvOf(rows: readonly Row[], first: readonly string[]): string {
  const columns = new Set([...first, ...rows.flatMap((row) => Object.keys(row))]);
  return csvText([...columns], rows);
}

/** Rows as CSV, with the names of their columns first. */
export const csvText = (columns: readonly string[], rows: readonly Row[]): string =>
  stringify([...rows], {
    header: true,
    columns: [...columns],
    // As R's and pandas' readers know them.
    cast: { boolean: (value) => (value ? "TRUE" : "FALSE") },
    // A spreadsheet would calculate a text that begins like a formula, and an error may say anything. Figures stay as they are.
    escape_formulas: true,
  });

const phaseNames = [...new Set([...Object.values(phasesOf).flat(), storagePhase])];

function phaseMs({ record }: MoveParts, name: string): number | undefined {
  const phase = record.phases.find((one) => one.name === name);
  return phase && phase.endMs - phase.startMs;
}

/** Settings as one field: what a workload and a mode can be told differs from kind to kind. */
const json = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);

const protocolOf = ({ client }: MigrationRecord, name: "icmp" | "tcp") =>
  client?.protocols.find(({ protocol }) => protocol === name);

/** What is known of a move, by the column's name. */
const moveColumns: Record<string, (move: MoveParts) => Value> = {
  outcome: ({ record }) => record.outcome,
  error: ({ record }) => record.error,
  started_at: ({ record }) => record.startedAt,
  guest: ({ record }) => record.guest,
  uuid: ({ record }) => record.uuid,
  from: ({ record }) => record.from,
  to: ({ record }) => record.to,
  mode: ({ record }) => record.mode,
  mode_reason: ({ record }) => record.modeReason,
  reason: ({ record }) => record.reason,
  memory_mib: ({ record }) => record.memoryMiB,
  resident_mib: ({ record }) => record.before?.residentMiB,
  dirty_before_mibps: ({ record }) => record.before?.dirtyMiBps,
  redo_mib: ({ record }) => record.before?.redoMiB,
  workload: ({ record }) => workloadOf(record),
  workload_settings: ({ record }) => json(record.workload),
  options: ({ record }) => json(record.options),
  accelerator: ({ record }) => record.accelerator,
  nfs_transport: ({ record }) => record.nfsTransport,
  redo: ({ record }) => record.redo ?? "shared",
  qemu_from: ({ record }) => record.versions.from.qemu,
  qemu_to: ({ record }) => record.versions.to.qemu,
  libvirt_from: ({ record }) => record.versions.from.libvirt,
  libvirt_to: ({ record }) => record.versions.to.libvirt,
  kernel_from: ({ record }) => record.versions.from.kernel,
  kernel_to: ({ record }) => record.versions.to.kernel,
  adds_up: ({ record }) => inconsistencies(record).length === 0,
  total_ms: ({ record }) => record.totalMs,
  downtime_ms: ({ record }) => record.downtimeMs,
  client_downtime_ms: ({ record }) => record.clientDowntimeMs,
  client_unanswered_ms: ({ record }) => record.client?.unansweredMs,
  client_usual_silence_ms: ({ record }) => record.client?.usualSilenceMs,
  client_prober_late_ms: ({ record }) => record.client?.proberLateMs,
  client_icmp_sent: ({ record }) => protocolOf(record, "icmp")?.sent,
  client_icmp_lost: ({ record }) => protocolOf(record, "icmp")?.lost,
  client_tcp_sent: ({ record }) => protocolOf(record, "tcp")?.sent,
  client_tcp_lost: ({ record }) => protocolOf(record, "tcp")?.lost,
  client_probe_interval_ms: ({ record }) => record.clientProbeIntervalMs,
  guest_downtime_ms: ({ record }) => record.guestDowntimeMs,
  guest_clock_resolution_ms: ({ record }) => record.guestClockResolutionMs,
  hypervisor_total_ms: ({ record }) => record.hypervisorTotalMs,
  hypervisor_downtime_ms: ({ record }) => record.hypervisorDowntimeMs,
  waited_ms: ({ record }) => record.waitedMs,
  beforehand_ms: ({ record }) => record.beforehandMs,
  update_ms: ({ updateMs }) => updateMs,
  ...Object.fromEntries(
    phaseNames.map((name) => [`phase_${snake(name)}_ms`, (move: MoveParts) => phaseMs(move, name)]),
  ),
  stopped_ms: ({ record }) => record.stop?.stoppedMs,
  resumed_ms: ({ record }) => record.stop?.resumedMs,
  ti_ms: ({ record }) => record.equations?.tiMs,
  ov_ms: ({ record }) => record.equations?.ovMs,
  dm_ms: ({ record }) => record.equations?.dmMs,
  vs_ms: ({ record }) => record.equations?.vsMs,
  dm_vs_from: ({ record }) => record.equations?.dmVsFrom,
  transferred_mib: ({ record }) => record.transferredMiB,
  storage_mib: ({ record }) => record.storageMiB,
  iterations: ({ record }) => record.iterations,
  dirty_pages_per_second: ({ record }) => record.dirtyPagesPerSecond,
  throttle_percent: ({ record }) => record.throttlePercent,
  link_mibps: ({ record }) => record.linkMiBps,
  predicted_total_ms: ({ record }) => record.predicted?.totalMs,
  predicted_downtime_ms: ({ record }) => record.predicted?.downtimeMs,
  predicted_passes: ({ record }) => record.predicted?.passes,
  predicted_converges: ({ record }) => record.predicted?.converges,
  predicted_likelihood: ({ record }) => record.predicted?.likelihood,
  predicted_total_least_ms: ({ record }) => record.predicted?.range?.totalMs[0],
  predicted_total_most_ms: ({ record }) => record.predicted?.range?.totalMs[1],
  predicted_downtime_least_ms: ({ record }) => record.predicted?.range?.downtimeMs[0],
  predicted_downtime_most_ms: ({ record }) => record.predicted?.range?.downtimeMs[1],
  predicted_from_records: ({ record }) => record.predicted?.from,
  predicted_others: ({ record }) => record.predicted?.others,
  clock_offset_ms: ({ record }) => record.clock?.offsetMs,
  clock_uncertainty_ms: ({ record }) => record.clock?.uncertaintyMs,
  throughput_before_mibps: ({ record }) => record.throughput?.beforeMiBps,
  throughput_slowest_mibps: ({ record }) => record.throughput?.slowestMiBps,
  throughput_below_half_ms: ({ record }) => record.throughput?.belowHalfMs,
  throughput_interval_ms: ({ record }) => record.throughput?.intervalMs,
  brown_out_ms: ({ record }) => record.sampled?.work?.brownOutMs,
  brown_out_is_over: ({ record }) => record.sampled?.work?.isBack,
  work_lost_ms: ({ record }) => record.sampled?.work?.lostMs,
  work_interval_ms: ({ record }) => record.sampled?.work?.intervalMs,
  qemu_cpu_source_ms: ({ record }) => record.sampled?.qemuCpuMs?.source,
  qemu_cpu_destination_ms: ({ record }) => record.sampled?.qemuCpuMs?.destination,
  sent_by_source_mib: ({ record }) => record.sampled?.sentMiB,
  latency_before_p50_ms: ({ record }) => record.sampled?.latency?.before?.p50Ms,
  latency_before_p99_ms: ({ record }) => record.sampled?.latency?.before?.p99Ms,
  latency_p50_ms: ({ record }) => record.sampled?.latency?.through.p50Ms,
  latency_p99_ms: ({ record }) => record.sampled?.latency?.through.p99Ms,
  latency_p999_ms: ({ record }) => record.sampled?.latency?.through.p999Ms,
  latency_answered: ({ record }) => record.sampled?.latency?.through.answered,
  latency_unanswered: ({ record }) => record.sampled?.latency?.through.unanswered,
  progress_unit: ({ progress }) => progress?.unit,
  progress_before_per_second: ({ progress }) => progress?.beforePerSecond,
  progress_during_per_second: ({ progress }) => progress?.duringPerSecond,
  progress_slowest_per_second: ({ progress }) => progress?.slowestPerSecond,
};

/** In this order in every file, whatever its moves were like. */
const runColumns: readonly string[] = [
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
