import { parseSurvey, surveyScript } from "../libvirt/survey.ts";
import type { SshSession } from "../ssh/session.ts";
import { disksOf } from "./disk-stamp.ts";

/** A guest that is off, about to be started on a host. */
interface StartingGuest {
  guest: string;
  uuid: string;
  /** Where it is about to be started. */
  host: SshSession;
  /** Where else it is defined. */
  definedOn: readonly SshSession[];
  /** The machine that has the folders of its disks as its own. */
  keeper: SshSession;
  /** What it will write to. Default: what `host` defines it with. */
  disks?: readonly string[];
}

/**
 * Throws when the guest may have written to other files since than it would be started on, as after a snapshot that was made by hand or by a
 * backup program: another host defines it with others, or a newer image lies over one of them. Changes nothing.
 */
export async function refuseOlderDisk(starting: StartingGuest): Promise<void> {
  const { guest, uuid, host, definedOn, keeper } = starting;
  const [disks, ...elsewhere] = await Promise.all([
    starting.disks ?? disksOf(guest, uuid, host),
    ...definedOn.map((session) => disksOf(guest, uuid, session)),
  ]);
  const said = (paths: readonly string[]) => paths.toSorted().join(" and ") || "no file";
  const at = elsewhere.findIndex((others) => said(others) !== said(disks));
  const other = definedOn[at]?.target.name;
  if (other !== undefined) {
    throw new Error(
      `Guest ${guest} is off, and would be started on ${host.target.name} with ${said(disks)}; on ${other} it is defined with ${said(elsewhere[at] ?? [])}, ` +
        "as after a snapshot that was made by hand or by a backup program. It was not started. " +
        `See which it wrote to last (ls -l --full-time), remove the definition on the other host (virsh undefine ${guest}, there), and run again.`,
    );
  }
  const [over] = await newerImages(guest, disks, keeper);
  if (over === undefined) return;
  throw new Error(
    `Guest ${guest} is off, and would be started on ${host.target.name} with ${said(disks)}; ${over} on ${keeper.target.name} lies over that and was written to later, ` +
      "as after a snapshot that was made by hand or by a backup program. It was not started. " +
      `Merge it (qemu-img commit ${over}) and remove it; or move it away if it is not wanted; and run again.`,
  );
}

/** Images that lie over some of a guest's, and were written to no earlier, as a snapshot's file is; on the machine that has the folder of each as its own. */
export async function newerImages(
  guest: string,
  images: readonly string[],
  keeper: SshSession,
): Promise<readonly string[]> {
  const asked = images.map((image) => ({ ask: "over", image }) as const);
  const { stdout } = await keeper.run(`looking for newer disks of guest ${guest}`, surveyScript(asked));
  return parseSurvey(stdout).over ?? [];
}
