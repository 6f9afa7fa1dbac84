import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** Two guests of one name cannot be on a host. */
function nameCheck(
  guest: string,
  host: string,
  uuid: string,
  found: string | undefined,
  live = guest,
): Check {
  if (live !== guest) {
    return failed(
      "name",
      `the guest was renamed to ${live} by hand, and its logs are under that name: shut it down, and give it its own again (virsh domrename ${live} ${guest})`,
    );
  }
  return found === undefined || found === uuid
    ? passed("name", `no other guest on ${host} has this name`)
    : failed(
        "name",
        `${host} has another guest named ${guest} (uuid ${found}): rename or remove one of them`,
      );
}

export const ownName: PreflightCheck = {
  asks: ({ request }) => ({ destination: [{ ask: "namesake", guest: request.guest }] }),
  judge: ({ request, destination, atDestination, domain }) =>
    nameCheck(request.guest, destination.name, request.uuid, atDestination.namesake, domain.name),
};
