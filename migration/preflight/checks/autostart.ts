import { type Check, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** libvirt keeps it with a definition, on each host for itself. */
const autostartCheck = (guest: string, destination: string, startsWithHost: boolean): Check[] =>
  startsWithHost
    ? [
        warned(
          "autostart",
          `the guest is started with its host, and that does not move along: virsh autostart ${guest} on ${destination}, if it is wanted`,
        ),
      ]
    : [];

export const autostart: PreflightCheck = {
  judge: ({ request, destination, belongings }) =>
    autostartCheck(request.guest, destination.name, belongings.startsWithHost),
};
