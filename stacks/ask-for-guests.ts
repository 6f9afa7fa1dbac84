import { HostUnreachable } from "../libvirt/errors.ts";
import { SshSession } from "../libvirt/ssh-session.ts";
import type { SshTarget } from "../libvirt/ssh-target.ts";
import { virsh } from "../libvirt/virsh.ts";
import type { Found } from "./left-hosts.ts";
import type { PastGuest } from "./past.ts";

/** Asks machines which guests of this stack are there. Reads only. */
export async function askForGuests(
  targets: readonly SshTarget[],
  guests: readonly PastGuest[],
): Promise<Record<string, Found>> {
  const found = targets.map(async (target) => [target.name, await ask(target, guests)] as const);
  return Object.fromEntries(await Promise.all(found));
}

async function ask(target: SshTarget, guests: readonly PastGuest[]): Promise<Found> {
  let session: SshSession | undefined;
  try {
    session = await SshSession.open(target);
    const [active, defined] = await Promise.all([uuids(session, "active"), uuids(session, "all")]);
    // A definition may be what is left of a guest that has moved; one that was last seen here has not.
    const isHere = ({ uuid, host }: PastGuest) =>
      active.includes(uuid) || (defined.includes(uuid) && host === target.name);
    return { guests: guests.filter(isHere).map(({ name }) => name) };
  } catch (error) {
    if (error instanceof HostUnreachable) return { reason: error.stderr || "the connection ended" };
    return { reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await session?.close();
  }
}

async function uuids(session: SshSession, which: "active" | "all"): Promise<string[]> {
  const all = which === "all" ? ["--all"] : [];
  const { stdout } = await virsh(session, "asking for its guests", ["list", "--uuid", ...all]);
  return stdout.split(/\s+/);
}
