import { virsh } from "../../libvirt/virsh.ts";
import type { Moving } from "../context/moving.ts";

/**
 * Ends the pre-copy that is under way: from then on the guest runs at the destination, if at all. That is written down before, so that a
 * run that finds the source paused does not resume it. False: libvirt could not; the pre-copy goes on, or has just ended.
 */
export async function turnToPostcopy({ guest, uuid, source, intent }: Moving): Promise<boolean> {
  await intent.note({ phase: "postcopy" });
  const { exitCode } = await virsh(
    source.session,
    `turning the migration of guest ${guest} to post-copy`,
    ["migrate-postcopy", uuid],
    { allowFailure: true },
  );
  return exitCode === 0;
}
