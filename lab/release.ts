import { readFileSync } from "node:fs";

/** The systems that a lab's hosts can be made with: Debian's releases, whose archive is all that base.sh needs. */
export const labReleases = ["debian-12", "debian-13"] as const;

export type LabRelease = (typeof labReleases)[number];

export const defaultRelease: LabRelease = "debian-12";

/** What a lab's host on this machine was made with: it keeps that. Undefined: it is not there. */
export function releaseOf(lab: string, host: string): string | undefined {
  const folder = `/var/lib/kvm-migration-testbed/${lab}`;
  // The second place is that of a former version. Hosts that were made before there was a choice do not say which system they have.
  return [`${folder}/hosts/${host}`, `${folder}/${host}`]
    .filter((place) => read(`${place}/base`) !== undefined)
    .map((place) => read(`${place}/release`)?.trim() ?? defaultRelease)[0];
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
