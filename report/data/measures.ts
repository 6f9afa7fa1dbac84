import type { PhaseName } from "../../moves/modes.ts";
import { type MigrationRecord, pathOf } from "../../moves/record.ts";
import type { Move } from "./dataset.ts";

/** How long a phase took, in ms; absent: the move has none of that name. */
export function phaseMs({ phases }: Pick<MigrationRecord, "phases">, name: PhaseName): number | undefined {
  const found = phases.find((phase) => phase.name === name);
  return found && found.endMs - found.startMs;
}

const pageBytes = 4096;
const mib = 1024 * 1024;

/**
 * How fast the guest's pages got dirty while its memory was sent, in MiB/s: the mean over the passes that tell it, each for as long as it
 * lasted, since QEMU's last figure alone may be that of a pass of some milliseconds. Absent: no pass tells it.
 */
export function dirtyMiBps({ passes }: Pick<MigrationRecord, "passes">): number | undefined {
  let pages = 0;
  let seconds = 0;
  for (const [index, { dirtyPagesPerSecond, atMs }] of passes.entries()) {
    const before = passes[index - 1];
    if (dirtyPagesPerSecond === undefined || before === undefined) continue;
    const lasted = (atMs - before.atMs) / 1000;
    pages += dirtyPagesPerSecond * lasted;
    seconds += lasted;
  }
  return seconds > 0 ? (pages / seconds) * (pageBytes / mib) : undefined;
}

/** What the workload is called: its type. A guest without one idles. */
export function workloadOf({ workload }: Pick<MigrationRecord, "workload">): string {
  if (workload === undefined || workload === null) return "idle";
  if (typeof workload === "string") return workload;
  const type = typeof workload === "object" && !Array.isArray(workload) ? workload.type : undefined;
  return typeof type === "string" ? type : "other";
}

/** Settings of a workload that say how much of the memory it uses. In a design that varies memory they are often made to grow with it. */
const sizes: readonly string[] = ["workingSetMiB", "bufferPoolMiB", "rows"];

/** Settings of a workload that say how much is asked of it in a second. */
const rates: readonly string[] = ["mibPerSecond", "recordsPerSecond", "actionsPerSecond", "clients"];

/** How much is asked of a workload: those of its settings that say so, and all that it is besides. */
export function workloadRate(record: Pick<MigrationRecord, "workload">): {
  rate: Record<string, unknown>;
  besides: Record<string, unknown>;
} {
  const all = Object.entries(workloadSettings(record).others);
  const of = (isRate: boolean) => Object.fromEntries(all.filter(([key]) => rates.includes(key) === isRate));
  return { rate: of(true), besides: of(false) };
}

/** A workload's settings: those that say how much memory it uses, and all others, its kind among them. */
export function workloadSettings({ workload }: Pick<MigrationRecord, "workload">): {
  sizes: Record<string, unknown>;
  others: Record<string, unknown>;
} {
  const isObject = typeof workload === "object" && workload !== null && !Array.isArray(workload);
  const all = Object.entries(isObject ? workload : { type: workloadOf({ workload }) });
  const of = (isSize: boolean) => Object.fromEntries(all.filter(([key]) => sizes.includes(key) === isSize));
  return { sizes: of(true), others: of(false) };
}

export const isOffline = ({ record }: Move): boolean => record.mode === "offline";
/** Asked to move live, and moved by pre-copy alone: what the paper calls live. */
export const isLive = ({ record }: Move): boolean => record.mode === "live" && pathOf(record) === "precopy";
