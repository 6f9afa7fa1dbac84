import { isDeepStrictEqual } from "node:util";
import type { DomainSpec } from "../libvirt/domain-xml.ts";

/** What follows from all hosts together, and so changes when a host is added or taken out. */
const commonKeys = ["accelerator", "machine", "cpuXml"] as const;

/** The part of a guest that every host must be able to run. */
export type GuestPlatform = Pick<DomainSpec, (typeof commonKeys)[number] | "cpu">;

export const platformOf = (spec: DomainSpec): GuestPlatform => ({
  ...commonOf(spec),
  ...(spec.cpu !== undefined && { cpu: spec.cpu }),
});

const commonOf = ({
  accelerator,
  machine,
  cpuXml,
}: DomainSpec): Pick<DomainSpec, (typeof commonKeys)[number]> => ({
  accelerator,
  machine,
  ...(cpuXml !== undefined && { cpuXml }),
});

/** What of a guest's hardware changed, by the names of DomainSpec; each change takes a restart. */
export function hardwareChanges(before: DomainSpec, after: DomainSpec): (keyof DomainSpec)[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof DomainSpec>;
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}

/** Throws when a guest that is there should have its overlay on another storage: what it wrote is on the one that it has. */
export function refuseOtherRedo({ name, storage: before }: DomainSpec, { storage: after }: DomainSpec): void {
  const said = ({ localGiB }: DomainSpec["storage"]) => (localGiB === undefined ? "shared" : "local");
  if (said(before) === said(after)) return;
  throw new Error(
    `Guest ${name} cannot have redo: ${said(after)}: it was made with redo: ${said(before)}, and what it wrote does not move to another storage by itself. Nothing was changed. ` +
      `Set redo back to ${said(before)}; or give it up: take it out of the stack's config, run \`pulumi up\`, and put it in again.`,
  );
}

/** Throws when a guest that is there should have another firmware: what is installed on its disk was installed for the one that it has. */
export function refuseOtherFirmware(before: DomainSpec, after: DomainSpec): void {
  const said = ({ firmware }: DomainSpec) => (firmware ? "uefi" : "bios");
  if (said(before) === said(after)) return;
  throw new Error(
    `Guest ${before.name} cannot have firmware: ${said(after)}: it was made with firmware: ${said(before)}, for which its disk was set up. Nothing was changed. ` +
      `Set firmware back to ${said(before)}; or give the guest up: take it out of the stack's config, run \`pulumi up\`, and put it in again.`,
  );
}

/**
 * The guest with the platform that it runs with: adding or removing a host restarts no guest. A guest gets the hosts' present platform at
 * its next start.
 */
export function withPlatformOf(running: DomainSpec, spec: DomainSpec): DomainSpec {
  const { cpuXml: _, ...own } = spec;
  const { localGiB } = running.storage;
  // A disk keeps the size that it was made with.
  const storage = {
    ...own.storage,
    ...(own.storage.localGiB !== undefined && localGiB !== undefined && { localGiB }),
  };
  return { ...own, ...commonOf(running), storage };
}
