import type { GuestSessions } from "../../fleet/guest-lock.ts";
import { discardOverlay } from "../../fleet/overlay.ts";
import type { Tell } from "../../fleet/tell.ts";
import { isActive } from "../../fleet/whereabouts.ts";
import type { Sighting } from "../../libvirt/sighting.ts";
import { undefine } from "../../libvirt/undefine.ts";
import { virsh } from "../../libvirt/virsh.ts";
import { CommandFailed } from "../../ssh/errors.ts";
import type { SshSession } from "../../ssh/session.ts";
import type { MigrationRequest } from "../context/migration-request.ts";

/** How a guest that runs once is defined: a `virsh migrate` by hand does as much about that as it was told to. */
interface Leftovers {
  runsOn: string;
  /** Once it is off, that host forgets it. */
  isUndefinedThere: boolean;
  /** Where else it is defined, so that a second copy of it could be started there. */
  definedOn: string[];
}

/**
 * Undefined: it does not run once. What a paused guest has elsewhere is no leftover: it may wait for the rest of its memory, which is
 * there.
 */
export function leftoversOf(sightings: readonly Sighting[]): Leftovers | undefined {
  const [place, ...others] = sightings.filter(isActive);
  if (place?.state !== "running" || others.length > 0) return undefined;
  const inactive = sightings.filter(({ state }) => state === "inactive");
  return {
    runsOn: place.host,
    isUndefinedThere: !place.persistent,
    definedOn: inactive.map(({ host }) => host),
  };
}

/** What is to be done about its definitions, in words. Undefined: nothing. */
export function changesOf(leftovers: Leftovers | undefined): string | undefined {
  if (!leftovers) return undefined;
  const { runsOn, isUndefinedThere, definedOn } = leftovers;
  const amends = [
    isUndefinedThere ? `written on ${runsOn}, where it runs without one` : "",
    definedOn.length > 0 ? `removed from ${definedOn.join(" and ")}, where it does not run` : "",
  ].filter(Boolean);
  return amends.length > 0 ? `its definition will be ${amends.join(", and ")}` : undefined;
}

/**
 * For a guest that runs once, removes definitions and overlays elsewhere, and defines it where it runs: at a move's destination a
 * definition tells that libvirt has got far enough to write one.
 *
 * @param mayKeep a host that may refuse to let its definition go: the guest is about to be defined there
 */
export async function clearLeftovers(
  { guest, uuid, localOverlay, fleet }: Pick<MigrationRequest, "guest" | "uuid" | "localOverlay" | "fleet">,
  sightings: readonly Sighting[],
  sessions: GuestSessions,
  tell: Tell,
  mayKeep?: string,
): Promise<void> {
  sessions.assertLocked();
  const leftovers = leftoversOf(sightings);
  if (!leftovers) return;
  const { runsOn, isUndefinedThere, definedOn } = leftovers;
  // First: the definitions that are removed next may be its only ones.
  if (isUndefinedThere) await defineAsItRuns(guest, uuid, sessions.host(runsOn));
  for (const host of definedOn) {
    const doing = `removing an old definition of guest ${guest}`;
    await undefine(sessions.host(host), doing, uuid, tell).catch((error: unknown) => {
      if (host !== mayKeep || !(error instanceof CommandFailed)) throw error;
    });
  }
  if (!localOverlay) return;
  // It runs on its own overlay: nobody needs what other hosts have under its name.
  const others = Object.keys(fleet.hosts).filter((name) => name !== runsOn);
  await Promise.all(others.map((name) => discardOverlay(sessions.host(name), localOverlay)));
}

async function defineAsItRuns(guest: string, uuid: string, session: SshSession): Promise<void> {
  const { stdout } = await virsh(
    session,
    `reading how guest ${guest} runs`,
    // Without a definition, libvirt gives the running one without what holds only for this run.
    ["dumpxml", "--security-info", "--inactive", uuid],
  );
  await virsh(session, `defining guest ${guest} where it runs`, ["define", "/dev/stdin"], { input: stdout });
}
