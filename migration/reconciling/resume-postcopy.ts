import { setTimeout as sleep } from "node:timers/promises";
import { hasPart, isActive } from "../../fleet/whereabouts.ts";
import { sight } from "../../libvirt/sighting.ts";
import { virsh } from "../../libvirt/virsh.ts";
import { migrateArguments } from "../context/migrate-arguments.ts";
import type { Moving } from "../context/moving.ts";

const tryAgainMs = 2_000;

/**
 * Connects the two endpoints of a broken post-copy again, as often as it takes within the move's time, and sees it through. Also returns
 * when that is no longer needed: it went on by itself, or one endpoint died.
 */
export async function resumePostcopy(moving: Moving): Promise<void> {
  const { guest, uuid, source, destination, options, timeoutMs, tell } = moving;
  tell(
    `${guest}: ${source.name} and ${destination.name} lost each other in post-copy; connecting them again`,
  );
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const { exitCode, stderr } = await virsh(
      source.session,
      `resuming the post-copy of guest ${guest}`,
      [
        "migrate",
        "--postcopy-resume",
        ...migrateArguments({ ...options, mode: "postcopy" }, uuid, destination.host),
      ],
      { allowFailure: true, timeoutMs },
    );
    if (exitCode === 0) return;
    const ends = await Promise.all([source, destination].map(({ session }) => sight(session, uuid)));
    if (!ends.every((end) => isActive(end)) || !ends.some(hasPart)) return;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `Guest ${guest} is in the middle of a post-copy from ${source.name} to ${destination.name}, and the two cannot be connected again: ` +
          `${stderr.trim()}. Nothing was ended: each has a part of the guest's memory. Fix the way from host to host and run again. ` +
          `If its memory may be lost (a QEMU that waits for a page at the wrong moment answers nobody any more): virsh destroy ${guest} on both, and run again: ` +
          "it is then booted anew.",
      );
    }
    await sleep(tryAgainMs);
  }
}
