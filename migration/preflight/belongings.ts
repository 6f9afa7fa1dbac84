import { howToMerge } from "../../domain/by-hand.ts";
import type { Belongings } from "../../libvirt/belongings.ts";
import type { DiskFacts, DomainFacts } from "../../libvirt/domain-facts.ts";
import { systemDisk } from "../../libvirt/domain-xml.ts";
import { savePath } from "../../libvirt/managed-save.ts";
import type { FileFacts, Survey } from "../../libvirt/survey.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

// What a person, or a backup program, may have added to a guest since it was made.

/** libvirt moves no guest of which it knows snapshots or checkpoints: what it knows stays behind with a definition. */
function snapshotCheck(
  guest: string,
  source: string,
  { snapshots, checkpoints }: Pick<Belongings, "snapshots" | "checkpoints">,
): Check {
  const all = [
    ...snapshots.map((name) => `snapshot ${name}`),
    ...checkpoints.map((name) => `checkpoint ${name}`),
  ];
  const kind = snapshots.length > 0 ? "snapshot" : "checkpoint";
  const [first] = snapshots.length > 0 ? snapshots : checkpoints;
  return all.length === 0
    ? passed("snapshots", "libvirt knows of none, and of no checkpoint")
    : failed(
        "snapshots",
        `${guest} has ${all.join(", ")} on ${source}, which cannot move along: remove what is not needed any more (virsh ${kind}-delete ${guest} ${first}; ` +
          "with --metadata the data stays in the image, and libvirt alone forgets it)",
      );
}

/** A saved memory has the guest's name: that host's next start loads it, whatever the disk has become. */
function savedMemoryCheck(
  guest: string,
  [source, isSaved]: readonly [string, boolean],
  [destination, isNameSaved]: readonly [string, boolean],
): Check {
  const hosts = [...(isSaved ? [source] : []), ...(isNameSaved ? [destination] : [])];
  return hosts.length === 0
    ? passed("saved memory", "neither host has one of the guest")
    : failed(
        "saved memory",
        `${hosts.join(" and ")} has an old saved memory of ${guest}, which a later start there would load onto a newer disk: remove it ` +
          `(virsh managedsave-remove ${guest}, or ${savePath(guest)} where it is not defined)`,
      );
}

/**
 * @param movesMemory whether QEMU's state goes along: a device of the host's own is not part of it
 */
function deviceCheck(source: string, { devices = [] }: DomainFacts, movesMemory: boolean): Check {
  const said = (some: typeof devices) => some.map(({ kind, what }) => `${kind} ${what}`).join(", ");
  const hasOwnState = (each: (typeof devices)[number]) => each.kind === "tpm" && each.what === "emulator";
  // An emulated TPM's state goes with the memory, and stays behind without it.
  const bound = devices.filter((each) => (movesMemory ? !hasOwnState(each) : hasOwnState(each)));
  if (bound.length > 0) {
    return failed(
      "devices",
      `the guest has ${said(bound)}, which belongs to ${source}: take it off (virsh detach-device --live --config)${
        movesMemory ? ", or move the guest cold (migration.mode)" : ", or move the guest with its memory"
      }`,
    );
  }
  const others = movesMemory ? [] : devices;
  return others.length > 0
    ? warned(
        "devices",
        `the guest has ${said(others)}: it starts only where the same is there, and may not be the same thing`,
      )
    : passed("devices", "it has none that belongs to its host");
}

type Files = Readonly<Record<string, FileFacts>>;

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

/** Firmware, and UEFI variables if its memory stays behind. */
function firmwareCheck(
  destination: string,
  there: Files,
  { firmware = [], nvram }: DomainFacts,
  movesMemory: boolean,
): Check[] {
  const needed = [...firmware, ...(nvram === undefined || movesMemory ? [] : [nvram])];
  if (needed.length === 0) return [];
  const missing = needed.filter((path) => !there[path]);
  return [
    missing.length === 0
      ? passed("firmware", `${destination} has ${needed.join(" and ")}`)
      : failed(
          "firmware",
          `${destination} has no ${missing.join(" and no ")}: install it there (ovmf), or copy the guest's variables`,
        ),
  ];
}

/** @param taken ports of the guest's displays that something listens on at the destination */
function displayCheck(
  destination: string,
  { displayPorts = [] }: DomainFacts,
  { takenPorts: taken = [] }: Survey,
): Check[] {
  if (displayPorts.length === 0) return [];
  return [
    taken.length === 0
      ? passed("display port", `TCP port ${displayPorts.join(" and ")} of ${destination} is free`)
      : failed(
          "display port",
          `TCP port ${taken.join(" and ")} of ${destination}, on which the guest's display would be, is taken: see by what (ss -ltnp), or give the guest another`,
        ),
  ];
}

/** libvirt keeps it with a definition, on each host for itself. */
const autostartCheck = (guest: string, destination: string, startsWithHost: boolean): Check[] =>
  startsWithHost
    ? [
        warned(
          "autostart",
          `the guest is started with its host, and that does not move along: virsh autostart ${guest} on ${destination}, if it is wanted`,
        ),
      ]
    : [];

export const snapshots: PreflightCheck = {
  lasts: true,
  judge: ({ request, source, belongings }) => snapshotCheck(request.guest, source.name, belongings),
};

export const savedMemory: PreflightCheck = {
  lasts: true,
  asks: ({ request }) => ({ destination: [{ ask: "namesake", guest: request.guest }] }),
  judge: ({ request, source, destination, belongings, atDestination }) =>
    savedMemoryCheck(
      request.guest,
      [source.name, belongings.isSaved],
      [destination.name, atDestination.isNameSaved === true],
    ),
};

export const hostDevices: PreflightCheck = {
  lasts: true,
  judge: ({ source, domain, demands }) => deviceCheck(source.name, domain, demands.movesMemory),
};

export const disks: PreflightCheck = {
  asksThen: ({ request }, definitions) => {
    const paths = [...new Set(definitions.flatMap((each) => filesOf(each, request.redo?.path)))];
    return { source: [{ ask: "files", paths }], destination: [{ ask: "files", paths }] };
  },
  judge: ({ request, source, destination, atSource, atDestination, definitions }) =>
    diskCheck(
      request.guest,
      [source.name, atSource.files ?? {}],
      [destination.name, atDestination.files ?? {}],
      definitions,
      request.redo?.path,
    ),
};

/** Its files are among those that are asked about for the disks. */
export const firmware: PreflightCheck = {
  lasts: true,
  judge: ({ destination, atDestination, domain, demands }) =>
    firmwareCheck(destination.name, atDestination.files ?? {}, domain, demands.movesMemory),
};

export const displayPort: PreflightCheck = {
  asksThen: (_move, [{ displayPorts = [] }]) => ({ destination: [{ ask: "taken", ports: displayPorts }] }),
  judge: ({ destination, domain, atDestination }) => displayCheck(destination.name, domain, atDestination),
};

export const autostart: PreflightCheck = {
  judge: ({ request, destination, belongings }) =>
    autostartCheck(request.guest, destination.name, belongings.startsWithHost),
};
