import { dirname } from "node:path/posix";
import { newerImages } from "../fleet/older-disk.ts";
import { localOverlayOf } from "../fleet/overlay.ts";
import { differences } from "../libvirt/definition-differences.ts";
import { type DiskFacts, type DomainFacts, parseDomain } from "../libvirt/domain-facts.ts";
import { type DomainSpec, domainXml, systemDisk } from "../libvirt/domain-xml.ts";
import { savePath } from "../libvirt/managed-save.ts";
import { parseSurvey, type Survey, surveyScript } from "../libvirt/survey.ts";
import type { SshSession } from "../ssh/session.ts";

/** How a guest's definition differs from the one that this program made: what a person, or a backup program, has done to it. */
export interface ByHand {
  /** It writes to another file than was declared: all that was written since is in there, and not in ours. */
  otherDisk?: string;
  /** What a new definition would lose. */
  added: string[];
  /** What a new definition would set back. */
  changed: string[];
}

/**
 * Not compared: machine type, CPU model and the path to the storage, which this program sets again when it starts a guest.
 *
 * @param definition what it is started with next, as libvirt prints it
 */
export function byHand(spec: DomainSpec, definition: string): ByHand {
  const made = domainXml(spec);
  const [declared, defined] = [parseDomain(made), parseDomain(definition)];
  const { added, changed } = differences(made, definition);
  const placeIn = ({ disks }: DomainFacts, target: string) =>
    placeOf(disks.find((disk) => disk.target === target));
  const others = defined.disks.flatMap((disk) => {
    const { target } = disk;
    const isDeclared = declared.disks.some((each) => each.target === target);
    return isDeclared && target !== systemDisk && placeOf(disk) !== placeIn(declared, target)
      ? [`disk ${target} (${placeOf(disk) ?? "empty"})`]
      : [];
  });
  const ours = defined.disks.find(({ target }) => target === systemDisk);
  const isOther = ours?.path !== spec.storage.overlayPath;
  const settings = [
    ["name", declared.name, defined.name],
    ["memory in MiB", declared.memoryMiB, defined.memoryMiB],
    ["CPUs", declared.vcpus, defined.vcpus],
    ["display ports", said(declared.displayPorts), said(defined.displayPorts)],
  ] as const;
  return {
    ...(isOther && defined.disks.length > 0 && { otherDisk: placeOf(ours) ?? "no file" }),
    added: [
      ...others,
      ...added,
      ...([undefined, declared.nvram, spec.firmware?.nvramPath].includes(defined.nvram)
        ? []
        : [`UEFI firmware with ${defined.nvram}`]),
    ],
    changed: [
      ...settings.flatMap(([what, should, is]) =>
        is === undefined || is === should ? [] : [`${what} ${is} instead of ${should ?? "none"}`],
      ),
      ...changed,
    ],
  };
}

const said = (ports: readonly number[] | undefined): string | undefined => ports?.join(", ");
const placeOf = (disk: DiskFacts | undefined): string | undefined => disk?.path ?? disk?.other;

/** What to do, while the guest runs, about a snapshot's file in place of the declared disk. */
export const howToMerge = (guest: string): string =>
  `merge it into the one below, once for each snapshot (virsh blockcommit ${guest} ${systemDisk} --active --shallow --pivot --wait; ` +
  "without --shallow all of it would go into the image that all guests share)";

/** Throws when the guest, redefined or started, would run on an older disk than it has written to. */
export function refuseOtherDisk({ name, storage }: DomainSpec, host: string, { otherDisk }: ByHand): void {
  if (otherDisk === undefined) return;
  throw new Error(
    `Guest ${name} is declared to write to ${storage.overlayPath}, and on ${host} it is defined with ${otherDisk}, as after a snapshot that was made by hand or by a backup program. ` +
      "What was written since is there and not in the declared file. Nothing was changed. " +
      `Start it there as it is (virsh start ${name}), ${howToMerge(name)}, and run again.`,
  );
}

/** Throws when a new definition would lose what was given to the guest by hand. */
export function refuseLoss({ name }: DomainSpec, host: string, { added }: ByHand): void {
  if (added.length === 0) return;
  throw new Error(
    `Guest ${name} cannot get its new hardware: on ${host} it was given by hand ${added.join(", ")}, which the new definition would not have. Nothing was changed. ` +
      "Take that off it (virsh detach-device with --config, and --live where it runs; virsh edit what is no device), or undo the change of its hardware in the stack's config, and run again.",
  );
}

/** What becomes of it, in lines for a person; none if nothing was done by hand. */
export function tellOf({ name }: DomainSpec, { added, changed }: ByHand, redefines: boolean): string[] {
  const kept = redefines ? [] : [...added, ...changed];
  return [
    ...(kept.length > 0 ? [`${name}: it keeps what it was given by hand: ${kept.join(", ")}`] : []),
    ...(redefines && changed.length > 0
      ? [`${name}: its new definition sets back what was changed by hand: ${changed.join(", ")}`]
      : []),
  ];
}

/** What a host says of a guest that it has. */
export async function askAbout(session: SshSession, { name, uuid }: DomainSpec): Promise<Survey> {
  const { stdout } = await session.run(
    `asking what guest ${name} is defined with`,
    surveyScript([{ ask: "definition", uuid }]),
  );
  return parseSurvey(stdout);
}

/** Throws where a guest that is defined nowhere has written to another file than the one that it would be defined with, or its name has a saved memory. */
export async function refuseNewerDisk(
  { name, storage, disks = [] }: DomainSpec,
  holder: SshSession,
  host: SshSession,
): Promise<void> {
  const images = [storage.overlayPath, ...disks.map(({ path }) => path)];
  const over = await newerImages(name, images, holder);
  if (over.length > 0) {
    throw new Error(
      `Guest ${name} is defined nowhere, and would be started on ${images.join(" and ")}; but ${over.join(" and ")} on ${holder.target.name} lies over ${images.length === 1 ? "it" : "that"}, as a snapshot does that was made by hand or by a backup program. ` +
        `What the guest wrote since is in there. Nothing was changed. Merge it (qemu-img commit ${over[0]}) and remove it; or move it out of ${dirname(over[0] as string)} if it is not wanted; and run again.`,
    );
  }
  const names = await host.run(
    `looking for newer disks of guest ${name}`,
    surveyScript([{ ask: "namesake", guest: name }]),
  );
  if (parseSurvey(names.stdout).isNameSaved) {
    throw new Error(
      `Host ${host.target.name} has a saved memory of a guest named ${name} (${savePath(name)}), which is older than its disk and which libvirt would load. ` +
        "Nothing was changed. Move that file away, and run again.",
    );
  }
}

/** The machine that has the folder of the guest's disk as its own. */
export const diskHolder = (spec: DomainSpec, host: SshSession, storage: SshSession): SshSession =>
  localOverlayOf(spec.storage) ? host : storage;
