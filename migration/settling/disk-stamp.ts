import { writeIntent } from "../../fleet/intent.ts";
import { stateFilePath } from "../../fleet/state-file.ts";
import { parseDomain } from "../../libvirt/domain-facts.ts";
import { savePath } from "../../libvirt/managed-save.ts";
import { quote, type SshSession } from "../../libvirt/ssh-session.ts";
import { virsh } from "../../libvirt/virsh.ts";
import type { Moving } from "../context/moving.ts";

// A memory that was saved, and a redo log that was copied, are worth something only for the disk as it was then.

const absent = "absent";

/** What shows whether files were written to or replaced: inode, size and time of the last change of each, as the machine has them that keeps them. */
async function stampOf(session: SshSession, paths: readonly string[]): Promise<string> {
  // %.Y: to the nanosecond.
  const words = paths.map((path) => `{ stat -c '%i %s %.Y' ${quote(path)} 2>/dev/null || echo ${absent}; }`);
  const { stdout } = await session.run("seeing when the guest's disk was last written to", words.join("; "));
  return stdout.trim().split("\n").join(", ");
}

/** The machine that has the disk: the storage host, unless the redo log is the host's own on which the guest is. */
const keeperOf = ({ storage, redo, ...ends }: Moving, at: "source" | "destination"): SshSession =>
  redo ? ends[at].session : storage;

/** The files that the guest writes to, as it is defined at the source. */
export const writtenFiles = async ({ guest, uuid, source, redo }: Moving): Promise<string[]> =>
  redo ? [redo.path] : disksOf(guest, uuid, source.session);

async function disksOf(guest: string, uuid: string, session: SshSession): Promise<string[]> {
  const { stdout } = await virsh(session, `reading which disks guest ${guest} has`, ["dumpxml", uuid]);
  return parseDomain(stdout).disks.flatMap(({ path, isReadOnly }) =>
    path === undefined || isReadOnly ? [] : [path],
  );
}

/** The files' stamp at one end. */
export const diskStamp = (
  moving: Moving,
  at: "source" | "destination",
  paths: readonly string[],
): Promise<string> => stampOf(keeperOf(moving, at), paths);

/** Which ends' disks were written to since they were noted; absent: it was not noted, or is gone. */
export async function writtenSince(moving: Moving): Promise<{ source?: boolean; destination?: boolean }> {
  const { disk } = moving.intent;
  if (!disk) return {};
  const compared = async (at: "source" | "destination") => {
    if (disk[at] === undefined) return {};
    const stamp = await diskStamp(moving, at, disk.paths);
    return stamp === absent ? {} : { [at]: stamp !== disk[at] };
  };
  return Object.assign({}, ...(await Promise.all([compared("source"), compared("destination")])));
}

/** Notes which disk a saved memory belongs to, before anything is made of it. */
export async function noteDisk(moving: Moving, paths: string[], source?: string): Promise<void> {
  const disk = { paths, source: source ?? (await diskStamp(moving, "source", paths)) };
  moving.intent = { ...moving.intent, disk };
  await writeIntent(moving.storage, moving.intentFile, moving.intent);
}

/** A guest that someone started needs longer than this until it writes; the file system's clock ticks more often. */
const startsWithinMs = 500;

/**
 * The same for a run that died between the save and the note: if by the machines' clocks the disk was written to after the memory was saved, it
 * is noted as one that the memory does not fit.
 */
export async function noteDiskLate(moving: Moving): Promise<void> {
  const paths = await writtenFiles(moving);
  const keeper = keeperOf(moving, "source");
  const [stamp, saved] = await Promise.all([
    diskStamp(moving, "source", paths),
    stampOf(moving.source.session, [stateFilePath(moving.uuid)]),
  ]);
  const afterMs = await laterMs([keeper, stamp], [moving.source.session, saved]);
  await noteDisk(
    moving,
    paths,
    afterMs !== undefined && afterMs > startsWithinMs ? `later than its memory: ${stamp}` : stamp,
  );
}

/** By how much one machine's files were written to after another's, as far as their clocks tell for sure; undefined: not for sure. */
async function laterMs(
  [one, stamp]: readonly [SshSession, string],
  [other, otherStamp]: readonly [SshSession, string],
): Promise<number | undefined> {
  const [clock, otherClock] = await Promise.all([one.readClock(), other.readClock()]);
  const differenceMs = newestMs(stamp) - clock.offsetMs - (newestMs(otherStamp) - otherClock.offsetMs);
  const surelyMs = Math.abs(differenceMs) - clock.uncertaintyMs - otherClock.uncertaintyMs;
  // NaN where one of the files is not there.
  return surelyMs > 0 ? Math.sign(differenceMs) * surelyMs : undefined;
}

/** The last change that stamps tell of, on the wall clock of the machine that has the files. */
const newestMs = (stamp: string): number =>
  Math.max(...stamp.split(", ").map((each) => Number(each.split(" ")[2] ?? 0) * 1000));

/** At which end a redo log that both have was written to last; where they do not differ by more than a mirror of one may, it is not said. */
export async function lastWritten(moving: Moving): Promise<{ newerRedo?: "source" | "destination" }> {
  const paths = await writtenFiles(moving);
  const [source, destination] = await Promise.all([
    diskStamp(moving, "source", paths),
    diskStamp(moving, "destination", paths),
  ]);
  const afterMs = await laterMs([moving.source.session, source], [moving.destination.session, destination]);
  if (afterMs === undefined || Math.abs(afterMs) < startsWithinMs) return {};
  return { newerRedo: afterMs > 0 ? "source" : "destination" };
}

/** Whether a memory that a person saved on a host, from which libvirt would start the guest there, is older than its disk. */
export async function isSaveStale(
  { guest, uuid, storage, redo }: Pick<Moving, "guest" | "uuid" | "storage" | "redo">,
  host: SshSession,
): Promise<boolean> {
  const keeper = redo ? host : storage;
  const paths = redo ? [redo.path] : await disksOf(guest, uuid, host);
  const [disk, saved] = await Promise.all([stampOf(keeper, paths), stampOf(host, [savePath(guest)])]);
  const afterMs = await laterMs([keeper, disk], [host, saved]);
  return afterMs !== undefined && afterMs > startsWithinMs;
}

/** Notes a copy of a redo log, and what it is a copy of, before anything can be made of it. */
export async function noteCopy(moving: Moving, path: string, source: string): Promise<void> {
  const destination = await diskStamp(moving, "destination", [path]);
  moving.intent = { ...moving.intent, disk: { paths: [path], source, destination } };
  await writeIntent(moving.storage, moving.intentFile, moving.intent);
}
