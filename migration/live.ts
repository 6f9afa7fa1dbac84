import { type JobInfo, parseJobInfo } from "../libvirt/job-info.ts";
import { readTrace, startTrace, type TraceEvent } from "../libvirt/qemu-trace.ts";
import { virsh, virshCommand } from "../libvirt/virsh.ts";
import type { Moving } from "./moving.ts";
import type { MigrationOptions } from "./request.ts";

/** The virsh arguments of a pre-copy migration, without the guest and the destination. */
export function liveArguments(options: MigrationOptions, peerAddress: string): string[] {
  return [
    "--live",
    // Driven by the source's libvirtd: it goes on, or is undone, even when this program and its connection die.
    "--p2p",
    "--persistent",
    "--undefinesource",
    "--migrateuri",
    `tcp://${peerAddress}${options.port === undefined ? "" : `:${options.port}`}`,
    ...(options.bandwidthMiBps === undefined ? [] : ["--bandwidth", String(options.bandwidthMiBps)]),
  ];
}

/**
 * What a pre-copy needs before it begins, and what moves nothing yet: QEMU's trace, the greatest downtime. Returns where the source's
 * log ended before the trace.
 */
export async function prepare(
  { guest, uuid, source: { session } }: Moving,
  { maxDowntimeMs }: MigrationOptions,
): Promise<number> {
  const [logEnd] = await Promise.all([
    startTrace(session, guest, uuid),
    maxDowntimeMs !== undefined &&
      virsh(session, `setting the greatest downtime of guest ${guest}`, [
        "migrate-setmaxdowntime",
        uuid,
        String(maxDowntimeMs),
      ]),
  ]);
  return logEnd;
}

/**
 * Moves a running guest by pre-copy, telling once a second how far it is. Throws CommandFailed when libvirt gives up, or when the time
 * is over; the guest then still runs at the source.
 */
export async function transfer(moving: Moving, options: MigrationOptions): Promise<void> {
  const { guest, uuid, source, destination, tell, timeoutMs } = moving;
  const progress = followProgress(moving);
  let gaveUp: string | undefined;
  const deadline = setTimeout(() => {
    gaveUp = `not done after ${timeoutMs / 1000} s (migration.timeoutMs); giving up, it stays on ${source.name}`;
    tell(`${guest}: ${gaveUp}`);
    void abort(moving);
  }, timeoutMs);
  try {
    const peer = destination.host.peerAddress;
    await virsh(
      source.session,
      `migrating guest ${guest} from ${source.name} to ${destination.name}`,
      ["migrate", ...liveArguments(options, peer), uuid, `qemu+ssh://root@${peer}/system`],
      // The deadline above ends the move; this is for a libvirtd that does not even answer to that.
      { timeoutMs: timeoutMs + 60_000 },
    );
  } catch (error) {
    throw gaveUp === undefined ? error : new Error(gaveUp, { cause: error });
  } finally {
    clearTimeout(deadline);
    await progress.stop();
  }
}

/** What QEMU and libvirt tell of a pre-copy once it is done. */
export interface Statistics {
  /** From the source's QEMU. */
  trace: TraceEvent[];
  /** libvirt's, read at the destination; absent when it keeps none. */
  job?: JobInfo;
}

/** @param logEnd where the source's log ended before the move, from `prepare` */
export async function readStatistics(
  { guest, uuid, source, destination }: Moving,
  logEnd: number,
): Promise<Statistics> {
  const [trace, job] = await Promise.all([
    readTrace(source.session, guest, logEnd),
    virsh(
      destination.session,
      "reading the statistics of the migration",
      ["domjobinfo", uuid, "--completed", "--keep-completed"],
      { allowFailure: true },
    ),
  ]);
  return { trace, ...(job.exitCode === 0 && { job: parseJobInfo(job.stdout) }) };
}

/** Cancels the running job; the guest goes on at the source. */
async function abort({ guest, uuid, source }: Moving): Promise<void> {
  await virsh(source.session, `cancelling the migration of guest ${guest}`, ["domjobabort", uuid], {
    allowFailure: true,
  });
}

function followProgress({ guest, uuid, source, destination, tell }: Moving) {
  const look = `while sleep 0.9; do ${virshCommand(["domjobinfo", uuid])} 2>/dev/null; echo --; done`;
  const startedMs = performance.now();
  let printed: string[] = [];
  let begun = false;
  return source.session.follow(look, (line) => {
    if (line !== "--") {
      printed.push(line);
      return;
    }
    const job = parseJobInfo(printed.join("\n"));
    printed = [];
    // Once it has begun, a job without figures is one that has just ended.
    if (begun && job.remainingMiB === undefined) return;
    begun = job.remainingMiB !== undefined;
    tell(
      `${guest}: ${source.name} → ${destination.name}, ${progressText(job, performance.now() - startedMs)}`,
    );
  });
}

/** Such as `2.7 s, pass 1, 412 MiB remaining at 83.5 MiB/s`. */
export function progressText(job: JobInfo, elapsedMs: number): string {
  const elapsed = `${(elapsedMs / 1000).toFixed(1)} s`;
  if (job.remainingMiB === undefined) return `${elapsed}, connecting`;
  const rate = job.bandwidthMiBps === undefined ? "" : ` at ${job.bandwidthMiBps.toFixed(1)} MiB/s`;
  return `${elapsed}, pass ${job.iteration ?? 1}, ${job.remainingMiB.toFixed(0)} MiB remaining${rate}`;
}
