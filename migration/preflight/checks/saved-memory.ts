import { savePath } from "../../../libvirt/managed-save.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** A saved memory has the guest's name: that host's next start loads it, whatever the disk has become. */
function savedMemoryCheck(
  guest: string,
  [source, isSaved]: readonly [string, boolean],
  [destination, isNameSaved]: readonly [string, boolean],
): Check {
  const hosts = [...(isSaved ? [source] : []), ...(isNameSaved ? [destination] : [])];
  return hosts.length === 0
    ? passed("saved memory", "neither host has one of the guest")
    : failed(
        "saved memory",
        `${hosts.join(" and ")} has an old saved memory of ${guest}, which a later start there would load onto a newer disk: remove it ` +
          `(virsh managedsave-remove ${guest}, or ${savePath(guest)} where it is not defined)`,
      );
}

export const savedMemory: PreflightCheck = {
  lasts: true,
  asks: ({ request }) => ({ destination: [{ ask: "namesake", guest: request.guest }] }),
  judge: ({ request, source, destination, belongings, atDestination }) =>
    savedMemoryCheck(
      request.guest,
      [source.name, belongings.isSaved],
      [destination.name, atDestination.isNameSaved === true],
    ),
};
