import { virsh } from "../libvirt/virsh.ts";
import type { Moving } from "./moving.ts";

/** Defines the guest at the destination, as it is defined at the source. */
export async function defineAtDestination({ guest, uuid, source, destination }: Moving): Promise<void> {
  const { stdout } = await virsh(source.session, `reading the definition of guest ${guest}`, [
    "dumpxml",
    "--security-info",
    "--inactive",
    uuid,
  ]);
  await virsh(destination.session, `defining guest ${guest}`, ["define", "/dev/stdin"], { input: stdout });
}
