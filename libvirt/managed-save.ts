import type { SshSession } from "../ssh/session.ts";
import { virsh } from "./virsh.ts";

/** Where libvirt keeps the memory of a guest that was saved by `virsh managedsave`, under the guest's name. */
export const savePath = (guest: string): string => `/var/lib/libvirt/qemu/save/${guest}.save`;

/** Lets libvirt's next start of a guest boot it: the memory that was saved is not what it may go on from. */
export async function discardSave(session: SshSession, guest: string, uuid: string): Promise<void> {
  await virsh(session, `discarding the stale memory of guest ${guest}`, ["managedsave-remove", uuid]);
}
