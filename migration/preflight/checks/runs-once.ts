import { isActive } from "../../../fleet/whereabouts.ts";
import type { Sighting } from "../../../libvirt/sighting.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** It runs at the source, and on no other host. */
export function onceCheck(guest: string, source: string, sightings: readonly Sighting[]): Check {
  const active = sightings.filter(isActive);
  const [place] = active;
  if (active.length === 1 && place?.host === source && place.state === "running") {
    return passed("guest", `it runs on ${source}, and ${others(sightings, source)}`);
  }
  const seen = active.map(({ host, state }) => `${state} on ${host}`).join(" and ") || "active on no host";
  return failed(
    "guest",
    `${guest} should run on ${source} and nowhere else; it is ${seen}. ` +
      "Find out who works on it, and run `pulumi up` again",
  );
}

function others(sightings: readonly Sighting[], source: string): string {
  const names = sightings.map(({ host }) => host).filter((host) => host !== source);
  return `not on ${names.join(" or ")}, all of which answer`;
}

export const runsOnce: PreflightCheck = {
  judge: ({ request, source, sightings }) => onceCheck(request.guest, source.name, sightings),
};
