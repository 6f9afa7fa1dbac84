import { isDeepStrictEqual } from "node:util";
import type { DomainSpec } from "../libvirt/domain-xml.ts";
import { adaptable, specOfDefinition } from "./own-definition.ts";

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

/** What a guest keeps for life, as the stack's config says it, and why. */
const forLife: readonly { key: string; said: (spec: DomainSpec) => string; because: string }[] = [
  {
    key: "redo",
    said: ({ storage }) => (storage.localGiB === undefined ? "shared" : "local"),
    because: "and what it wrote does not move to another storage by itself",
  },
  {
    key: "firmware",
    said: ({ firmware }) => (firmware ? "uefi" : "bios"),
    because: "for which its disk was set up",
  },
];

/** Throws when a guest that is there should be what it cannot become. */
export function refuseOtherForLife(before: DomainSpec, after: DomainSpec): void {
  refuseOtherDefinition(before, after);
  for (const { key, said, because } of forLife) {
    const [was, wanted] = [said(before), said(after)];
    if (was === wanted) continue;
    throw new Error(
      `Guest ${before.name} cannot have ${key}: ${wanted}: it was made with ${key}: ${was}, ${because}. Nothing was changed. ` +
        `Set ${key} back to ${was}; or give it up: take it out of the stack's config, run \`pulumi up\`, and put it in again.`,
    );
  }
}

/** Throws when what is said of a guest is not in the definition of its own that it has. */
export function refuseUnlikeDefinition({ definition, ...said }: DomainSpec): void {
  if (definition === undefined) return;
  refuseOtherDefinition(specOf(said.name, definition), { ...said, definition });
}

function specOf(guest: string, definition: string): DomainSpec {
  try {
    return specOfDefinition(definition);
  } catch (error) {
    throw new Error(
      `Guest ${guest} can't be made from the definition that is said to be its own: it ${(error as Error).message}. Nothing was changed`,
    );
  }
}

/** An imported guest's definition stays as it is, but for a few things. */
function refuseOtherDefinition(before: DomainSpec, after: DomainSpec): void {
  if (before.definition === undefined && after.definition === undefined) return;
  const fixed = hardwareChanges(withoutServer(before), withoutServer(after)).filter(
    (key) => !(adaptable as readonly string[]).includes(key),
  );
  if (fixed.length === 0) return;
  throw new Error(
    `Guest ${before.name} has a definition of its own, which says otherwise of ${fixed.join(", ")}: of an imported guest ${adaptable.join(" and ")} can be changed here. ` +
      "Nothing was changed. Undo that; or change it on its host (virsh edit), take the guest out of the state (pulumi state delete), and import it again.",
  );
}

/** A definition names the server only where QEMU itself opens the disk. */
const withoutServer = ({ storage: { server: _, ...storage }, ...spec }: DomainSpec): DomainSpec => ({
  ...spec,
  storage: { ...storage, server: "" },
});

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
