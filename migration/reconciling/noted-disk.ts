import { disksOf, laterMs, noFile, stampOf, startsWithinMs } from "../../fleet/disk-stamp.ts";
import { stateFilePath } from "../../fleet/state-file.ts";
import { CommandFailed } from "../../ssh/errors.ts";
import type { SshSession } from "../../ssh/session.ts";
import type { Moving } from "../context/moving.ts";

// A memory that was saved, and an overlay that was copied, are worth something only for the disk as it was then.

/** The machine that has the disk: the storage host, unless the overlay is on the guest's own host. */
const keeperOf = ({ storage, localOverlay, ...ends }: Moving, at: "source" | "destination"): SshSession =>
  localOverlay ? ends[at].session : storage;

/** The files that the guest writes to, as it is defined at the source. */
export const writtenFiles = async ({ guest, uuid, source, localOverlay }: Moving): Promise<string[]> =>
  localOverlay ? [localOverlay.path] : disksOf(guest, uuid, source.session);

/** The files' stamp at one endpoint. */
export const diskStamp = (
  moving: Moving,
  at: "source" | "destination",
  paths: readonly string[],
): Promise<string> => stampOf(keeperOf(moving, at), paths);

/**
 * Which endpoints' disks were written to since they were noted; absent: it was not noted, or is gone. A guest that is defined with other
 * files by now, as after a snapshot that a person made, is taken to have written to them.
 */
export async function writtenSince(moving: Moving): Promise<{ source?: boolean; destination?: boolean }> {
  const { disk } = moving.intent.now;
  if (!disk) return {};
  const compared = async (at: "source" | "destination") => {
    if (disk[at] === undefined) return {};
    const [stamp, files] = await Promise.all([
      diskStamp(moving, at, disk.paths),
      at === "source" && moving.isLeft ? filesNow(moving) : disk.paths,
    ]);
    if (files.toSorted().join() !== disk.paths.toSorted().join()) return { [at]: true };
    return stamp === noFile ? {} : { [at]: stamp !== disk[at] };
  };
  return Object.assign({}, ...(await Promise.all([compared("source"), compared("destination")])));
}

/** What it is defined with at the source; if it is not any more, what was noted. */
const filesNow = ({ guest, uuid, source, intent }: Moving): Promise<readonly string[]> =>
  disksOf(guest, uuid, source.session).catch((error: unknown) => {
    if (error instanceof CommandFailed) return intent.now.disk?.paths ?? [];
    throw error;
  });

/** Notes which disk a saved memory belongs to, before anything is made of it. */
export async function noteDisk(moving: Moving, paths: string[], source?: string): Promise<void> {
  await moving.intent.note({
    disk: { paths, source: source ?? (await diskStamp(moving, "source", paths)) },
  });
}

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

/** The endpoint whose overlay was written to last; absent if the two differ by no more than a mirror may. */
export async function lastWritten(moving: Moving): Promise<{ newerOverlay?: "source" | "destination" }> {
  const paths = await writtenFiles(moving);
  const [source, destination] = await Promise.all([
    diskStamp(moving, "source", paths),
    diskStamp(moving, "destination", paths),
  ]);
  const afterMs = await laterMs([moving.source.session, source], [moving.destination.session, destination]);
  if (afterMs === undefined || Math.abs(afterMs) < startsWithinMs) return {};
  return { newerOverlay: afterMs > 0 ? "source" : "destination" };
}

/** Notes a copy of an overlay, and what it is a copy of, before anything can be made of it. */
export async function noteCopy(moving: Moving, path: string, source: string): Promise<void> {
  const destination = await diskStamp(moving, "destination", [path]);
  await moving.intent.note({ disk: { paths: [path], source, destination } });
}
