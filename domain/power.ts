import { setTimeout as sleep } from "node:timers/promises";
import { refuseCrashed } from "../fleet/crashed.ts";
import { isActive } from "../fleet/whereabouts.ts";
import { sight } from "../libvirt/sighting.ts";
import { virsh } from "../libvirt/virsh.ts";
import { CommandFailed } from "../ssh/errors.ts";
import type { SshSession } from "../ssh/session.ts";

/** How long a guest gets to shut down by itself, unless the caller says otherwise. */
const defaultShutdownTimeoutMs = 180_000;

/** Asks again now and then: a guest that is still booting does not hear the first call. */
const askAgainMs = 3_000;
/** Now and then its agent is asked instead, if it has one: a guest may have nothing that listens to its power button. */
const timesToAgent = 10;

/**
 * Shuts a guest down as its power button would, and waits until it is off. Throws when it does not go off in time: it then
 * still runs, and nothing was forced. Throws GuestCrashed when it cannot go off any more.
 */
export async function shutDown(
  session: SshSession,
  guest: { name: string; uuid: string },
  timeoutMs = defaultShutdownTimeoutMs,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asked = 0;
  let refusal = "";
  for (;;) {
    const nowMs = performance.now();
    const look = await sight(session, guest.uuid).catch((error: unknown) => {
      // Once asked, it will go off, seen or not: a run that gave up now would leave it as one that runs.
      if (error instanceof CommandFailed && askedAtMs > 0 && nowMs < deadlineMs) return undefined;
      throw error;
    });
    if (look && !isActive(look)) return;
    if (look) refuseCrashed(guest.name, look);
    if (nowMs > deadlineMs) {
      throw new Error(
        `Guest ${guest.name} on ${session.target.name} did not shut down within ${timeoutMs / 1000} s and still runs. ${refusal}` +
          `See its console (virsh console ${guest.name}); shut it down from inside, or with \`virsh destroy ${guest.name}\` if its data may be lost, and run again.`,
      );
    }
    if (nowMs - askedAtMs > askAgainMs) {
      asked++;
      const mode = asked % timesToAgent === 0 ? "agent" : "acpi";
      // Fails when it went off in between: the next look tells.
      const { exitCode, stderr } = await virsh(
        session,
        `shutting down guest ${guest.name}`,
        ["shutdown", guest.uuid, "--mode", mode],
        { allowFailure: true },
      );
      // A missing agent is not the reason that it stays on.
      if (mode === "acpi") refusal = exitCode === 0 ? "" : `It could not be asked to: ${stderr.trim()}. `;
      askedAtMs = nowMs;
    }
    await sleep(200);
  }
}
