import * as z from "zod";
import type { HostVersions } from "../libvirt/versions.ts";
import { migrationModes, modes, type PathName, type PhaseName, phasesOf, storagePhase } from "./modes.ts";
import { defaultTimeoutMs, recordedOptions } from "./options.ts";
import { sampledSchema } from "./sampled.ts";
import { sloSchema } from "./slo.ts";

/**
 * The record of one migration: what every other part reads (stack outputs, results/<stack>.jsonl, tables, plots).
 * A figure that was not measured is absent, never zero. Times are milliseconds, relative to `startedAt`, and may
 * have decimals. What a failure can keep from being measured is optional here; `inconsistencies` demands it of a
 * completed migration.
 */

/**
 * The path that a move took. A running guest's memory is sent by pre-copy alone or with post-copy, whatever the mode: a hybrid may converge
 * before its time is over, a live move may end by post-copy since its time was.
 */
export function pathOf({ mode, phases }: Pick<MigrationRecord, "mode" | "phases">): PathName {
  const [path, ...others] = modes[mode].paths;
  return (
    others.find((other) => other === "postcopy" && phases.some(({ name }) => name === "post-copy")) ?? path
  );
}

/** Whether a move was not given up before its time: what a rolled-back one says is then that it did not converge. */
export const hadItsTime = ({ totalMs, options }: Pick<MigrationRecord, "totalMs" | "options">): boolean =>
  totalMs >= (options?.timeoutMs ?? defaultTimeoutMs);

const ms = z.number().nonnegative();
const mib = z.number().nonnegative();
const count = z.int().nonnegative();
const range = z.tuple([z.number().nonnegative(), z.number().nonnegative()]);

const phase = z.object({
  name: z.enum([...Object.values(phasesOf).flat(), storagePhase] as PhaseName[]),
  startMs: ms,
  endMs: ms,
});

const hostVersions = z.object({
  qemu: z.string(),
  libvirt: z.string(),
  kernel: z.string(),
}) satisfies z.ZodType<HostVersions>;

