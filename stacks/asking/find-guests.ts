import { isActive } from "../../fleet/whereabouts.ts";
import { type Sighting, sightAll } from "../../libvirt/sighting.ts";
import { withSessions } from "../../ssh/session-pool.ts";
import type { SshTarget } from "../../ssh/target.ts";
import type { PastGuest } from "../past.ts";

/** Where guests are. */
export interface FoundGuests {
  /** By name. */
  homes: Record<string, string>;
  /** Why that is where they were last seen, instead of where they are: a host did not answer. */
  unseen?: string;
}

/** Asks all hosts at once, with one command each, where guests are. Reads only. */
export async function findGuests(
  hosts: readonly SshTarget[],
  guests: readonly PastGuest[],
): Promise<FoundGuests> {
  if (guests.length === 0) return { homes: {} };
  try {
    return await withSessions(hosts, async (sessions) => {
      const looks = await Promise.all([...sessions.values()].map(sightAll));
      const sightingsOf = ({ uuid }: PastGuest) => looks.flatMap((look) => look.guest(uuid) ?? []);
      return {
        homes: Object.fromEntries(guests.map((guest) => [guest.name, homeOf(guest, sightingsOf(guest))])),
      };
    });
  } catch (error) {
    return {
      homes: Object.fromEntries(guests.map(({ name, host }) => [name, host])),
      unseen: error instanceof Error ? error.message : String(error),
    };
  }
}

/**
 * Where a guest runs; where it is off, the host that keeps its definition. Of several (a move that was cut short, a copy that somebody made)
 * the one that it was last seen on: putting that right is not a policy's business.
 */
function homeOf({ host }: Pick<PastGuest, "host">, sightings: readonly Sighting[]): string {
  const active = sightings.filter(isActive);
  const there = active.length > 0 ? active : sightings.filter(({ state }) => state === "inactive");
  return there.find((sighting) => sighting.host === host)?.host ?? there[0]?.host ?? host;
}
