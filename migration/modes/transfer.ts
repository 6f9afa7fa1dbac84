import { setTimeout as sleep } from "node:timers/promises";
import { makeRedo, redoBytes } from "../../fleet/redo-log.ts";
import { hasPart } from "../../fleet/whereabouts.ts";
import { CommandFailed } from "../../libvirt/errors.ts";
import { type JobInfo, parseJobInfo } from "../../libvirt/job-info.ts";
import { type LogEnd, startTrace } from "../../libvirt/qemu-trace.ts";
import { sight } from "../../libvirt/sighting.ts";
import { virsh, virshCommand } from "../../libvirt/virsh.ts";
import { migrateArguments } from "../context/migrate-arguments.ts";
import { type Moving, redoOf } from "../context/moving.ts";
import { turnToPostcopy } from "./turn-to-postcopy.ts";

// What all moves of a running guest have in common: libvirt's own migration, and what is told about it.

/**
 * What it needs before it begins, and what moves nothing yet: QEMU's trace, the greatest downtime. Returns where the source's log ended
 * before the trace.
 */
export async function prepareTransfer({
  guest,
  uuid,
  source: { session },
  options: { maxDowntimeMs },
}: Moving): Promise<LogEnd> {
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
 * Has libvirt migrate a running guest, telling once a second how far it is. Throws CommandFailed when libvirt gives up, when the time
 * is over or when the move is cancelled; unless post-copy has begun, the guest then still runs at the source.
 *
 * @param onJob is told what libvirt says of the running job, once a second
 */
export async function transfer(moving: Moving, onJob: (job: JobInfo) => void = () => {}): Promise<void> {
  const { guest, uuid, source, destination, tell, timeoutMs, options, cancelled } = moving;
  cancelled.throwIfAborted();
  if (moving.redo) await makeTarget(moving);
  const { promise: lost, reject: loses } = Promise.withResolvers<never>();
  const progress = followProgress(moving, onJob, () => {
    lossOf(moving).then(
      (why) => why && loses(new Error(why)),
      () => {}, // the source does not answer: virsh will say so
    );
  });
  const over = `not done after ${timeoutMs / 1000} s (migration.timeoutMs)`;
  let gaveUp: string | undefined;
  let ended = false;
  const giveUp = async (why = over) => {
    gaveUp ??= `${why}; giving up, it stays on ${source.name}`;
    tell(`${guest}: ${gaveUp}`);
    await abortJob(moving, () => ended);
  };
  const onCancel = () => {
    const why = (cancelled.reason as Error).message;
    if (moving.intent.phase === "postcopy") tell(`${guest}: ${why}; in post-copy there is no way back`);
    else giveUp(why).catch(() => {});
  };
  cancelled.addEventListener("abort", onCancel);
  const atDeadline = async () => {
    if (moving.intent.phase === "postcopy") {
      tell(`${guest}: ${over}; in post-copy there is no way back`);
    } else if (options.onTimeout === "postcopy") {
      tell(`${guest}: ${over}; turning to post-copy`);
      if (!(await turnToPostcopy(moving))) await giveUp();
    } else if (options.onTimeout === "suspend") {
      tell(`${guest}: ${over}; pausing it until it is on ${destination.name}`);
      await virsh(source.session, `pausing guest ${guest}`, ["suspend", uuid], { allowFailure: true });
    } else await giveUp();
  };
  const deadline = setTimeout(() => {
    atDeadline().catch((error: unknown) => {
      tell(`${guest}: ${(error as Error).message}`);
      giveUp().catch(() => {});
    });
  }, timeoutMs);
  // A pre-copy that is brought to its end needs time for that.
  const patienceMs = (options.onTimeout ?? "abort") === "abort" ? timeoutMs : 2 * timeoutMs;
  try {
    const migrated = virsh(
      source.session,
      `migrating guest ${guest} from ${source.name} to ${destination.name}`,
      ["migrate", ...migrateArguments(options, uuid, destination.host, moving.redo !== undefined)],
      // The deadline above ends the move; this is for a libvirtd that does not even answer to that. What has begun to go by post-copy
      // takes its time.
      { timeoutMs: patienceMs + 60_000, getsMoreTime: () => isInPostcopy(moving) },
    );
    await Promise.race([migrated, lost]);
  } catch (error) {
    if (gaveUp !== undefined) throw new Error(gaveUp, { cause: error });
    throw error instanceof CommandFailed ? await explained(error, moving) : error;
  } finally {
    ended = true;
    clearTimeout(deadline);
    cancelled.removeEventListener("abort", onCancel);
    await progress.stop();
  }
}

/**
 * Adds what the two libvirtds said meanwhile: which of them failed, and why, does not always reach virsh, which then only tells that a
 * connection has ended.
 */
async function explained(error: CommandFailed, { source, destination }: Moving): Promise<Error> {
  const journal = `journalctl --quiet --no-pager --unit libvirtd --since -${journalOfSeconds}s --priority err --output cat`;
  const said = await Promise.all(
    [destination, source].map(async ({ name, session }) => {
      const { stdout } = await session.run("reading what libvirtd said", journal, { allowFailure: true });
      const lines = stdout.split("\n").filter((line) => line && !/^End of file while reading/.test(line));
      return lines.slice(-2).map((line) => `${name}: ${line}`);
    }),
  ).catch(() => []);
  const more = said.flat();
  return more.length === 0 ? error : new Error(`${error.message} (${more.join("; ")})`, { cause: error });
}

const journalOfSeconds = 15;

/** Cancels the job, again and again until it has ended: it may not have begun yet. The guest goes on at the source. */
export async function abortJob(moving: Moving, hasEnded: () => boolean): Promise<void> {
  while (!hasEnded()) {
    await abort(moving);
    await sleep(500);
  }
}

/** Cancels the running job; the guest goes on at the source. */
export async function abort({ guest, uuid, source }: Moving): Promise<void> {
  await virsh(source.session, `cancelling the migration of guest ${guest}`, ["domjobabort", uuid], {
    allowFailure: true,
  });
}

/**
 * What was lost in the middle of a post-copy that libvirt still waits for; undefined: nothing. libvirt 9.0 at the destination waits
 * without end for the rest of a memory whose QEMU at the source is dead.
 */
async function lossOf({ guest, uuid, source, intent }: Moving): Promise<string | undefined> {
  if (intent.phase !== "postcopy") return undefined;
  const { state } = await sight(source.session, uuid);
  return state === "inactive" || state === "absent"
    ? `guest ${guest} is off on ${source.name}, and a part of its memory was still there`
    : undefined;
}

/** By libvirt's own word: that a pre-copy was to turn to post-copy does not say that it did. */
async function isInPostcopy({ uuid, source, intent }: Moving): Promise<boolean> {
  return intent.phase === "postcopy" && hasPart(await sight(source.session, uuid));
}

/** How many times in turn libvirt may have no job at the source until something may be wrong: it has ended, and virsh is about to return. */
const silentLooks = 15;

/**
 * @param onJob is told what libvirt says of the running job, about once a second
 * @param onSilence is called about once a second when it has said nothing of any for some time
 */
function followProgress(
  { guest, uuid, source, destination, tell }: Moving,
  onJob: (job: JobInfo) => void,
  onSilence: () => void,
) {
  const look = `while sleep 0.9; do ${virshCommand(["domjobinfo", uuid])} 2>/dev/null; echo --; done`;
  const startedMs = performance.now();
  let printed: string[] = [];
  let begun = false;
  let silent = 0;
  return source.session.follow(look, (line) => {
    if (line !== "--") {
      printed.push(line);
      return;
    }
    const job = parseJobInfo(printed.join("\n"));
    printed = [];
    // Once it has begun, a job without figures is one that has just ended.
    const known = (job.remainingMiB ?? job.storageRemainingMiB) !== undefined;
    silent = known ? 0 : silent + 1;
    if (silent >= silentLooks) onSilence();
    if (begun && !known) return;
    begun = known;
    tell(
      `${guest}: ${source.name} → ${destination.name}, ${progressText(job, performance.now() - startedMs)}`,
    );
    onJob(job);
  });
}

/** Such as `2.7 s, pass 1, 412 MiB remaining at 83.5 MiB/s`. */
export function progressText(job: JobInfo, elapsedMs: number): string {
  const elapsed = `${(elapsedMs / 1000).toFixed(1)} s`;
  const storage =
    job.storageRemainingMiB === undefined
      ? ""
      : `, storage, ${job.storageRemainingMiB.toFixed(0)} MiB remaining`;
  if (!job.remainingMiB && job.storageRemainingMiB) return `${elapsed}${storage}`;
  if (job.remainingMiB === undefined) return `${elapsed}, connecting`;
  const rate = job.bandwidthMiBps === undefined ? "" : ` at ${job.bandwidthMiBps.toFixed(1)} MiB/s`;
  return `${elapsed}, pass ${job.iteration ?? 1}, ${job.remainingMiB.toFixed(0)} MiB remaining${rate}`;
}

/** Makes the empty redo log into which libvirt copies that of a running guest. */
export async function makeTarget(moving: Moving): Promise<void> {
  const redo = redoOf(moving);
  await makeRedo(moving.destination.session, redo, await redoBytes(moving.source.session, redo));
}
