import type { SshSession } from "../ssh/session.ts";
import { pastStaleJob } from "./stale-job.ts";
import { virsh } from "./virsh.ts";

/**
 * Removes a host's definition of a guest, and with it what libvirt would refuse to leave: what it knows of snapshots and checkpoints (those
 * inside an image stay in it: `qemu-img snapshot -l`), and a saved memory. If the guest has run on elsewhere, that memory is older than the
 * disk, and libvirt would load it, by the guest's name, at the next start here. So: only where the guest runs or is about to start
 * elsewhere, or goes for good.
 *
 * @param doing what is being done, for an error: "removing an old definition of guest vm1"
 * @param tell shows a line to the person
 * @param nvram its UEFI variables: kept, unless the guest goes for good
 */
export async function undefine(
  session: SshSession,
  doing: string,
  uuid: string,
  tell: (line: string) => void,
  nvram: "keep" | "remove" = "keep",
): Promise<void> {
  const args = [
    "undefine",
    uuid,
    "--managed-save",
    "--snapshots-metadata",
    "--checkpoints-metadata",
    nvram === "keep" ? "--keep-nvram" : "--nvram",
  ];
  await pastStaleJob(session, uuid, tell, () => virsh(session, doing, args));
}
