import type { Sighting } from "../libvirt/sighting.ts";

/** Where a guest is, seen from all hosts at once. */
export type Whereabouts =
  | { kind: "active"; host: string; sighting: Sighting }
  | { kind: "inactive"; host: string; sighting: Sighting }
  | { kind: "nowhere" };

/** A guest that is active on two hosts at once: two writers on one disk, which only a person can decide about. */
export class GuestActiveTwice extends Error {
  readonly hosts: readonly string[];

  constructor(guest: string, copies: readonly Pick<Sighting, "host" | "state" | "reason">[]) {
    const hosts = copies.map(({ host }) => host);
    const states = copies.map(
      ({ host, state, reason }) => `${host}: ${[state, reason].filter(Boolean).join(", ")}`,
    );
    super(
      `Guest ${guest} is active on ${hosts.join(" and ")} at the same time (${states.join("; ")}), and both may write to its disk. ` +
        "Nothing was changed. Find out which copy is the right one (virsh console, its logs), end the other with " +
        "`virsh destroy` on its host, check the disk inside the guest, and run again.",
    );
    this.name = "GuestActiveTwice";
    this.hosts = hosts;
  }
}

/** A QEMU there has its disk open. */
export const isActive = ({ state }: Sighting): boolean => state !== "absent" && state !== "inactive";

/**
 * Draws one conclusion from what every host said. A definition on a host other than the active copy's is left for the engine to clear away.
 * Throws GuestActiveTwice.
 */
export function whereabouts(guest: string, sightings: readonly Sighting[]): Whereabouts {
  const active = sightings.filter(isActive);
  if (active.length > 1) {
    throw new GuestActiveTwice(guest, active);
  }
  if (active[0]) return { kind: "active", host: active[0].host, sighting: active[0] };
  const defined = sightings.filter(({ state }) => state === "inactive");
  // Where its memory was saved is where it was last.
  const sighting = defined.find(({ isSaved }) => isSaved) ?? defined[0];
  if (sighting) return { kind: "inactive", host: sighting.host, sighting };
  return { kind: "nowhere" };
}

/** libvirt's reasons for the state of a guest whose memory is spread over both endpoints. */
const linked = "post-copy";

const unlinked = "post-copy failed";

/** This endpoint has a part of the guest's memory: the source what was not pulled yet, the destination the rest. */
export const hasPart = ({ reason }: Sighting): boolean => reason === linked || reason === unlinked;

/** libvirt knows that this endpoint has lost the other. */
export const isUnlinked = ({ reason }: Sighting): boolean => reason === unlinked;
