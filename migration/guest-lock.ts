import { dirname } from "node:path/posix";
import { quote, type SshSession } from "../libvirt/ssh-session.ts";
import { aborted } from "./cancellation.ts";
import type { Fleet } from "./fleet.ts";
import { intentPath } from "./intent.ts";
import { type FleetSessions, withFleet } from "./observe.ts";
import type { Tell } from "./tell.ts";

const tellEveryMs = 5_000;

/** Connections to every machine, of a run that has a guest's lock. */
export interface GuestSessions extends FleetSessions {
  /**
   * Throws when the lock was lost, as when its connection ended: another run may work on the guest by now. To be called right before each
   * step that changes something; what this run leaves is then as if it had died.
   */
  assertLocked: () => void;
}

/**
 * Runs `use` with connections to every machine, and while no other run works on the guest. Throws HostUnreachable, and why it is
 * cancelled when that comes before.
 */
export function withGuest<T>(
  { guest, uuid }: { guest: string; uuid: string },
  fleet: Fleet,
  tell: Tell,
  use: (sessions: GuestSessions) => Promise<T>,
  cancelled: AbortSignal = new AbortController().signal,
): Promise<T> {
  const intentFile = intentPath(fleet.storage.intentDirectory, uuid);
  return withFleet(fleet, (sessions) =>
    withLock(sessions.storage, guest, `${intentFile}.lock`, tell, cancelled, (assertLocked) =>
      use({ ...sessions, assertLocked }),
    ),
  );
}

/**
 * Runs `use` while no other run works on the guest. The lock is held on the storage host by a process that lives as long as our
 * connection: it is free as soon as we are dead. That matters when only the CLI was killed: the provider's process goes on
 * by itself for a while, and the next run waits until it is done.
 */
async function withLock<T>(
  storage: SshSession,
  guest: string,
  path: string,
  tell: Tell,
  cancelled: AbortSignal,
  use: (assertLocked: () => void) => Promise<T>,
): Promise<T> {
  const file = quote(path);
  const { promise: held, resolve } = Promise.withResolvers<void>();
  let said = "";
  let isLost = false;
  const holder = storage.follow(
    // What fails ends it: bash itself goes on after an exec that could not open its file.
    `(mkdir -p ${quote(dirname(path))} && exec 9> ${file} && flock 9 && echo held && exec sleep infinity) 2>&1`,
    (line) => {
      if (line === "held") resolve();
      else said = line;
    },
  );
  const patience = setInterval(
    () => tell(`${guest}: another run still works on it; waiting for its end`),
    tellEveryMs,
  );
  try {
    await Promise.race([
      aborted(cancelled),
      held,
      holder.ended.then(() => {
        isLost = true;
        throw new Error(
          `The lock of guest ${guest} on ${storage.target.name} could not be had: ` +
            (said
              ? `${said}. Nothing was changed. See that ${dirname(path)} can be written to there, and run again.`
              : "the connection ended. Nothing was changed; run again."),
        );
      }),
    ]);
    clearInterval(patience);
    return await use(() => {
      if (!isLost) return;
      throw new Error(
        `The lock of guest ${guest} on ${storage.target.name} was lost: the connection that held it ended. Another run may work on the guest by now, ` +
          "so nothing more was done with it. Run again: what was begun is then ended or undone.",
      );
    });
  } finally {
    clearInterval(patience);
    await holder.stop();
  }
}
