import { type DomainFacts, parseDomain } from "../libvirt/domain-facts.ts";
import { savePath } from "../libvirt/managed-save.ts";
import { virsh } from "../libvirt/virsh.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import type { LocalOverlay } from "./overlay.ts";

// When a guest's disk was last written to, by the files of the machine that keeps them.

/** The stamp of a file that is not there. */
export const noFile = "absent";

/** What shows whether files were written to or replaced: inode, size and last change of each, read on the machine that has them. */
export async function stampOf(session: SshSession, paths: readonly string[]): Promise<string> {
  // %.Y: to the nanosecond.
  const words = paths.map((path) => `{ stat -c '%i %s %.Y' ${quote(path)} 2>/dev/null || echo ${noFile}; }`);
  const { stdout } = await session.run("seeing when the guest's disk was last written to", words.join("; "));
  return stdout.trim().split("\n").join(", ");
}

/** The files that a guest writes to, as a host defines it. */
export const disksOf = async (guest: string, uuid: string, session: SshSession): Promise<string[]> =>
  writtenBy(await definitionOf(guest, uuid, session));

async function definitionOf(guest: string, uuid: string, session: SshSession): Promise<DomainFacts> {
  const { stdout } = await virsh(session, `reading which disks guest ${guest} has`, ["dumpxml", uuid]);
  return parseDomain(stdout);
}

const writtenBy = ({ disks }: DomainFacts): string[] =>
  disks.flatMap(({ path, isReadOnly }) => (path === undefined || isReadOnly ? [] : [path]));

/** A guest that someone started needs longer than this until it writes; the file system's clock ticks more often. */
export const startsWithinMs = 500;

/** By how much one machine's files were written to after another's, as far as their clocks tell for sure; undefined: not for sure. */
export async function laterMs(
  [one, stamp]: readonly [SshSession, string],
  [other, otherStamp]: readonly [SshSession, string],
): Promise<number | undefined> {
  const [clock, otherClock] = await Promise.all([one.readClock(), other.readClock()]);
  const differenceMs = newestMs(stamp) - clock.offsetMs - (newestMs(otherStamp) - otherClock.offsetMs);
  const surelyMs = Math.abs(differenceMs) - clock.uncertaintyMs - otherClock.uncertaintyMs;
  // NaN where a file is not there.
  return surelyMs > 0 ? Math.sign(differenceMs) * surelyMs : undefined;
}

/** The last change that stamps tell of, on the wall clock of the machine that has the files. */
const newestMs = (stamp: string): number =>
  Math.max(...stamp.split(", ").map((each) => Number(each.split(" ")[2]) * 1000));

/**
 * Whether a memory that a person saved on a host, from which libvirt would start the guest there, is surely older than its disk. libvirt
 * keeps it by the name that the guest has there, which a person may have changed.
 */
export async function isSaveStale(
  {
    guest,
    uuid,
    storage,
    localOverlay,
  }: { guest: string; uuid: string; storage: SshSession; localOverlay?: LocalOverlay },
  host: SshSession,
): Promise<boolean> {
  const keeper = localOverlay ? host : storage;
  const defined = await definitionOf(guest, uuid, host);
  const paths = localOverlay ? [localOverlay.path] : writtenBy(defined);
  const [disk, saved] = await Promise.all([
    stampOf(keeper, paths),
    stampOf(host, [savePath(defined.name ?? guest)]),
  ]);
  const afterMs = await laterMs([keeper, disk], [host, saved]);
  return afterMs !== undefined && afterMs > startsWithinMs;
}
