import type { DomainFacts } from "../../../libvirt/domain-facts.ts";
import type { Survey } from "../../../libvirt/survey.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** @param taken ports of the guest's displays that something listens on at the destination */
function displayCheck(
  destination: string,
  { displayPorts = [] }: DomainFacts,
  { takenPorts: taken = [] }: Survey,
): Check[] {
  if (displayPorts.length === 0) return [];
  return [
    taken.length === 0
      ? passed("display port", `TCP port ${displayPorts.join(" and ")} of ${destination} is free`)
      : failed(
          "display port",
          `TCP port ${taken.join(" and ")} of ${destination}, on which the guest's display would be, is taken: see by what (ss -ltnp), or give the guest another`,
        ),
  ];
}

export const displayPort: PreflightCheck = {
  asksThen: (_move, [{ displayPorts = [] }]) => ({ destination: [{ ask: "taken", ports: displayPorts }] }),
  judge: ({ destination, domain, atDestination }) => displayCheck(destination.name, domain, atDestination),
};
