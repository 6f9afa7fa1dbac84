import type { MigrationRecord } from "../../../moves/record.ts";

/** A sound record of a live move; tests say what is different. */
export function liveRecord(changes: Partial<MigrationRecord> = {}): MigrationRecord {
  return {
    schema: 1,
    guest: "vm1",
    uuid: "6f2b1f9e-0d2c-4d0e-9a53-0c3d8b6f7a11",
    from: "host1",
    to: "host2",
    mode: "live",
    outcome: "completed",
    startedAt: "2026-03-01T12:00:00.000Z",
    memoryMiB: 768,
    accelerator: "tcg",
    nfsTransport: "userspace",
    versions: {
      from: { qemu: "7.2.22", libvirt: "9.0.0", kernel: "6.1.0" },
      to: { qemu: "7.2.22", libvirt: "9.0.0", kernel: "6.1.0" },
    },
    totalMs: 1500,
    hypervisorTotalMs: 1210,
    downtimeMs: 80.5,
    hypervisorDowntimeMs: 82,
    phases: [
      { name: "preparation", startMs: 0, endMs: 150 },
      { name: "iterations", startMs: 150, endMs: 1270 },
      { name: "stop-and-copy", startMs: 1270, endMs: 1342 },
      { name: "device-state", startMs: 1342, endMs: 1350.5 },
      { name: "completion", startMs: 1350.5, endMs: 1500 },
    ],
    equations: { tiMs: 1120, ovMs: 380, dmMs: 72, vsMs: 8.5, dmVsFrom: "traced" },
    passes: [
      { pass: 1, transferredMiB: 0, remainingMiB: 768, atMs: 152 },
      { pass: 2, transferredMiB: 120, remainingMiB: 14, dirtyPagesPerSecond: 5100, atMs: 900 },
    ],
    transferredMiB: 138.4,
    iterations: 2,
    clock: { offsetMs: -0.4, uncertaintyMs: 0.2 },
    ...changes,
  };
}

export function offlineRecord(changes: Partial<MigrationRecord> = {}): MigrationRecord {
  const { hypervisorTotalMs: _t, hypervisorDowntimeMs: _d, equations: _e, clock: _c, ...rest } = liveRecord();
  const { transferredMiB: _m, iterations: _i, ...base } = rest;
  return {
    ...base,
    mode: "offline",
    from: "host2",
    to: "host1",
    totalMs: 3200,
    downtimeMs: 3150,
    phases: [
      { name: "suspend", startMs: 0, endMs: 500 },
      { name: "copy", startMs: 500, endMs: 1800 },
      { name: "resume", startMs: 1800, endMs: 3200 },
    ],
    passes: [],
    ...changes,
  };
}

export function coldRecord(changes: Partial<MigrationRecord> = {}): MigrationRecord {
  return offlineRecord({
    mode: "cold",
    totalMs: 90_000,
    downtimeMs: 81_000,
    phases: [
      { name: "shutdown", startMs: 0, endMs: 9000 },
      { name: "define", startMs: 9000, endMs: 9300 },
      { name: "start", startMs: 9300, endMs: 90_000 },
    ],
    ...changes,
  });
}

export function postcopyRecord(changes: Partial<MigrationRecord> = {}): MigrationRecord {
  return liveRecord({
    mode: "postcopy",
    downtimeMs: 90,
    phases: [
      { name: "preparation", startMs: 0, endMs: 150 },
      { name: "iterations", startMs: 150, endMs: 230 },
      { name: "device-state", startMs: 230, endMs: 320 },
      { name: "post-copy", startMs: 320, endMs: 1400 },
      { name: "completion", startMs: 1400, endMs: 1500 },
    ],
    equations: { tiMs: 80, ovMs: 1420, vsMs: 90 },
    ...changes,
  });
}
