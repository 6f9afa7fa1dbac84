import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { FleetHost } from "../../fleet/fleet.ts";
import { type FleetSessions, withFleet } from "../../fleet/observe.ts";
import { parseJobInfo } from "../../libvirt/job-info.ts";
import { virsh } from "../../libvirt/virsh.ts";
import { migrateArguments } from "../../migration/context/migrate-arguments.ts";
import { Witness } from "../../migration/measuring/witness.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { readRecords, resultsFile } from "../../moves/results.ts";
import { type Subject, subjectOf } from "./bench-stack.ts";
import { loadNow } from "./machine.ts";
import { project, pulumi } from "./pulumi.ts";

export const moveSampleSchema = z.object({
  arm: z.enum(["pulumi", "virsh"]),
  pair: z.int().positive(),
  from: z.string(),
  to: z.string(),
  qemuTotalMs: z.number().describe("QEMU's status setup to completed, at the source"),
  qemuDowntimeMs: z.number().describe("STOP at the source to RESUME at the destination"),
  jobElapsedMs: z.number().describe("virsh domjobinfo --completed at the destination: time elapsed"),
  jobDowntimeMs: z.number().describe("virsh domjobinfo --completed at the destination: total downtime"),
  transferredMiB: z.number().optional(),
  passes: z.number().optional(),
  moveMs: z
    .number()
    .describe("pulumi: the record's beforehandMs and totalMs; virsh: the time that `virsh migrate` took"),
  aroundMs: z.number().describe("moveMs - qemuTotalMs: what the mover itself takes"),
  wallMs: z.number().describe("pulumi: the whole of `pulumi up`; virsh: as moveMs"),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type MoveSample = z.infer<typeof moveSampleSchema>;

/** Both arms wait as long for the guest to be in its stride again, and for the listeners to be at their posts. */
export const pauseMs = 5_000;

/**
 * Moves the stack's guest to and fro, once through `pulumi up` and once with plain `virsh migrate` in each pair. Which comes first
 * changes from pair to pair (A B, B A, …), so that both go in both directions, and no drift of the machine favours one.
 */
export async function measureMoves(
  stack: string,
  pairs: number,
  onSample: (sample: MoveSample) => Promise<void>,
): Promise<void> {
  const subject = await subjectOf(stack);
  return withFleet(subject.fleet, async (sessions) => {
    let { host: from, other: to } = subject;
    for (let pair = 1; pair <= pairs; pair++) {
      const order = pair % 2 === 1 ? (["pulumi", "virsh"] as const) : (["virsh", "pulumi"] as const);
      for (const arm of order) {
        const sample = { arm, pair, ...(await observed(subject, sessions, from, to, mover[arm])) };
        await onSample(sample);
        [from, to] = [to, from];
      }
    }
    await leaveAt(subject, from);
  });
}

/** A move past Pulumi is unknown to the stack: lets it know where the guest was left. */
export async function leaveAt(subject: Subject, host: string): Promise<void> {
  await place(subject, host);
  await pulumi(["up", "--stack", subject.stack, "--yes", "--skip-preview"]);
}

/** Moves the guest; returns what it took, by its own account and on the wall's clock. */
type Mover = (
  subject: Subject,
  sessions: FleetSessions,
  from: string,
  to: string,
) => Promise<Pick<MoveSample, "moveMs" | "wallMs">>;

/** As a person does it: a line of the config, and `pulumi up`. */
const movedByPulumi: Mover = async (subject, _sessions, from, to) => {
  const { wallMs } = await pulumi(["up", "--stack", subject.stack, "--yes"]);
  const record = await lastMove(subject, from, to);
  return { moveMs: (record.beforehandMs ?? 0) + record.totalMs, wallMs };
};

/** The record of the move that was made last. Throws unless that is this one. */
export async function lastMove(
  { stack, guest }: Pick<Subject, "stack" | "guest">,
  from: string,
  to: string,
): Promise<MigrationRecord> {
  const { records } = await readRecords(join(project, resultsFile(stack)));
  const record = records.at(-1);
  if (record?.outcome !== "completed" || record.from !== from || record.to !== to) {
    throw new Error(`${guest} did not move from ${from} to ${to}: ${JSON.stringify(record)}`);
  }
  return record;
}

/** The same transfer, by hand: the command that the engine gives libvirt, over a connection that is open as the engine's is. */
const movedByVirsh: Mover = async ({ guest, uuid, fleet, options }, sessions, from, to) => {
  const destination = fleet.hosts[to] as FleetHost;
  const startedMs = performance.now();
  await virsh(
    sessions.host(from),
    `migrating guest ${guest} from ${from} to ${to}`,
    ["migrate", ...migrateArguments(options, uuid, destination)],
    { timeoutMs: options.timeoutMs ?? 600_000 },
  );
  const tookMs = performance.now() - startedMs;
  return { moveMs: tookMs, wallMs: tookMs };
};

const mover = { pulumi: movedByPulumi, virsh: movedByVirsh } as const;

/** Has the guest moved, and measures it from outside: by the same means whoever moves it. */
async function observed(subject: Subject, sessions: FleetSessions, from: string, to: string, move: Mover) {
  const { uuid, guest } = subject;
  const [source, destination] = [{ session: sessions.host(from) }, { session: sessions.host(to) }];
  // Said before either move: for `up` it is part of the config, for virsh a command of its own.
  await place(subject, to);
  await setGreatestDowntime(subject, source.session);
  const witness = new Witness({ guest, source, destination });
  try {
    await Promise.all([sleep(pauseMs), witness.begun()]);
    const [atSource, atDestination] = await Promise.all([
      source.session.readClock(),
      destination.session.readClock(),
    ]);
    const load = loadNow();
    const { moveMs, wallMs } = await move(subject, sessions, from, to);
    const job = parseJobInfo(
      (
        await virsh(destination.session, "reading the statistics of the migration", [
          "domjobinfo",
          uuid,
          "--completed",
          "--keep-completed",
        ])
      ).stdout,
    );
    await witness.stop();
    const heard = (what: string, value: number | undefined) =>
      required(`${guest} ${from} → ${to}: ${what}`, value);
    const setupAt = heard("status setup", witness.statusAt("setup"));
    const completedAt = heard("status completed", witness.statusAt("completed"));
    const stoppedMs = heard("STOP", witness.stoppedAt) * 1000 - atSource.offsetMs;
    const resumedMs = heard("RESUME", witness.resumedAt) * 1000 - atDestination.offsetMs;
    const qemuTotalMs = (completedAt - setupAt) * 1000;
    return {
      from,
      to,
      qemuTotalMs,
      qemuDowntimeMs: resumedMs - stoppedMs,
      jobElapsedMs: heard("time elapsed", job.elapsedMs),
      jobDowntimeMs: heard("total downtime", job.downtimeMs),
      transferredMiB: job.transferredMiB,
      passes: job.iteration,
      moveMs,
      aroundMs: moveMs - qemuTotalMs,
      wallMs,
      load,
    };
  } finally {
    await witness.abandon();
  }
}

async function setGreatestDowntime({ guest, uuid, options }: Subject, session: Parameters<typeof virsh>[0]) {
  if (options.maxDowntimeMs === undefined) return;
  await virsh(session, `setting the greatest downtime of guest ${guest}`, [
    "migrate-setmaxdowntime",
    uuid,
    String(options.maxDowntimeMs),
  ]);
}

const place = ({ stack, guest }: Subject, host: string) =>
  pulumi(["config", "set", "--stack", stack, "--path", `testbed:placement.${guest}`, host]);

function required<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`not heard of: ${what}`);
  return value;
}
