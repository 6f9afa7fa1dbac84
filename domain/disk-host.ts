import type { FleetSessions } from "../fleet/observe.ts";
import { type LocalOverlay, localOverlayOf, makeOverlay, overlayPresence } from "../fleet/overlay.ts";
import type { Whereabouts } from "../fleet/whereabouts.ts";
import type { GuestRequest } from "./request.ts";

/**
 * The host on which a guest is to be started, with its disk: where it is defined or, as long as it is defined nowhere, where its overlay
 * is. A new guest's overlay is made. Throws when it is not where the guest is: an empty one there would lose all that was written.
 */
export async function hostWithDisk(
  { spec, host: wanted }: GuestRequest,
  place: Whereabouts,
  sessions: FleetSessions,
): Promise<string> {
  const overlay = localOverlayOf(spec.storage);
  const host = place.kind === "nowhere" ? wanted : place.host;
  if (!overlay || place.kind === "active") return host;
  const holders = await holdersOf(overlay, sessions);
  const [holder] = holders;
  if (place.kind === "nowhere" && holder === undefined) {
    await makeOverlay(sessions.host(host), overlay, (spec.storage.localGiB as number) * 2 ** 30);
    return host;
  }
  // If there are two, one is old: neither the order of hosts nor a definition tells which.
  const isFound =
    holder !== undefined && holders.length === 1 && (place.kind === "nowhere" || holder === host);
  if (isFound) return holder;
  const defined = place.kind === "nowhere" ? "nowhere" : `on ${host}`;
  const found = holders.length === 0 ? "on no host" : `on ${holders.join(" and ")}`;
  throw new Error(
    `Guest ${spec.name} is defined ${defined}, and its overlay ${overlay.path} is ${found}. Nothing was changed. ${whatToDo(spec.name, holders)}`,
  );
}

function whatToDo(guest: string, holders: readonly string[]): string {
  if (holders.length > 1) {
    return "See which of them is right (qemu-img check, ls -l), move the others out of the way, and run again.";
  }
  return holders.length === 0
    ? `If what it wrote may be lost, remove its definition (virsh undefine ${guest}, there) and run again: it is made anew.`
    : `Remove that definition (virsh undefine ${guest}, there) and run again: the guest is then started where its overlay is.`;
}

async function holdersOf(overlay: LocalOverlay, { hosts }: FleetSessions): Promise<string[]> {
  const found = await Promise.all(
    hosts.map(async (session) =>
      (await overlayPresence(session, overlay)) === "file" ? [session.target.name] : [],
    ),
  );
  return found.flat();
}
