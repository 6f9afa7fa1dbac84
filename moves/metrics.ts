import { rename, writeFile } from "node:fs/promises";
import type { MigrationRecord } from "./record.ts";
import { recordsFrom, resultsFile } from "./results.ts";

/**
 * What a stack's moves come to, as Prometheus reads it (text exposition format 0.0.4): `results/<stack>.prom`, for the textfile collector of
 * node_exporter. It is made anew from all records, so that it says the same after a crash. What a move did not measure is not in it.
 */
export const metricsFile = (stack: string, folder = "results"): string =>
  resultsFile(stack, folder).replace(/\.jsonl$/, ".prom");

/** Writes it, whole or not at all. */
export async function writeMetrics(stack: string, folder?: string): Promise<void> {
  const text = await metricsOf(stack, folder);
  const file = metricsFile(stack, folder);
  const partial = `${file}.${process.pid}`;
  await writeFile(partial, text);
  await rename(partial, file);
}

/** The same, as its results file has it now; a stack of which nothing has moved yet has none. */
export async function metricsOf(stack: string, folder?: string): Promise<string> {
  return metricsText(stack, await recordsFrom(resultsFile(stack, folder)));
}

type Measured = Pick<
  MigrationRecord,
  | "guest"
  | "from"
  | "to"
  | "mode"
  | "outcome"
  | "startedAt"
  | "totalMs"
  | "downtimeMs"
  | "clientDowntimeMs"
  | "transferredMiB"
>;

/** @param records a stack's, oldest first */
export async function metricsText(stack: string, records: readonly Measured[]): Promise<string> {
  // What is seldom wanted is loaded then.
  const { Counter, Gauge, Histogram, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  registry.setDefaultLabels({ stack });
  const of = <const T extends string>(name: string, help: string, labelNames: readonly T[]) => ({
    name: `kvm_migration_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  const moves = new Counter(
    of("moves_total", "Moves, by how they ended", ["guest", "from", "to", "mode", "outcome"]),
  );
  const duration = new Histogram({
    ...of("duration_seconds", "Total time of completed moves", ["mode"]),
    buckets: [0.5, 1, 2, 5, 10, 20, 60, 120, 300, 900],
  });
  const downtime = new Histogram({
    ...of("downtime_seconds", "How long guests stood still in completed moves, and who saw that", [
      "mode",
      "seen_by",
    ]),
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
  });
  const lastDuration = new Gauge(
    of("last_duration_seconds", "Total time of a guest's last completed move", ["guest", "mode"]),
  );
  const lastDowntime = new Gauge(
    of("last_downtime_seconds", "How long a guest stood still in its last completed move", [
      "guest",
      "mode",
      "seen_by",
    ]),
  );
  const lastBytes = new Gauge(
    of("last_transferred_bytes", "What a guest's last completed move transferred", ["guest", "mode"]),
  );
  const lastStart = new Gauge(
    of("last_start_timestamp_seconds", "When a guest's last move began, however it ended", ["guest"]),
  );

  const last = new Map<string, Measured>();
  for (const record of records) {
    const { guest, from, to, mode, outcome } = record;
    moves.inc({ guest, from, to, mode, outcome });
    lastStart.set({ guest }, Date.parse(record.startedAt) / 1000);
    if (outcome !== "completed") continue;
    last.set(guest, record);
    duration.observe({ mode }, record.totalMs / 1000);
    for (const [seen_by, seconds] of downtimesOf(record)) downtime.observe({ mode, seen_by }, seconds);
  }
  for (const [guest, record] of last) {
    const { mode, totalMs, transferredMiB } = record;
    lastDuration.set({ guest, mode }, totalMs / 1000);
    for (const [seen_by, seconds] of downtimesOf(record)) lastDowntime.set({ guest, mode, seen_by }, seconds);
    if (transferredMiB !== undefined) lastBytes.set({ guest, mode }, transferredMiB * 2 ** 20);
  }
  return registry.metrics();
}

const downtimesOf = ({ downtimeMs, clientDowntimeMs }: Measured): (readonly [string, number])[] =>
  (
    [
      ["hypervisor", downtimeMs],
      ["client", clientDowntimeMs],
    ] as const
  ).flatMap(([who, ms]) => (ms === undefined ? [] : [[who, ms / 1000] as const]));
