import { makeOverlay, overlayBytes } from "../../fleet/overlay.ts";
import { hasPart } from "../../fleet/whereabouts.ts";
import type { JobInfo } from "../../libvirt/job-info.ts";
import { migrationError } from "../../libvirt/migration-error.ts";
import { type LogEnd, startTrace } from "../../libvirt/qemu-trace.ts";
import { sight } from "../../libvirt/sighting.ts";
import { virsh } from "../../libvirt/virsh.ts";
import { defaultOnTimeout } from "../../moves/options.ts";
import { CommandFailed } from "../../ssh/errors.ts";
import { migrateArguments } from "../context/migrate-arguments.ts";
import { type Endpoint, type Moving, overlayOf } from "../context/moving.ts";
import type { Witness } from "../measuring/witness.ts";
import { followProgress } from "../watching/job-progress.ts";
import { type Watched, Watcher } from "../watching/watcher.ts";

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

/** What a transfer gets apart from the move. */
export interface TransferMeans {
  witness: Pick<Witness, "onSource">;
  /** What it may send now, as other moves come and go. Absent: no limit. */
  shareMiBps?: Watched["shareMiBps"];
  /** Absent: it is not to turn to post-copy by itself. */
  postcopyDueInMs?: Watched["postcopyDueInMs"];
  /** Is told what libvirt says of the running job, about once a second. */
  onJob?: (job: JobInfo) => void;
}

/**
 * Has libvirt migrate a running guest, telling once a second how far it is. Throws CommandFailed when libvirt gives up, when the time
 * is over or when the move is cancelled; unless post-copy has begun, the guest then still runs at the source.
 */
export async function transfer(
  moving: Moving,
  { witness, shareMiBps, postcopyDueInMs, onJob }: TransferMeans,
): Promise<void> {
  const { guest, uuid, source, destination, timeoutMs, options, cancelled } = moving;
  const { onTimeout = defaultOnTimeout } = options;
  cancelled.throwIfAborted();
  if (moving.localOverlay) await makeTarget(moving);
  const watcher = new Watcher(moving, { unfinished: "not done", onTimeout, postcopyDueInMs, shareMiBps });
  const limited = shareMiBps ? { ...options, bandwidthMiBps: watcher.limitMiBps } : options;
  const ignore = witness.onSource((event) => watcher.hears(event));
  const progress = followProgress(moving, (job) => {
    watcher.sees(job);
    if (job) onJob?.(job);
  });
  try {
    await watcher.during(() =>
      virsh(
        source.session,
        `migrating guest ${guest} from ${source.name} to ${destination.name}`,
        ["migrate", ...migrateArguments(limited, uuid, destination.host, moving.localOverlay !== undefined)],
        {
          // The watcher ends the move; this is for a libvirtd that does not even answer to that. Bringing a pre-copy to its end needs time,
          // and a post-copy that has begun takes as long as it takes.
          timeoutMs: (onTimeout === "abort" ? timeoutMs : 2 * timeoutMs) + 60_000,
          getsMoreTime: () => isInPostcopy(moving),
        },
      ),
    );
  } catch (error) {
    throw error instanceof CommandFailed ? await explained(error, moving) : error;
  } finally {
    ignore();
    await progress.stop();
  }
}

/**
 * Adds what the source's QEMU and the two libvirtds said: which of them failed, and why, does not always reach virsh, which then only tells
 * that a connection has ended.
 */
async function explained(error: CommandFailed, { uuid, source, destination }: Moving): Promise<Error> {
  const journal = `journalctl --quiet --no-pager --unit libvirtd --since -${journalOfSeconds}s --priority err --output cat`;
  const ofQemu = async () => {
    const said = await migrationError(source.session, uuid);
    return said === undefined || error.message.includes(said) ? [] : [`${source.name}: QEMU: ${said}`];
  };
  const ofLibvirtd = async ({ name, session }: Endpoint) => {
    const { stdout } = await session.run("reading what libvirtd said", journal, { allowFailure: true });
    const lines = stdout.split("\n").filter((line) => line && !/^End of file while reading/.test(line));
    return lines.slice(-2).map((line) => `${name}: ${line}`);
  };
  const said = await Promise.all([ofQemu(), ofLibvirtd(destination), ofLibvirtd(source)]).catch(() => []);
  const more = said.flat();
  return more.length === 0 ? error : new Error(`${error.message} (${more.join("; ")})`, { cause: error });
}

const journalOfSeconds = 15;

/** By libvirt's own word: that a pre-copy was to turn to post-copy does not say that it did. */
async function isInPostcopy({ uuid, source, intent }: Moving): Promise<boolean> {
  return intent.now.phase === "postcopy" && hasPart(await sight(source.session, uuid));
}

/** Makes the empty overlay into which libvirt copies that of a running guest. */
async function makeTarget(moving: Moving): Promise<void> {
  const overlay = overlayOf(moving);
  await makeOverlay(moving.destination.session, overlay, await overlayBytes(moving.source.session, overlay));
}
