import type { Sighting } from "../libvirt/sighting.ts";

/** A guest whose kernel crashed, and that its definition (`on_crash`: `preserve`) keeps as it was: it does nothing, and holds its disk. */
export class GuestCrashed extends Error {
  readonly host: string;

  constructor(guest: string, { host, reason }: Pick<Sighting, "host" | "reason">) {
    super(
      `Guest ${guest} has crashed on ${host} (${reason || "libvirt does not say how"}), and is kept there as it was, with its disk open (on_crash in its definition). Nothing was changed. ` +
        `Look at it there if its memory is of use (virsh dump ${guest} FILE --memory-only), end it (virsh destroy ${guest}), and run again: it is then started.`,
    );
    this.name = "GuestCrashed";
    this.host = host;
  }
}

/** Throws GuestCrashed when it has. */
export function refuseCrashed(guest: string, sighting: Sighting): void {
  if (sighting.state === "crashed") throw new GuestCrashed(guest, sighting);
}
