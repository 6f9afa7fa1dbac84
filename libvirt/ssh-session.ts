import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type ResultPromise } from "execa";
import { CommandFailed, ConnectionLost, HostUnreachable } from "./errors.ts";
import type { SshTarget } from "./ssh-target.ts";

/** What a command on a host printed. */
export interface CommandOutput {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export interface RunOptions {
  /** Given to the command's standard input; never logged, so secrets belong here. */
  input?: string;
  /** After that it has failed; without a signal the command may go on on the host. Default 60 000. */
  timeoutMs?: number;
  /** Asked when the time is over: whether it gets as much again. Default: no. */
  getsMoreTime?: () => Promise<boolean>;
  /** Return a non-zero exit instead of throwing. Default false. */
  allowFailure?: boolean;
  /** Ends the command on the host, with all that it started; it then has failed, whether or not it was done. It gets no input. */
  signal?: AbortSignal;
}

/** A command whose lines are read while it runs. It ends with this object, with its session or with our process. */
export interface Follower {
  /** Resolves when the command is over, by itself or by `stop`. */
  readonly ended: Promise<void>;
  /** Gives the host a line, which it gives back. */
  write(line: string): void;
  stop(): Promise<void>;
}

/** How far a host's wall clock is ahead of ours, and how wrong that can be. */
export interface ClockReading {
  offsetMs: number;
  uncertaintyMs: number;
}

/** Quotes a word for a POSIX shell. */
export const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const expandHome = (path: string): string => (path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);

/** OpenSSH's options for a target: strict about host keys wherever they are known. */
export function sshOptions(target: SshTarget): string[] {
  const options = [
    ["BatchMode", "yes"],
    ["ConnectTimeout", "10"],
    // A host that died in the middle of a move is noticed within 15 s.
    ["ServerAliveInterval", "5"],
    ["ServerAliveCountMax", "3"],
    ["LogLevel", "ERROR"],
  ];
  if (target.privateKeyFile) {
    options.push(["IdentitiesOnly", "yes"], ["IdentityFile", expandHome(target.privateKeyFile)]);
  }
  if (target.knownHostsFile) {
    options.push(["UserKnownHostsFile", expandHome(target.knownHostsFile)], ["StrictHostKeyChecking", "yes"]);
  }
  return [
    ...options.flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    "-p",
    String(target.port),
    "-l",
    target.user,
  ];
}

/** What a command that is ended gets until it is given up. */
const endingTakesMs = 2_000;

const socketPrefix = "testbed-ssh-";
let removal: Promise<void> | undefined;

/** Removes the sockets of connections whose ssh was killed: their names say which process they were for, and it is gone. */
async function removeStaleSockets(): Promise<void> {
  const isGone = (name: string) => !existsSync(`/proc/${name.slice(socketPrefix.length).split("-")[0]}`);
  const names = await readdir(tmpdir());
  const stale = names.filter((name) => name.startsWith(socketPrefix) && isGone(name));
  // One of another user's is not ours to remove.
  await Promise.allSettled(stale.map((name) => rm(join(tmpdir(), name), { force: true })));
}

/**
 * A command that ends, with all that it started, when its standard input does, or is silent for too long: a process group of its own
 * (set -m), since what it started would keep the connection's output open. Lines of input are given back.
 */
const endingWithInput = (command: string, silenceSeconds?: number): string =>
  `set -m; { ${command}\n} </dev/null & child=$!; { trap "" PIPE; while read -r ${silenceSeconds === undefined ? "" : `-t ${silenceSeconds} `}line; do echo "$line"; done <&0; kill -- -$child; } 2>/dev/null & watch=$!; ` +
  'trap "kill -- -$child -$watch 2>/dev/null" EXIT; set +m; wait $child';

/**
 * One SSH connection to a host, shared by all commands on it (OpenSSH's multiplexing), everything run as root.
 *
 * The connection's own command answers with the host's clock, a line for each line it gets, and ends when its standard
 * input does: so the connection lives exactly as long as this process, even when that is killed.
 */
export class SshSession {
  readonly target: SshTarget;
  readonly #control: string;
  readonly #master: ResultPromise;
  readonly #clockLines: AsyncIterator<string>;
  readonly #followers = new Set<Follower>();

  private constructor(
    target: SshTarget,
    control: string,
    master: ResultPromise,
    clockLines: AsyncIterator<string>,
  ) {
    this.target = target;
    this.#control = control;
    this.#master = master;
    this.#clockLines = clockLines;
  }

  /** Throws HostUnreachable. */
  static async open(target: SshTarget): Promise<SshSession> {
    removal ??= removeStaleSockets();
    await removal;
    // ssh makes it for this user alone, and removes it when it ends.
    const control = join(tmpdir(), `${socketPrefix}${process.pid}-${randomUUID()}`);
    // EPOCHREALTIME needs bash 5, and no process of its own a reading.
    const clock = `while read -r _; do echo "$EPOCHREALTIME"; done`;
    const master = execa(
      "ssh",
      ["-M", "-S", control, ...sshOptions(target), target.address, `bash -c ${quote(clock)}`],
      { stdin: "pipe", stdout: "pipe", stderr: "pipe", reject: false, buffer: { stdout: false } },
    );
    const clockLines = createInterface({ input: master.stdout })[Symbol.asyncIterator]();
    master.stdin.on("error", () => {}); // a broken pipe is told by the exit of ssh
    master.stdin.write("\n");
    const first = await clockLines.next();
    if (first.done) {
      const { stderr } = await master;
      throw new HostUnreachable(target, String(stderr));
    }
    return new SshSession(target, control, master, clockLines);
  }

