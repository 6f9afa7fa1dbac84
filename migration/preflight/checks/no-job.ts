import type { DomainFacts } from "../../../libvirt/domain-facts.ts";
import type { Sighting } from "../../../libvirt/sighting.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

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

export const noJob: PreflightCheck = {
  judge: ({ request, source, sightings, domain, belongings }) =>
    jobCheck(request.guest, source.name, sightings, domain, belongings.blockJobs),
};
