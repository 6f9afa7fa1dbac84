import { isActive } from "../../fleet/whereabouts.ts";
import type { DomainFacts } from "../../libvirt/domain-facts.ts";
import type { Sighting } from "../../libvirt/sighting.ts";
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

/** libvirt does one thing at a time with a guest, and a copy of its disk that is under way would be lost. */
export function jobCheck(
  guest: string,
  source: string,
  sightings: readonly Sighting[],
  { disks }: DomainFacts,
  blockJobs: readonly string[] = [],
): Check {
  const job = sightings.find(({ host }) => host === source)?.job;
  if (job !== undefined) {
    return failed(
      "jobs",
      `a job of libvirt's works on ${guest} on ${source} (${job}): wait for its end, or cancel it there (virsh domjobabort ${guest})`,
    );
  }
  const mirrored = disks.find(({ isMirrored }) => isMirrored);
  const busy = mirrored?.target ?? blockJobs[0];
  if (busy !== undefined) {
    const what = mirrored ? "is being copied" : "is being worked on";
    return failed(
      "jobs",
      `disk ${busy} of ${guest} ${what} on ${source}: wait for its end, or cancel it there (virsh blockjob ${guest} ${busy} --abort)`,
    );
  }
  return passed("jobs", `no other job works on it on ${source}`);
}

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

export const runsOnce: PreflightCheck = {
  judge: ({ request, source, sightings }) => onceCheck(request.guest, source.name, sightings),
};

export const noJob: PreflightCheck = {
  judge: ({ request, source, sightings, domain, belongings }) =>
    jobCheck(request.guest, source.name, sightings, domain, belongings.blockJobs),
};

export const ownName: PreflightCheck = {
  asks: ({ request }) => ({ destination: [{ ask: "namesake", guest: request.guest }] }),
  judge: ({ request, destination, atDestination, domain }) =>
    nameCheck(request.guest, destination.name, request.uuid, atDestination.namesake, domain.name),
};
