import { type HostVersions, isOlder } from "../../../libvirt/versions.ts";
import { type Check, passed, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** Nobody promises what an older QEMU or libvirt makes of a newer one's stream. */
export function versionCheck(
  [source, from]: readonly [string, HostVersions],
  [destination, to]: readonly [string, HostVersions],
): Check {
  const older = (["qemu", "libvirt"] as const).filter((what) => isOlder(to[what], from[what]));
  const said = (versions: HostVersions) => `QEMU ${versions.qemu}, libvirt ${versions.libvirt}`;
  const both = `${source} has ${said(from)}; ${destination} has ${said(to)}`;
  return older.length === 0
    ? passed("versions", both)
    : warned(
        "versions",
        `${both}: moving to an older version often works and is promised by nobody; upgrade ${destination}`,
      );
}

export const versions: PreflightCheck = {
  judge: ({ demands, source, destination, versions: { from, to } }) =>
    demands.movesMemory ? versionCheck([source.name, from], [destination.name, to]) : undefined,
};
