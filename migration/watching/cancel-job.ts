import { virsh } from "../../libvirt/virsh.ts";
import type { Endpoint, Moving } from "../context/moving.ts";

/** Cancels the job that libvirt has there for the guest, if any. If the guest runs at the source, it then goes on there. */
export async function cancelJob({ guest, uuid }: Moving, { session }: Endpoint): Promise<void> {
  await virsh(session, `cancelling the migration of guest ${guest}`, ["domjobabort", uuid], {
    allowFailure: true,
  });
}
