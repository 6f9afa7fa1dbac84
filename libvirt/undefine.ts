import type { SshSession } from "./ssh-session.ts";
import { virsh } from "./virsh.ts";

/**
 * Removes the definition that a host has of a guest, and all that hangs on it, without which libvirt refuses: what it knows of snapshots and
 * checkpoints (those inside an image stay in it: `qemu-img snapshot -l`), and a saved memory. That one is older than the disk wherever the guest
 * has run on elsewhere, and libvirt would load it, by the guest's name, at the next start here. So: only where the guest runs elsewhere, is
 * about to be started elsewhere, or goes for good.
 *
 * @param doing what is being done, for an error: "removing an old definition of guest vm1"
 * @param nvram its UEFI variables: kept, unless the guest goes for good
 */
export async function undefine(
  session: SshSession,
  doing: string,
  uuid: string,
  nvram: "keep" | "remove" = "keep",
): Promise<void> {
  await virsh(session, doing, [
    "undefine",
    uuid,
    "--managed-save",
    "--snapshots-metadata",
    "--checkpoints-metadata",
    nvram === "keep" ? "--keep-nvram" : "--nvram",
  ]);
}
