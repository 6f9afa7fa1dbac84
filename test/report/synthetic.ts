import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { FailureLine, MoveLine, RunHead } from "../../moves/experiment-run.ts";
import type { MigrationRecord } from "../../moves/record.ts";

/**
 * Synthetic results: nobody measured them. They have the shape of a run of the paper's study, of any length, and follow a model in which the
 * paper's claims hold, so that tests know what a report of them must say.
 */

interface Guest {
  name: string;
  memoryMiB: number;
  workload?: { type: string; [key: string]: string | number };
  dirtyMiBps: number;
}

const guests: readonly Guest[] = [
  ...[384, 512, 768, 1024, 1280, 1536].map((memoryMiB, index) => ({
    name: `python-${index + 1}`,
    memoryMiB,
    workload: { type: "python", workingSetMiB: Math.round(memoryMiB / 3), recordsPerSecond: 200 },
    dirtyMiBps: 9,
  })),
  { name: "idle-7", memoryMiB: 768, dirtyMiBps: 0.5 },
  {
    name: "mysql-8",
    memoryMiB: 768,
    workload: { type: "mysql", bufferPoolMiB: 64, clients: 2 },
    dirtyMiBps: 16,
  },
  { name: "office-9", memoryMiB: 768, workload: { type: "office" }, dirtyMiBps: 5 },
  {
    name: "writer-10",
    memoryMiB: 768,
    workload: { type: "memory", mibPerSecond: 60, workingSetMiB: 256 },
    dirtyMiBps: 58,
  },
];

const linkMiBps = 110;
const hostVersions = { qemu: "0.0.0 (synthetic)", libvirt: "0.0.0 (synthetic)", kernel: "0.0.0 (synthetic)" };

export interface SyntheticRun {
  head: RunHead;
  moves: MoveLine[];
  failures: FailureLine[];
}

/** A run with so many repeats of each of its twenty cells; one warm-up move of each guest comes first. */
export function syntheticRun(repeats: number, seed = 1): SyntheticRun {
  const generator = xoroshiro128plus(seed);
  const random = () => uniformFloat64(generator);
  /** Times are skewed to the right: nothing is much faster than usual. */
  const noisy = (value: number, by = 0.12) =>
    value * (1 + by * (random() + random() + random() ** 4 * 2 - 1));
  const cells = guests.flatMap((guest) =>
    (["offline", "live"] as const).map((mode) => ({ guest, mode, id: `${guest.name}/${mode}` })),
  );
  const moves: MoveLine[] = [];
  const add = (cell: (typeof cells)[number], repeat: number, isWarmUp: boolean) => {
    const order = moves.length + 1;
    const record = recordOf(cell.guest, cell.mode, order, noisy);
    moves.push({
      schema: 1,
      kind: "move",
      cell: cell.id,
      repeat,
      block: repeat,
      order,
      ...(isWarmUp && { isWarmUp }),
      loadBefore: {
        controller: round(random() * 0.8),
        host1: round(random() * 0.5),
        host2: round(random() * 0.5),
      },
      updateMs: round(record.totalMs + 9000),
      ...(cell.guest.workload && {
        progress: {
          unit: cell.guest.workload.type === "mysql" ? "queries" : "records",
          beforePerSecond: round(noisy(400)),
          duringPerSecond: round(noisy(cell.mode === "live" ? 330 : 90)),
          slowestPerSecond: cell.mode === "live" ? round(noisy(140)) : 0,
        },
      }),
      record,
    });
  };
  for (const cell of cells.filter(({ mode }) => mode === "live")) add(cell, 1, true);
  for (let repeat = 1; repeat <= repeats; repeat++) for (const cell of cells) add(cell, repeat, false);
  return { head: headOf(cells, repeats, seed), moves, failures: [] };
}

/** As a results file. */
export const fileOf = ({ head, moves, failures }: SyntheticRun): string =>
  [head, ...moves, ...failures].map((line) => `${JSON.stringify(line)}\n`).join("");

function recordOf(
  { name, memoryMiB, workload, dirtyMiBps }: Guest,
  mode: "live" | "offline",
  order: number,
  noisy: (value: number, by?: number) => number,
): MigrationRecord {
  const common = {
    schema: 1,
    guest: name,
    uuid: `00000000-0000-4000-8000-${`${guests.findIndex((one) => one.name === name)}`.padStart(12, "0")}`,
    from: "host1",
    to: "host2",
    mode,
    outcome: "completed",
    startedAt: new Date(Date.UTC(2000, 0, 1) + order * 30_000).toISOString(),
    memoryMiB,
    ...(workload && { workload }),
    accelerator: "tcg",
    nfsTransport: "userspace",
    linkMiBps,
    versions: { from: hostVersions, to: hostVersions },
  } as const;
  const timed = mode === "offline" ? offline(memoryMiB, noisy) : live(memoryMiB, dirtyMiBps, noisy);
  const { totalMs, downtimeMs } = timed;
  const client = round(downtimeMs + noisy(60, 0.5));
  return {
    ...common,
    ...timed,
    clientDowntimeMs: client,
    clientProbeIntervalMs: 5,
    client: {
      prober: "storage",
      protocols: [
        { protocol: "icmp", sent: 400, lost: 9, silenceMs: client },
        { protocol: "tcp", sent: 400, lost: 8, silenceMs: client },
      ],
      unansweredMs: downtimeMs,
      usualSilenceMs: round(noisy(20, 0.5)),
      proberLateMs: 0.2,
      latency: latencyOf(downtimeMs, noisy),
    },
    guestDowntimeMs: round(downtimeMs + noisy(1, 0.5)),
    guestClockResolutionMs: 0.4,
    predicted: {
      totalMs: round(noisy(totalMs, 0.06)),
      downtimeMs: round(noisy(downtimeMs, 0.1)),
      passes: timed.passes.length,
      converges: true,
    },
  };
}

