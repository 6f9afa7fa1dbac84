import { movesRunning, phasesWith, storagePhase } from "./modes.ts";
import { type MigrationRecord, pathOf } from "./record.ts";

/** Clocks are read to the millisecond in places, so an equation holds if its sides are this close. */
const toleranceMs = 1;

/** Phases share their borders: only the rounding of decimals may differ. */
const roundingMs = 0.001;

/**
 * What does not add up in a record, one sentence each, and what was found wrong when it was made; empty when the record is sound. The
 * schema says which shape a record has, this says whether its figures can be true together.
 */
export function inconsistencies(record: MigrationRecord): string[] {
  const completed = record.outcome === "completed";
  const found = [
    ...(record.faults ?? []),
    ...(completed ? missing(record) : []),
    ...phaseFaults(record),
    ...equationFaults(record),
    ...downtimeFaults(record),
    ...stopFaults(record),
    ...passFaults(record),
    ...(completed && record.error !== undefined ? ["it completed, yet there is an error"] : []),
    ...(record.outcome === "failed" && record.error === undefined
      ? ["it failed, yet no error says why"]
      : []),
    ...(record.from === record.to ? [`it moved from ${record.from} to the same host`] : []),
  ];
  return [...new Set(found)];
}

function missing(record: MigrationRecord): string[] {
  const always = ["downtimeMs"] as const;
  const running = ["hypervisorTotalMs", "equations", "clock", "transferredMiB", "iterations"] as const;
  const demanded = movesRunning(record.mode) ? [...always, ...running] : always;
  return demanded
    .filter((key) => record[key] === undefined)
    .map((key) => `${key} is missing in a completed ${record.mode} migration`);
}

function phaseFaults(record: MigrationRecord): string[] {
  const { phases, mode, outcome, totalMs } = record;
  const faults: string[] = [];
  const names = phases.map((phase) => phase.name);
  const expected = phasesWith(pathOf(record), names.includes(storagePhase));
  const wanted = outcome === "completed" ? expected : expected.slice(0, names.length);
  if (names.join() !== wanted.join()) {
    faults.push(`phases are ${names.join(", ") || "none"}; ${mode} has ${expected.join(", ")}`);
  }
  let borderMs = 0;
  for (const { name, startMs, endMs } of phases) {
    if (!close(startMs, borderMs, roundingMs)) {
      faults.push(
        `phase ${name} starts at ${startMs} ms, where ${borderMs} ms was the end of what came before`,
      );
    }
    if (endMs < startMs) faults.push(`phase ${name} ends at ${endMs} ms, before its start at ${startMs} ms`);
    borderMs = endMs;
  }
  if (phases.length > 0 && !close(borderMs, totalMs, roundingMs)) {
    faults.push(`phases end at ${borderMs} ms, the total is ${totalMs} ms`);
  }
  return faults;
}

function equationFaults({ mode, equations, totalMs, downtimeMs, phases }: MigrationRecord): string[] {
  if (equations === undefined) return [];
  if (!movesRunning(mode)) return [`equations are for moves of a running guest, this one is ${mode}`];
  const { tiMs, ovMs, dmMs, vsMs } = equations;
  const isPostcopy = phases.some(({ name }) => name === "post-copy");
  if (isPostcopy !== (dmMs === undefined))
    return [`DM is ${dmMs ?? "absent"}, in a ${isPostcopy ? "post-copy" : "pre-copy"}`];
  const faults: string[] = [];
  const equal = (left: string, leftMs: number, right: string, rightMs: number) => {
    if (!close(leftMs, rightMs, toleranceMs)) faults.push(`${left} = ${leftMs} ms, ${right} = ${rightMs} ms`);
  };
  equal("TMT", totalMs, "TI + OV", tiMs + ovMs);
  if (downtimeMs !== undefined) equal("TDT", downtimeMs, isPostcopy ? "VS" : "DM + VS", (dmMs ?? 0) + vsMs);
  const termOf = { iterations: tiMs, "stop-and-copy": dmMs, "device-state": vsMs } as const;
  for (const { name, startMs, endMs } of phases) {
    const termMs = termOf[name as keyof typeof termOf];
    if (termMs !== undefined) equal(`phase ${name}`, endMs - startMs, "its term in the equations", termMs);
  }
  return faults;
}

function downtimeFaults(record: MigrationRecord): string[] {
  const { downtimeMs, totalMs, clientDowntimeMs, clientProbeIntervalMs } = record;
  const faults: string[] = [];
  if (downtimeMs !== undefined && downtimeMs > totalMs + toleranceMs) {
    faults.push(`downtime ${downtimeMs} ms is longer than the total ${totalMs} ms`);
  }
  if ((clientDowntimeMs === undefined) !== (clientProbeIntervalMs === undefined)) {
    faults.push("clientDowntimeMs and clientProbeIntervalMs belong together");
  }
  if ((record.guestDowntimeMs === undefined) !== (record.guestClockResolutionMs === undefined)) {
    faults.push("guestDowntimeMs and guestClockResolutionMs belong together");
  }
  return faults;
}

function stopFaults({ stop, mode, downtimeMs, totalMs }: MigrationRecord): string[] {
  if (stop === undefined) return [];
  if (movesRunning(mode)) return [`stop is for offline and cold moves, this one is ${mode}`];
  const { stoppedMs, resumedMs } = stop;
  const took = `the guest stood still from ${stoppedMs} ms to ${resumedMs} ms`;
  return [
    ...(resumedMs > totalMs + toleranceMs ? [`${took}, after the end at ${totalMs} ms`] : []),
    ...(close(resumedMs - stoppedMs, downtimeMs ?? Number.NaN, roundingMs)
      ? []
      : [`${took}, its downtime is ${downtimeMs ?? "absent"} ms`]),
  ];
}

function passFaults({ passes, totalMs }: MigrationRecord): string[] {
  return passes.flatMap((pass, index) => {
    const before = passes[index - 1];
    if (before && (pass.pass <= before.pass || pass.atMs < before.atMs)) {
      return [`pass ${pass.pass} at ${pass.atMs} ms comes after pass ${before.pass} at ${before.atMs} ms`];
    }
    return pass.atMs > totalMs + toleranceMs
      ? [`pass ${pass.pass} began at ${pass.atMs} ms, after the end`]
      : [];
  });
}

function close(a: number, b: number, byMs: number): boolean {
  // The slack is for binary fractions: 10.1 - 10 is not 0.1.
  return Math.abs(a - b) <= byMs + 1e-9;
}
