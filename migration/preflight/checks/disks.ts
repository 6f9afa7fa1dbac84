import { howToMerge } from "../../../domain/by-hand.ts";
import type { DiskFacts, DomainFacts } from "../../../libvirt/domain-facts.ts";
import { systemDisk } from "../../../libvirt/domain-xml.ts";
import type { FileFacts } from "../../../libvirt/survey.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

export type Files = Readonly<Record<string, FileFacts>>;

/** The host's files for the guest's disks and firmware; for a disk that moves along, those it lies over. */
function filesOf({ disks, firmware = [], nvram }: DomainFacts, movesAlong: string | undefined): string[] {
  const places = disks.flatMap((disk) => [disk, ...(disk.backing ? [disk.backing] : [])]);
  const paths = places.flatMap(({ path, server }) =>
    path === undefined || server !== undefined || path === movesAlong ? [] : [path],
  );
  return [...new Set([...paths, ...firmware, ...(nvram === undefined ? [] : [nvram])])];
}

/** What is wrong with a disk at the destination, in words. */
function obstacle(
  disk: DiskFacts,
  [source, here]: readonly [string, Files],
  [destination, there]: readonly [string, Files],
  movesAlong: string | undefined,
): string | undefined {
  if (disk.other !== undefined) {
    return disk.isRemote ? undefined : `${disk.other} is ${source}'s own`;
  }
  for (const place of [disk, ...(disk.backing ? [disk.backing] : [])]) {
    const { path, server } = place;
    if (path === undefined || server !== undefined || path === movesAlong) continue;
    const [atSource, atDestination] = [here[path], there[path]];
    if (!atDestination) return `${path} is not on ${destination}`;
    const isSame =
      atSource !== undefined &&
      (atSource.inode === atDestination.inode ||
        // If nobody writes to it, a copy is as good.
        ((disk.isReadOnly || place !== disk) &&
          atSource.bytes === atDestination.bytes &&
          atSource.fingerprint === atDestination.fingerprint));
    if (!isSame) return `${path} on ${destination} is another file than on ${source}`;
    const writes = place === disk && !disk.isReadOnly;
    if (writes && atDestination.access !== "writable") {
      return `${path} cannot be written to on ${destination} by QEMU's user: ${atDestination.access}`;
    }
  }
  return undefined;
}

/** Whether every disk of the guest is at the destination: the running ones, and those of its next start. */
function diskCheck(
  guest: string,
  source: readonly [string, Files],
  destination: readonly [string, Files],
  domains: readonly DomainFacts[],
  movesAlong?: string,
): Check {
  const disks = domains.flatMap((domain) => domain.disks);
  const bad = disks
    .map((disk) => ({ disk, why: obstacle(disk, source, destination, movesAlong) }))
    .find(({ why }) => why !== undefined);
  if (bad) {
    const { disk, why } = bad;
    if (disk.target === systemDisk) {
      const reason = `the guest's own disk would not be the same one there: ${why}`;
      return failed("disks", `${reason}. Where that is a snapshot's file, ${howToMerge(guest)}`);
    }
    const fix = disk.isReadOnly
      ? `eject it (virsh change-media ${guest} ${disk.target} --eject --live --config) or detach it (virsh detach-disk ${guest} ${disk.target} --live --config)`
      : `detach it (virsh detach-disk ${guest} ${disk.target} --live --config)`;
    return failed(
      "disks",
      `disk ${disk.target} would not be the same one there: ${why}. Put it on storage that both hosts mount, or ${fix}`,
    );
  }
  const remote = disks.find(({ isRemote }) => isRemote);
  return remote
    ? warned(
        "disks",
        `whether ${destination[0]} reaches ${remote.other} (disk ${remote.target}) was not asked`,
      )
    : passed("disks", `${destination[0]} has all that the guest's definition names`);
}

export const disks: PreflightCheck = {
  asksThen: ({ request }, definitions) => {
    const paths = [...new Set(definitions.flatMap((each) => filesOf(each, request.localOverlay?.path)))];
    return { source: [{ ask: "files", paths }], destination: [{ ask: "files", paths }] };
  },
  judge: ({ request, source, destination, atSource, atDestination, definitions }) =>
    diskCheck(
      request.guest,
      [source.name, atSource.files ?? {}],
      [destination.name, atDestination.files ?? {}],
      definitions,
      request.localOverlay?.path,
    ),
};
