import { uptime } from "node:os";
import type { Follower, SshSession } from "../ssh/session.ts";

/** The host ends what is leased when it has not heard from us for this long. */
const silenceSeconds = 15;
/** We take it for lost before that, since the host may end it a little early. */
const sureForSeconds = 12;
/** Four of them may be late or lost. */
const beatEveryMs = 2_500;

/** A command on a host that stands for something of ours there, for as long as we are alive and can reach the host. */
interface Lease extends Follower {
  /** Whether the host surely still has it. */
  isSure: () => boolean;
}

/**
 * Follows a command that the host ends, with all that it started, when it does not hear from us: a machine that lost its power or its
 * network cannot say so. Each beat comes back, and counts from the moment it was sent: so we know of the end before it comes. The
 * clock is the one that goes on while this machine sleeps.
 */
export function lease(session: SshSession, command: string, onLine: (line: string) => void): Lease {
  let sureUntil = uptime() + sureForSeconds;
  const sent = new Map<string, number>();
  const follower = session.follow(
    command,
    (line) => {
      const sentAt = sent.get(line);
      if (sentAt === undefined) return onLine(line);
      sent.delete(line);
      sureUntil = Math.max(sureUntil, sentAt + sureForSeconds);
    },
    { silenceSeconds },
  );
  let count = 0;
  const beat = () => {
    const name = `beat ${++count}`;
    sent.set(name, uptime());
    follower.write(name);
  };
  beat();
  const timer = setInterval(beat, beatEveryMs);
  void follower.ended.then(() => clearInterval(timer));
  return {
    ...follower,
    isSure: () => uptime() < sureUntil,
    stop: async () => {
      clearInterval(timer);
      await follower.stop();
    },
  };
}