  get alive(): boolean {
    return this.#master.exitCode === null && this.#master.signalCode === null;
  }

  /** Runs a bash script as root. Throws CommandFailed, ConnectionLost. */
  async run(doing: string, script: string, options: RunOptions = {}): Promise<CommandOutput> {
    const { timeoutMs = 60_000, allowFailure = false, signal } = options;
    const { timedOut, ...result } = await this.#runUntil(script, timeoutMs, options);
    const output = { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode ?? -1 };
    if (signal?.aborted) {
      const stderr = (signal.reason as Error).message;
      throw new CommandFailed({ doing, host: this.target.name, ...output, stderr });
    }
    if (timedOut) {
      throw new CommandFailed({ doing, host: this.target.name, ...output, timedOutAfterMs: timeoutMs });
    }
    // 255 is ssh's own; a connection that broke in the middle says so on stderr or by a dead master.
    if (output.exitCode === 255 && !this.alive) throw new ConnectionLost(this.target, output.stderr);
    if (output.exitCode !== 0 && !allowFailure) {
      throw new CommandFailed({ doing, host: this.target.name, ...output });
    }
    return output;
  }

  /** Until it is over by itself, is not wanted any more, or its time is. */
  async #runUntil(script: string, timeoutMs: number, { input = "", signal, getsMoreTime }: RunOptions) {
    const child = signal
      ? execa("ssh", this.#arguments(endingWithInput(script)), { stdin: "pipe", reject: false })
      : execa("ssh", this.#arguments(script), { input, reject: false });
    child.stdin?.on("error", () => {});
    const end = () => child.stdin?.end();
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    let timedOut = false;
    let isOver = false;
    const atDeadline = async () => {
      const more = await getsMoreTime?.().catch(() => false);
      if (isOver) return;
      if (more) {
        deadline = setTimeout(atDeadline, timeoutMs);
        return;
      }
      timedOut = true;
      if (signal) {
        end();
        await sleep(endingTakesMs);
      }
      child.kill();
      // A command that goes on on the host keeps the connection's ends of these open, whatever becomes of ssh here.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    let deadline = setTimeout(atDeadline, timeoutMs);
    try {
      return { ...(await child), timedOut };
    } finally {
      isOver = true;
      clearTimeout(deadline);
      signal?.removeEventListener("abort", end);
    }
  }

  /**
   * Runs a bash command for as long as its lines are wanted. On the host it is ended when the connection's input closes,
   * or brings no line for `silenceSeconds`, so that nothing is left there whatever happens here.
   */
  follow(
    command: string,
    onLine: (line: string) => void,
    { silenceSeconds }: { silenceSeconds?: number } = {},
  ): Follower {
    const child = execa("ssh", this.#arguments(endingWithInput(command, silenceSeconds)), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      reject: false,
      buffer: false,
    });
    child.stdin.on("error", () => {});
    const lines = createInterface({ input: child.stdout });
    lines.on("line", onLine);
    const follower: Follower = {
      ended: child.then(() => {}),
      write: (line) => void child.stdin.write(`${line}\n`),
      stop: async () => {
        this.#followers.delete(follower);
        child.stdin.end();
        await child;
      },
    };
    this.#followers.add(follower);
    return follower;
  }

  /**
   * Reads the host's clock as NTP does: the exchange with the shortest way there and back of several decides; half that way is
   * the uncertainty.
   */
  async readClock(exchanges = 8): Promise<ClockReading> {
    let best: ClockReading | undefined;
    for (let i = 0; i < exchanges; i++) {
      const sentAtMs = performance.timeOrigin + performance.now();
      this.#master.stdin?.write("\n");
      const line = await this.#clockLines.next();
      const roundTripMs = performance.timeOrigin + performance.now() - sentAtMs;
      if (line.done) throw new ConnectionLost(this.target, "it ended while the host's clock was read");
      const reading = {
        offsetMs: Number(line.value) * 1000 - (sentAtMs + roundTripMs / 2),
        uncertaintyMs: roundTripMs / 2,
      };
      if (!best || reading.uncertaintyMs < best.uncertaintyMs) best = reading;
    }
    return best as ClockReading;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
    this.#master.stdin?.end();
    await this.#master;
  }

  #arguments(script: string): string[] {
    const asRoot = this.target.user === "root" ? "" : "sudo -n ";
    return [
      "-S",
      this.#control,
      ...sshOptions(this.target),
      this.target.address,
      `${asRoot}bash -c ${quote(script)}`,
    ];
  }
}