type Timed = Pick<MigrationRecord, "totalMs" | "phases" | "passes"> &
  Partial<MigrationRecord> & { downtimeMs: number };

function offline(memoryMiB: number, noisy: (value: number) => number): Timed {
  const [suspendMs, copyMs, resumeMs] = [
    noisy(memoryMiB * 2.1 + 200),
    noisy(memoryMiB * 6 + 300),
    noisy(480),
  ].map(round) as [number, number, number];
  const totalMs = round(suspendMs + copyMs + resumeMs);
  return {
    totalMs,
    downtimeMs: round(totalMs * 0.985),
    phases: [
      { name: "suspend", startMs: 0, endMs: suspendMs },
      { name: "copy", startMs: suspendMs, endMs: round(suspendMs + copyMs) },
      { name: "resume", startMs: round(suspendMs + copyMs), endMs: totalMs },
    ],
    passes: [],
  };
}

function live(memoryMiB: number, dirtyMiBps: number, noisy: (value: number, by?: number) => number): Timed {
  const passes: MigrationRecord["passes"] = [];
  const preparationMs = round(noisy(900));
  let atMs = preparationMs;
  let remainingMiB = memoryMiB;
  let transferredMiB = 0;
  while (passes.length < 8 && (passes.length < 2 || remainingMiB > 14)) {
    const dirty = round(noisy(dirtyMiBps) * 256);
    passes.push({
      pass: passes.length + 1,
      transferredMiB: round(transferredMiB),
      remainingMiB: round(remainingMiB),
      ...(passes.length > 0 && { dirtyPagesPerSecond: dirty }),
      atMs,
    });
    const tookMs = (remainingMiB / linkMiBps) * 1300;
    transferredMiB += remainingMiB;
    atMs = round(atMs + tookMs);
    remainingMiB = Math.min(memoryMiB, (dirtyMiBps * tookMs) / 1000);
  }
  const dmMs = round(noisy(12 + dirtyMiBps * 3));
  const vsMs = round(noisy(34));
  const stopAt = atMs;
  const totalMs = round(stopAt + dmMs + vsMs + noisy(memoryMiB * 6 + 1500));
  const runsAt = round(stopAt + dmMs + vsMs);
  return {
    totalMs,
    hypervisorTotalMs: round(runsAt - preparationMs),
    downtimeMs: round(dmMs + vsMs),
    hypervisorDowntimeMs: Math.round(dmMs + vsMs + 9),
    phases: [
      { name: "preparation", startMs: 0, endMs: preparationMs },
      { name: "iterations", startMs: preparationMs, endMs: stopAt },
      { name: "stop-and-copy", startMs: stopAt, endMs: round(stopAt + dmMs) },
      { name: "device-state", startMs: round(stopAt + dmMs), endMs: runsAt },
      { name: "completion", startMs: runsAt, endMs: totalMs },
    ],
    equations: {
      tiMs: round(stopAt - preparationMs),
      ovMs: round(totalMs - (stopAt - preparationMs)),
      dmMs,
      vsMs,
      dmVsFrom: "traced",
    },
    passes,
    transferredMiB: round(transferredMiB),
    iterations: passes.length,
    dirtyPagesPerSecond: round(dirtyMiBps * 256),
    clock: { offsetMs: 0.1, uncertaintyMs: 0.2 },
  };
}

function latencyOf(downtimeMs: number, noisy: (value: number, by?: number) => number) {
  const stepMs = Math.max(10, Math.ceil((downtimeMs + 1200) / 40));
  const steps = Array.from({ length: Math.floor((downtimeMs + 1200) / stepMs) }, (_, i) => i * stepMs - 300)
    .filter((atMs) => atMs < -stepMs || atMs > downtimeMs)
    .map((atMs) => ({
      atMs,
      worstMs: round(noisy(atMs > 0 ? 1.5 + 60 * Math.exp(-(atMs - downtimeMs) / 150) : 1.5, 0.4)),
    }));
  return { stepMs, steps };
}

function headOf(
  cells: readonly { id: string; guest: Guest; mode: string }[],
  repeats: number,
  seed: number,
): RunHead {
  const host = {
    accelerator: "tcg",
    nfsTransport: "userspace",
    cpuModel: "none (synthetic)",
    memoryMiB: 16384,
    ...hostVersions,
  } as const;
  return {
    schema: 1,
    kind: "experiment",
    experiment: "synthetic",
    run: "20000101T000000Z",
    title: "Synthetic figures, which nobody measured",
    seed,
    startedAt: "2000-01-01T00:00:00.000Z",
    asked: { synthetic: true },
    cells: cells.map(({ id, guest, mode }) => ({
      id,
      factors: {
        guest: guest.name,
        memoryMiB: guest.memoryMiB,
        workload: guest.workload?.type ?? "idle",
        mode,
      },
    })),
    repeats,
    conditions: {
      controller: { cpu: "none (synthetic)", cores: 2, memoryMiB: 16384, kernel: "0.0.0 (synthetic)" },
      hosts: { host1: host, host2: host },
      versions: { "kvm-migration-testbed": "0.0.0 (synthetic)" },
    },
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
