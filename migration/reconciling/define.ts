import { virsh } from "../../libvirt/virsh.ts";
import type { Moving } from "../context/moving.ts";

/** Defines the guest at one endpoint, as it is defined at the other. */
export async function defineAt(
  { guest, uuid, ...ends }: Moving,
  at: "source" | "destination",
): Promise<void> {
  const other = ends[at === "source" ? "destination" : "source"];
  const { stdout } = await virsh(
    other.session,
    `reading the definition of guest ${guest}`,
    // Without what this host's libvirt added by itself, which one of another version may not know.
    ["dumpxml", "--security-info", "--inactive", "--migratable", uuid],
  );
  await virsh(ends[at].session, `defining guest ${guest}`, ["define", "/dev/stdin"], { input: stdout });
}