export const recordSchema = z.object({
  schema: z.literal(1),
  guest: z.string(),
  uuid: z.uuid(),
  from: z.string().describe("host it ran on"),
  to: z.string().describe("host it was to run on"),
  mode: z.enum(migrationModes),
  reason: z
    .string()
    .optional()
    .describe("why it was to run there, where no placement says it: a drained host, a policy"),
  slo: sloSchema
    .omit({ onBreach: true })
    .extend({ isBroken: z.boolean() })
    .optional()
    .describe("what the move might cost at most, and whether it cost more; absent: no limits"),
  decision: z.iso
    .datetime()
    .optional()
    .describe("when its policy decided that; the decision is in results/<stack>.decisions.jsonl"),
  modeReason: z.string().optional().describe("why this mode, where the config leaves that open (auto)"),
  outcome: z
    .enum(["completed", "failed", "rolled-back", "recovered"])
    .describe(
      "failed: it is where it was or nowhere; rolled-back: put back where it was; recovered: a later run finished it",
    ),
  error: z.string().optional().describe("why it did not complete"),
  startedAt: z.iso.datetime().describe("UTC"),
  waitedMs: ms
    .optional()
    .describe("before startedAt: for other moves at its hosts; absent: it did not have to wait"),
  beforehandMs: ms
    .optional()
    .describe("before startedAt: the prober's start, the reading of the clocks and the checks"),

  memoryMiB: z.int().positive(),
  workload: z.json().optional().describe("as in the stack's config; absent: the guest only idles"),
  accelerator: z.enum(["kvm", "tcg"]),
  nfsTransport: z.enum(["kernel", "userspace"]),
  redo: z
    .enum(["shared", "local"])
    .optional()
    .describe("where its overlay lies: local: on its host, and moves along; absent: on the shared storage"),
  options: recordedOptions
    .optional()
    .describe("as asked for; what is absent in it: the hypervisor's default. Absent: not recorded"),
  before: z
    .object({
      dirtyMiBps: mib.optional().describe("how fast its pages got dirty, by QEMU's sampling"),
      residentMiB: mib.optional().describe("memory that its QEMU had taken at the source"),
      redoMiB: mib.optional().describe("size of an overlay that moves along"),
    })
    .optional()
    .describe("of the guest, measured right before the move"),
  linkMiBps: mib.optional().describe("what the link between the hosts carries, measured"),
  versions: z.object({ from: hostVersions, to: hostVersions }),

  totalMs: ms.describe(
    "TMT: first action until the guest runs at the destination and the source is released",
  ),
  hypervisorTotalMs: ms.optional().describe("QEMU's own total time of the transfer"),
  downtimeMs: ms.optional().describe("TDT: guest stopped until it runs again"),
  hypervisorDowntimeMs: ms.optional().describe("downtime as the hypervisor itself reports it"),
  clientDowntimeMs: ms
    .optional()
    .describe("longest silence around the switchover that a prober on a third machine saw, by its own clock"),
  clientProbeIntervalMs: ms
    .optional()
    .describe("how often the prober asked, by one protocol or the other: the resolution of clientDowntimeMs"),
  client: z
    .object({
      prober: z.string().describe("machine that asked"),
      protocols: z.array(
        z.object({
          protocol: z.enum(["icmp", "tcp"]),
          sent: count,
          lost: count.describe("never answered, or not yet when the prober ended"),
          silenceMs: ms.optional().describe("longest silence around the switchover by this protocol alone"),
        }),
      ),
      unansweredMs: ms
        .optional()
        .describe("from the first question never answered to the next that was, be it late"),
      usualSilenceMs: ms
        .optional()
        .describe("longest silence before the switchover: shorter ones tell nothing about the move"),
      proberLateMs: ms.optional().describe("how late the prober itself was at worst, around the switchover"),
      latency: z
        .object({
          stepMs: ms,
          steps: z.array(
            z.object({
              atMs: z.number().describe("when it begins, relative to the guest's stop"),
              worstMs: ms.describe("longest wait for an answer to a question sent in it"),
            }),
          ),
        })
        .optional()
        .describe(
          "around the switchover, in equal steps; absent between others: nothing asked in it was answered; what comes after the last is not known",
        ),
    })
    .optional(),
  throughput: z
    .object({
      beforeMiBps: mib.describe("mean before the first action"),
      slowestMiBps: mib.describe("slowest interval since"),
      belowHalfMs: ms.describe("how long it was below half of the mean"),
      intervalMs: ms.describe("how long an interval was: the resolution of belowHalfMs"),
    })
    .optional()
    .describe("of a TCP stream from the prober's machine to the guest"),
  sampled: sampledSchema
    .optional()
    .describe("what hosts and guest went through, in sums; absent: nothing was sampled (sampleIntervalMs)"),
  guestDowntimeMs: ms.optional().describe("how much time the guest's own clock missed in the switchover"),
  guestClockResolutionMs: ms.optional().describe("how far guestDowntimeMs can be from the truth"),

  phases: z.array(phase).describe("contiguous: they add up to totalMs"),
  stop: z
    .object({ stoppedMs: ms, resumedMs: ms })
    .optional()
    .describe(
      "offline and cold: when the guest's CPUs stopped at the source and ran at the destination; of a running guest's move the phases' borders say it",
    ),
  equations: z
    .object({
      tiMs: ms.describe("TI: all iterations"),
      ovMs: ms.describe("OV: everything outside the iterations"),
      dmMs: ms
        .optional()
        .describe("DM: sending the last dirty memory; absent: post-copy sends it afterwards"),
      vsMs: ms.describe("VS: sending CPU and device state"),
      dmVsFrom: z
        .enum(["traced", "estimated"])
        .optional()
        .describe("traced: QEMU's trace events; estimated: from what remained and the bandwidth"),
    })
    .optional()
    .describe("moves of a running guest: TMT = TI + OV, TDT = DM + VS (post-copy: TDT = VS)"),
  passes: z.array(
    z.object({
      pass: count,
      transferredMiB: mib,
      remainingMiB: mib,
      dirtyPagesPerSecond: z.number().nonnegative().optional(),
      atMs: ms,
    }),
  ),
  transferredMiB: mib.optional(),
  storageMiB: mib.optional().describe("of the overlay, copied to the destination's disk"),
  iterations: count.optional(),
  dirtyPagesPerSecond: z.number().nonnegative().optional(),
  throttlePercent: z.number().min(0).max(100).optional().describe("CPU throttling by auto-converge"),

  predicted: z
    .object({
      totalMs: ms,
      downtimeMs: ms,
      passes: count.describe("as `iterations` counts them; 0: its mode has none"),
      converges: z.boolean(),
      likelihood: z.number().min(0).max(1).optional().describe("that it converges"),
      range: z
        .object({ totalMs: range, downtimeMs: range, passes: range })
        .optional()
        .describe("least and most; eight of ten are expected to be within"),
      from: count.optional().describe("how many earlier records of the same hosts it follows from"),
      others: z
        .number()
        .nonnegative()
        .optional()
        .describe("with how many other moves it was to share its hosts, on average; absent: with none"),
    })
    .optional()
    .describe("what was expected before it began"),
  clock: z
    .object({ offsetMs: z.number(), uncertaintyMs: ms })
    .optional()
    .describe("destination's clock minus the source's"),
  preflight: z
    .array(z.object({ check: z.string(), verdict: z.enum(["pass", "warn", "fail"]), detail: z.string() }))
    .optional(),
  faults: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      "what is wrong with the record itself: figures that cannot be true together, or that did not fit",
    ),
});

export type MigrationRecord = z.infer<typeof recordSchema>;

/** What tells a record from all others. */
export const identityOf = ({ uuid, startedAt }: MigrationRecord): string => `${uuid} ${startedAt}`;
