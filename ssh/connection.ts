import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type ResultPromise } from "execa";
import { noteCommand } from "./command-log.ts";
import { newControlSocket } from "./control-socket.ts";
import { HostUnreachable } from "./errors.ts";
import { sshOptions } from "./options.ts";
import { behindMarker, remoteCommand, saidMarker } from "./remote-command.ts";
import type { SshTarget } from "./target.ts";

/** What a login may take, from the first packet on; a host that is reached over another one has two of them. */
const loginTakesMs = 60_000;
/** What the shell of a host that let us in gets for its first answer. */
const shellTakesMs = 30_000;

/**
 * One connection of OpenSSH's, which other ssh processes share.
 *
 * Its own command answers with the host's clock, a line for each line it gets, and ends when its standard input does: so the connection
 * lives exactly as long as this process, even when that is killed.
 */
export interface SshConnection {
  readonly control: string;
  readonly ssh: ResultPromise;
  readonly clockLines: AsyncIterator<string>;
  /** How many commands it carries, beside its own. */
  commands: number;
}

export const isAlive = ({ ssh }: SshConnection): boolean => ssh.exitCode === null && ssh.signalCode === null;

/** By a server that has too many logins at once (MaxStartups). */
const wasDropped = (error: unknown): boolean =>
  error instanceof HostUnreachable &&
  /kex_exchange_identification|Connection (reset|closed) by|Not allowed at this time/.test(error.stderr);

/** Throws HostUnreachable. */
export async function connect(target: SshTarget, attempts = 4): Promise<SshConnection> {
  const beganMs = performance.now();
  try {
    const connection = await connectOnce(target);
    noteCommand({ host: target.name, tookMs: performance.now() - beganMs });
    return connection;
  } catch (error) {
    if (attempts <= 1 || !wasDropped(error)) throw error;
    // Logins dropped together do not come back together.
    await sleep(300 + Math.random() * 1_500);
    return connect(target, attempts - 1);
  }
}

async function connectOnce(target: SshTarget): Promise<SshConnection> {
  // ssh makes it for this user alone, and removes it when it ends.
  const control = await newControlSocket();
  // EPOCHREALTIME needs bash 5, and no process of its own a reading.
  const clock = behindMarker(`while read -r _; do echo "$EPOCHREALTIME"; done`);
  const ssh = execa(
    "ssh",
    ["-M", "-S", control, ...sshOptions(target), target.address, remoteCommand(clock)],
    { stdin: "pipe", stdout: "pipe", stderr: "pipe", reject: false, buffer: { stdout: false } },
  );
  ssh.stdin.on("error", () => {}); // a broken pipe is told by the exit of ssh
  ssh.stdin.write("\n");
  const clockLines = createInterface({ input: ssh.stdout })[Symbol.asyncIterator]();
  let said = "";
  const first = (async () => {
    for (let isOurs = false; ; ) {
      const line = await clockLines.next();
      if (line.done || isOurs) return line;
      isOurs = saidMarker(line.value);
      if (!isOurs) said = line.value || said;
    }
  })();
  // It listens there as soon as it is let in.
  const isIn = () => existsSync(control);
  const answer = await within(first, loginTakesMs, { once: isIn, ms: shellTakesMs });
  if (answer === undefined) {
    const stderr = isIn()
      ? `it logged in, and the shell there does not answer within ${shellTakesMs / 1000} s${said && ` (it said: ${said})`}. ` +
        "Look at the login shell of that user, at its home folder (a mount that hangs?) and at sshd's ForceCommand"
      : `no login within ${loginTakesMs / 1000} s`;
    ssh.kill();
    throw new HostUnreachable(target, stderr);
  }
  if (answer.done) {
    const { stderr } = await ssh;
    throw new HostUnreachable(target, String(stderr) || (said && `the shell there ended, and said: ${said}`));
  }
  try {
    epochMsOf(target, answer.value);
  } catch (error) {
    ssh.kill();
    throw error;
  }
  return { control, ssh, clockLines, commands: 0 };
}

/** What comes in time, or undefined. Once `then.once` holds, `then.ms` is the time. */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  then?: { once: () => boolean; ms: number },
): Promise<T | undefined> {
  const over = new AbortController();
  const clock = async (): Promise<undefined> => {
    const stepMs = 200;
    let leftMs = ms;
    for (let isLater = false; leftMs > 0; leftMs -= stepMs) {
      await sleep(Math.min(stepMs, leftMs), undefined, { signal: over.signal });
      if (isLater || !then?.once()) continue;
      isLater = true;
      leftMs = then.ms;
    }
  };
  try {
    return await Promise.race([promise, clock()]);
  } finally {
    over.abort();
  }
}

/** Reads a line of a host's clock. Throws when it is none. */
export function epochMsOf(target: SshTarget, line: string): number {
  if (/^\d+\.\d+$/.test(line)) return Number(line) * 1000;
  throw new HostUnreachable(
    target,
    `asked for its clock, it said ${JSON.stringify(line)}, which is no time. It needs bash 5 or newer (EPOCHREALTIME)`,
  );
}

/** What a host gets for an answer, or for an end, when it has answered before: ssh itself notices a dead one in 15 s. */
export const answerTakesMs = 20_000;

/** Gives an ssh up at once. What it runs on the host may go on, and would keep the connection's ends of its output open. */
export function abandon(ssh: Pick<ResultPromise, "kill" | "stdout" | "stderr">): void {
  ssh.kill();
  ssh.stdout?.destroy();
  ssh.stderr?.destroy();
}

/** Waits for the end of an ssh whose input was closed, as long as that may take. */
export async function ended(ssh: ResultPromise): Promise<void> {
  const deadline = setTimeout(() => abandon(ssh), answerTakesMs);
  await ssh.finally(() => clearTimeout(deadline));
}
