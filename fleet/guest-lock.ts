import { hostname, userInfo } from "node:os";
import { dirname } from "node:path/posix";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import { aborted } from "./aborted.ts";
import type { Fleet } from "./fleet.ts";
import { intentPath } from "./intent.ts";
import { lease } from "./lease.ts";
import { lockProgram } from "./lock-program.ts";
import { type FleetSessions, withFleet } from "./observe.ts";
import { forgetLooks } from "./shared-view.ts";
import type { Tell } from "./tell.ts";

const tellEveryMs = 5_000;
/** The person is told what to do after this wait. */
const longWaitMs = 180_000;
/** The storage host says something more often than that, as long as its disk answers. */
const patienceMs = 30_000;

/** Connections to every machine, of a run that has a guest's lock. */
export interface GuestSessions extends FleetSessions {
  /**
   * Throws when the lock was lost, as when its connection ended: another run may work on the guest by now. To be called right before each
   * step that changes something; what this run leaves is then as if it had died.
   */
  assertLocked: () => void;
}

/**
 * Runs `use` with connections to every machine, and while no other run works on the guest. Throws HostUnreachable, or why it was cancelled
 * if that comes first.
 */
export function withGuest<T>(
  { guest, uuid, doing = "moving it" }: { guest: string; uuid: string; doing?: string },
  fleet: Fleet,
  tell: Tell,
  use: (sessions: GuestSessions) => Promise<T>,
  cancelled: AbortSignal = new AbortController().signal,
): Promise<T> {
  const { intentDirectory, formerDirectory = "" } = fleet.storage;
  const lock = `${intentPath(intentDirectory, uuid)}.lock`;
  const since = new Date().toISOString();
  const who = `${userInfo().username}@${hostname()}, process ${process.pid}, since ${since}: ${doing}`;
  const command = `${lockProgram}\nhave ${[lock, who, formerDirectory].map(quote).join(" ")}`;
  return withFleet(fleet, (sessions) =>
    withLock(sessions.storage, { guest, lock, command }, tell, cancelled, (assertLocked) =>
      use({ ...sessions, assertLocked }),
    ),
  ).finally(forgetLooks);
}

/**
 * Runs `use` while no other run works on the guest. The lock is held on the storage host by a process that lives as long as our connection,
 * and 15 s at most after it last heard of us. That also matters when only the CLI was killed: the provider's process goes on for a while,
 * and the next run waits until it is done.
 */
async function withLock<T>(
  storage: SshSession,
  { guest, lock, command }: { guest: string; lock: string; command: string },
  tell: Tell,
  cancelled: AbortSignal,
  use: (assertLocked: () => void) => Promise<T>,
): Promise<T> {
  const { promise: held, resolve } = Promise.withResolvers<void>();
  const { promise: silence, reject } = Promise.withResolvers<never>();
  silence.catch(() => {}); // told where it is waited for
  const startedMs = Date.now();
  const where = `The lock of guest ${guest} on ${storage.target.name}`;
  let said = "";
  let holds = "";
  let isLost = false;
  const holder = lease(storage, command, (line) => {
    patience.refresh();
    if (line === "held") resolve();
    else if (line.startsWith("busy ")) holds = line.slice("busy ".length);
    else said = line;
  });
  const patience = setTimeout(
    () =>
      reject(
        new Error(
          `${where} could not be had: nothing was heard of ${lock} there within ${patienceMs / 1000} s. Nothing was changed. See that its disk answers, and run again.`,
        ),
      ),
    patienceMs,
  );
  const telling = setInterval(() => {
    const advice =
      Date.now() - startedMs < longWaitMs
        ? ""
        : ". If that run is not wanted any more, interrupt it there; of a machine that is dead the lock is free within 15 s";
    tell(`${guest}: another run still works on it; waiting for its end${holds && ` (${holds})`}${advice}`);
  }, tellEveryMs);
  const isHad = () => {
    clearInterval(telling);
    clearTimeout(patience);
  };
  try {
    await Promise.race([
      aborted(cancelled),
      held,
      silence,
      holder.ended.then(() => {
        isLost = true;
        throw new Error(
          `${where} could not be had: ` +
            (said
              ? `${said}. Nothing was changed. See that ${dirname(lock)} can be written to there, and run again.`
              : "the connection ended. Nothing was changed; run again."),
        );
      }),
    ]);
    isHad();
    return await use(() => {
      if (!isLost && holder.isSure()) return;
      isLost = true;
      throw new Error(
        `${where} was lost: the connection that held it ended, or did not answer. Another run may work on the guest by now, ` +
          "so nothing more was done with it. Run again: what was begun is then ended or undone.",
      );
    });
  } finally {
    isHad();
    await holder.stop();
  }
}
