import { isActive } from "../../fleet/whereabouts.ts";
import { sight } from "../../libvirt/sighting.ts";
import { HostUnreachable } from "../../ssh/errors.ts";
import { SshSession } from "../../ssh/session.ts";
import type { SshTarget } from "../../ssh/target.ts";
import type { Found } from "../left-hosts.ts";
import type { PastGuest } from "../past.ts";

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
    const here: string[] = [];
    for (const { name, uuid, host } of guests) {
      const sighting = await sight(session, uuid);
      // A definition may be what is left of a guest that has moved; one that was last seen here has not.
      if (isActive(sighting) || (sighting.state === "inactive" && host === target.name)) here.push(name);
    }
    return { guests: here };
  } catch (error) {
    if (error instanceof HostUnreachable) return { reason: error.stderr || "the connection ended" };
    return { reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await session?.close();
  }
}
