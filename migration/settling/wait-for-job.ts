import { setTimeout as sleep } from "node:timers/promises";
import { hasPart, isActive, isUnlinked } from "../../fleet/whereabouts.ts";
import { sight } from "../../libvirt/sighting.ts";
import { virsh } from "../../libvirt/virsh.ts";
import type { Moving, Station } from "../context/moving.ts";

/** A migration that is cancelled ends within a moment. */
const abortTakesMs = 30_000;

/** How often it is told that a post-copy still goes on. */
const tellEveryMs = 60_000;

/** Waits as long as the move may take; for a post-copy, which has no way back, as long as that takes. */
export async function waitForJob(moving: Moving, station: Station): Promise<void> {
  const { guest, uuid, timeoutMs, source, destination, tell, cancelled } = moving;
  const { name, session } = station;
  const other = station === source ? destination : source;
  tell(`${guest}: a job of libvirt's still works on it on ${name}; waiting for its end`);
  const startedMs = performance.now();
  let deadlineMs = startedMs + timeoutMs;
  let aborted = false;
  for (;;) {
    const seen = await sight(session, uuid);
    const { job, state } = seen;
    // A post-copy that has lost its other end keeps its job, and waits for us.
    if ((job === undefined && state !== "stopping") || isUnlinked(seen)) return;
    const isOver = performance.now() > deadlineMs;
    // A pre-copy that a dead run left, and that does not converge: given up, as that run would have.
    if ((isOver || cancelled.aborted) && job === "Outgoing migration" && !hasPart(seen) && !aborted) {
      const why = isOver ? "its migration does not come to an end" : (cancelled.reason as Error).message;
      tell(`${guest}: ${why}; giving up, it stays on ${name}`);
      await virsh(session, `cancelling the migration of guest ${guest}`, ["domjobabort", uuid], {
        allowFailure: true,
      });
      aborted = true;
      deadlineMs = performance.now() + abortTakesMs;
      continue;
    }
    if (isOver && hasPart(seen)) {
      // libvirt 9.0 waits without end for the memory of a QEMU that is dead. One that has just given all of it is off as well.
      const isLost = !isActive(await sight(other.session, uuid)) && hasPart(await sight(session, uuid));
      if (isLost) {
        throw new Error(
          `Guest ${guest} has a part of its memory on ${name}, and is off on ${other.name}, where the rest was; libvirt still waits for that (${job ?? state}). ` +
            `Its memory is lost. End it with \`virsh destroy ${guest}\` on ${name}, and run again: it is then booted anew.`,
        );
      }
      const waitedS = Math.round((performance.now() - startedMs) / 1000);
      tell(
        `${guest}: its memory still follows from ${source.name} to ${destination.name} after ${waitedS} s; in post-copy there is no way back`,
      );
      deadlineMs = performance.now() + tellEveryMs;
    } else if (isOver) {
      throw new Error(
        `Guest ${guest} on ${name} is still busy (${job ?? state}) after ${timeoutMs / 1000} s. ` +
          `End the job with \`virsh domjobabort ${guest}\` on ${name}, and run again.`,
      );
    }
    await sleep(500);
  }
}
