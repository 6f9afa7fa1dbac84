import { setTimeout as sleep } from "node:timers/promises";
import { hasPart, isActive, isUnlinked } from "../../fleet/whereabouts.ts";
import { type Sighting, sight } from "../../libvirt/sighting.ts";
import type { Endpoint, Moving } from "../context/moving.ts";
import { cancelJob } from "../watching/cancel-job.ts";
import {
  type JobHistory,
  type JobLook,
  type JobVerdict,
  noted,
  ofFoundJob,
  verdictOn,
} from "../watching/verdict.ts";

const lookEveryMs = 500;

/** Waits as long as the move may take; for a post-copy, which has no way back, as long as that takes. */
export async function waitForJob(moving: Moving, endpoint: Endpoint): Promise<void> {
  const { guest, uuid, timeoutMs, tell, cancelled } = moving;
  tell(`${guest}: a job of libvirt's still works on it on ${endpoint.name}; waiting for its end`);
  const startedMs = performance.now();
  for (let done: JobHistory = {}; ; ) {
    const seen = await sight(endpoint.session, uuid);
    const atMs = performance.now() - startedMs;
    const isCancelled = cancelled.aborted;
    const look = { job: jobOf(seen), atMs, timeoutMs, isCancelled, patience: ofFoundJob, done };
    const verdict = verdictOn(look);
    if (verdict.do === "leave") return;
    done = noted(done, verdict, atMs);
    await follow(verdict, moving, endpoint, seen, atMs);
    await sleep(lookEveryMs);
  }
}

async function follow(
  verdict: JobVerdict,
  moving: Moving,
  endpoint: Endpoint,
  seen: Sighting,
  atMs: number,
): Promise<void> {
  const { guest, timeoutMs, source, destination, tell, cancelled } = moving;
  const { name } = endpoint;
  switch (verdict.do) {
    case "give-up": {
      // A pre-copy that a dead run left, and that does not converge: given up, as that run would have.
      const late = "its migration does not come to an end";
      tell(
        `${guest}: ${verdict.why === "time" ? late : reasonOf(cancelled)}; giving up, it stays on ${name}`,
      );
      return cancelJob(moving, endpoint);
    }
    case "no-way-back": {
      await refuseLost(moving, endpoint, seen);
      const late = `its memory still follows from ${source.name} to ${destination.name} after ${Math.round(atMs / 1000)} s`;
      tell(
        `${guest}: ${verdict.why === "time" ? late : reasonOf(cancelled)}; in post-copy there is no way back`,
      );
      return;
    }
    case "fail":
      throw new Error(
        `Guest ${guest} on ${name} is still busy (${seen.job ?? seen.state}) after ${timeoutMs / 1000} s. ` +
          `End the job with \`virsh domjobabort ${guest}\` on ${name}, and run again.`,
      );
  }
}

const reasonOf = ({ reason }: AbortSignal): string => (reason as Error).message;

function jobOf(seen: Sighting): JobLook["job"] {
  // A post-copy that has lost its other endpoint keeps its job, and waits for us.
  if ((seen.job === undefined && seen.state !== "stopping") || isUnlinked(seen)) return "none";
  if (hasPart(seen)) return "postcopy";
  return seen.job === "Outgoing migration" ? "reversible" : "other";
}

/** libvirt 9.0 waits without end for the memory of a QEMU that is dead. One that has just given all of it is off as well. */
async function refuseLost(
  moving: Moving,
  { name, session }: Endpoint,
  { job, state }: Sighting,
): Promise<void> {
  const { guest, uuid, source, destination } = moving;
  const other = name === source.name ? destination : source;
  if (isActive(await sight(other.session, uuid)) || !hasPart(await sight(session, uuid))) return;
  throw new Error(
    `Guest ${guest} has a part of its memory on ${name}, and is off on ${other.name}, where the rest was; libvirt still waits for that (${job ?? state}). ` +
      `Its memory is lost. End it with \`virsh destroy ${guest}\` on ${name}, and run again: it is then booted anew.`,
  );
}
