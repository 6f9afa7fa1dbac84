import { withoutAbsent } from "./without-absent.ts";

/** What libvirt says about a running or completed job; what it does not say is absent. */
export interface JobInfo {
  operation?: string;
  elapsedMs?: number;
  downtimeMs?: number;
  /** Downtime without what passes between the two hosts: read on one clock. */
  downtimeWithoutNetworkMs?: number;
  transferredMiB?: number;
  remainingMiB?: number;
  /** What is left of disks that are copied along. */
  storageRemainingMiB?: number;
  bandwidthMiBps?: number;
  dirtyPagesPerSecond?: number;
  iteration?: number;
  throttlePercent?: number;
}

const unitsInMiB: Record<string, number> = { B: 1 / 1048576, KiB: 1 / 1024, MiB: 1, GiB: 1024, TiB: 1048576 };

/** Reads what `virsh domjobinfo` prints (LC_ALL=C). */
export function parseJobInfo(printed: string): JobInfo {
  const fields = new Map<string, string>();
  for (const line of printed.split("\n")) {
    const [, key, value] = /^([^:]+):\s+(.+?)\s*$/.exec(line) ?? [];
    if (key && value) fields.set(key, value);
  }
  const number = (key: string): number | undefined => {
    const value = Number.parseFloat(fields.get(key) ?? "");
    return Number.isNaN(value) ? undefined : value;
  };
  const sizeMiB = (key: string): number | undefined => {
    const [, amount, unit] = /^([\d.]+)\s*([KMGT]?i?B)/.exec(fields.get(key) ?? "") ?? [];
    const factor = unitsInMiB[unit ?? ""];
    return amount && factor ? Number(amount) * factor : undefined;
  };
  return withoutAbsent({
    operation: fields.get("Operation"),
    elapsedMs: number("Time elapsed"),
    downtimeMs: number("Total downtime") ?? number("Expected downtime"),
    downtimeWithoutNetworkMs: number("Downtime w/o network"),
    transferredMiB: sizeMiB("Memory processed"),
    remainingMiB: sizeMiB("Memory remaining"),
    storageRemainingMiB: sizeMiB("File remaining"),
    bandwidthMiBps: sizeMiB("Memory bandwidth"),
    dirtyPagesPerSecond: number("Dirty rate"),
    iteration: number("Iteration"),
    throttlePercent: number("Auto converge throttle"),
  });
}
