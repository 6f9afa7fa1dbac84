import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, type ResultPromise } from "execa";
import { noteCommand } from "./command-log.ts";
import {
  abandon,
  answerTakesMs,
  connect,
  ended,
  epochMsOf,
  isAlive,
  type SshConnection,
  within,
} from "./connection.ts";
import { CommandFailed, ConnectionLost } from "./errors.ts";
import { HostShell } from "./host-shell.ts";
import { sshOptions } from "./options.ts";
import { behindMarker, outputBehindMarker, remoteCommand, saidMarker } from "./remote-command.ts";
import type { SshTarget } from "./target.ts";

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
  /** When the time is over: whether it gets as much again. Default: no. */
  getsMoreTime?: () => Promise<boolean>;
  /** Return a non-zero exit instead of throwing. Default false. */
  allowFailure?: boolean;
  /** Ends the command on the host, with all that it started; it then has failed, whether or not it was done. It gets no input. */
  signal?: AbortSignal;
  /** What it prints may hold a secret: no error quotes its standard output, nor has it as a field. Default false. */
  secretOutput?: boolean;
}

/** A command whose lines are read while it runs. It ends with this object, with its session or with our process. */
export interface Follower {
  /** Resolves when the command is over, by itself or by `stop`; rejects with what its line handler threw, which ends it. */
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

/** How long a command may take to end before it is given up. */
const endingTakesMs = 2_000;

/** sshd's default MaxSessions is 10: a place for the connection's own command, and one in reserve. */
const commandsPerConnection = 8;

/**
 * A command that ends, with all that it started, when its standard input does, or is silent for too long: a process group of its own
 * (set -m), since what it started would keep the connection's output open. Lines of input are given back.
 */
const endingWithInput = (command: string, silenceSeconds?: number): string =>
  `set -m; { ${command}\n} </dev/null & child=$!; { trap "" PIPE; while read -r ${silenceSeconds === undefined ? "" : `-t ${silenceSeconds} `}line; do echo "$line"; done <&0; kill -- -$child; } 2>/dev/null & watch=$!; ` +
  'trap "kill -- -$child -$watch 2>/dev/null" EXIT; set +m; wait $child';

/** After a time does something, unless there is more time; until it is cancelled. */
function deadline(timeoutMs: number, act: () => unknown, getsMoreTime: RunOptions["getsMoreTime"]) {
  const it = { isOver: false, cancel: () => {} };
  let isCancelled = false;
  const atEnd = async () => {
    const more = await getsMoreTime?.().catch(() => false);
    if (isCancelled) return;
    if (more) return begin();
    it.isOver = true;
    await act();
  };
  const begin = () => {
    const timer = setTimeout(atEnd, timeoutMs);
    it.cancel = () => {
      isCancelled = true;
      clearTimeout(timer);
    };
  };
  begin();
  return it;
}

/**
 * A host over SSH, with everything run as root. All commands share its connections (OpenSSH's multiplexing): one, and further ones when
 * that carries as many as sshd allows by default. Scripts that end by themselves are run by shells that stay there.
 */
export class SshSession {
  readonly target: SshTarget;
  readonly #first: SshConnection;
  readonly #connections: SshConnection[];
  readonly #shells: HostShell[] = [];
  readonly #followers = new Set<Follower>();
  #opening: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(target: SshTarget, first: SshConnection) {
    this.target = target;
    this.#first = first;
    this.#connections = [first];
  }

  /** Throws HostUnreachable. */
  static async open(target: SshTarget): Promise<SshSession> {
    return new SshSession(target, await connect(target));
  }

  get alive(): boolean {
    return isAlive(this.#first);
  }

  /** Runs a bash script as root. Throws CommandFailed, ConnectionLost. */
  async run(doing: string, script: string, options: RunOptions = {}): Promise<CommandOutput> {
    const { timeoutMs = 60_000, allowFailure = false, signal, secretOutput = false, input = "" } = options;
    const beganMs = performance.now();
    const inShell = !signal && !this.#isClosed && HostShell.takes(script, input);
    const { timedOut, ...ran } = inShell
      ? await this.#runInShell(script, input, timeoutMs, options)
      : await this.#runByItself(script, timeoutMs, options);
    const tookMs = performance.now() - beganMs;
    noteCommand({ host: this.target.name, doing, tookMs, exitCode: timedOut ? undefined : ran.exitCode });
    const hasBegun = ran.stdout !== undefined;
    const output = { stdout: ran.stdout ?? "", stderr: ran.stderr, exitCode: ran.exitCode ?? -1 };
    const told = { doing, host: this.target.name, ...output, ...(secretOutput && { stdout: "" }) };
    if (signal?.aborted) {
      throw new CommandFailed({ ...told, stderr: (signal.reason as Error).message });
    }
    if (timedOut) throw new CommandFailed({ ...told, timedOutAfterMs: timeoutMs });
    // 255 is ssh's own, unless the command began; a connection that broke in the middle is known by its being dead.
    if (output.exitCode === 255 && !(hasBegun && this.alive)) {
      throw new ConnectionLost(this.target, output.stderr);
    }
    if (!hasBegun) {
      const stderr = `the login shell there did not run it: ${output.stderr.trim() || "it said nothing"}`;
      throw new CommandFailed({ ...told, stderr });
    }
    if (output.exitCode !== 0 && !allowFailure) throw new CommandFailed(told);
    return output;
  }

  /** In a shell that is there, or in a new one. */
  async #runInShell(script: string, input: string, timeoutMs: number, { getsMoreTime }: RunOptions) {
    const shell = this.#shells.find(({ isFree }) => isFree) ?? (await this.#openShell());
    const over = deadline(timeoutMs, () => shell.leave(), getsMoreTime);
    try {
      const ran = await shell.run(script, input);
      return { ...ran, timedOut: over.isOver };
    } finally {
      over.cancel();
    }
  }

  async #openShell(): Promise<HostShell> {
    const connection = await this.#withRoom();
    const shell = new HostShell((loop) => this.#arguments(connection, loop));
    this.#shells.push(shell);
    void shell.ended.then(() => {
      connection.commands--;
      this.#shells.splice(this.#shells.indexOf(shell), 1);
    });
    return shell;
  }

  /** As a command of the connection's: until it ends by itself, is no longer wanted, or its time is over. */
  async #runByItself(script: string, timeoutMs: number, { input = "", signal, getsMoreTime }: RunOptions) {
    const connection = await this.#withRoom();
    const whole = this.#arguments(connection, signal ? endingWithInput(script) : script);
    const child = signal
      ? execa("ssh", whole, { stdin: "pipe", reject: false })
      : execa("ssh", whole, { input, reject: false });
    child.stdin?.on("error", () => {});
    const end = () => child.stdin?.end();
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
    const leave = async () => {
      if (signal) {
        end();
        await sleep(endingTakesMs);
      }
      abandon(child);
    };
    const over = deadline(timeoutMs, leave, getsMoreTime);
    try {
      const { stdout, stderr, exitCode } = await child;
      const [own, error] = [outputBehindMarker(stdout), outputBehindMarker(stderr)];
      // Before it began, only ssh and what the login started can have said something.
      const said = own === undefined ? stderr.trim() || stdout : (error ?? stderr);
      return { stdout: own, stderr: said, exitCode, timedOut: over.isOver };
    } finally {
      connection.commands--;
      over.cancel();
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
    let child: ResultPromise | undefined;
    let isStopped = false;
    const whole = async () => {
      const connection = await this.#withRoom();
      try {
        if (isStopped) return;
        child = execa("ssh", this.#arguments(connection, endingWithInput(command, silenceSeconds)), {
          stdin: "pipe",
          stdout: "pipe",
          stderr: "ignore",
          reject: false,
          buffer: false,
        });
        child.stdin?.on("error", () => {});
        await Promise.all([child, this.#read(child, onLine)]);
      } finally {
        connection.commands--;
        this.#followers.delete(follower);
      }
    };
    const follower: Follower = {
      ended: whole(),
      // Until it has begun nobody hears it.
      write: (line) => void child?.stdin?.write(`${line}\n`),
      stop: async () => {
        isStopped = true;
        child?.stdin?.end();
        if (child) await ended(child);
        await follower.ended.catch(() => {}); // told where it is waited for
      },
    };
    follower.ended.catch(() => {}); // nobody needs to wait for it
    this.#followers.add(follower);
    return follower;
  }

  /** Reads what a command prints. What a handler throws ends the command, and is thrown here. */
  #read(child: ResultPromise, onLine: (line: string) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
      let isOurs = false;
      let hasFailed = false;
      lines.on("close", resolve);
      lines.on("line", (line) => {
        if (hasFailed) return;
        if (!isOurs) {
          isOurs = saidMarker(line);
          return;
        }
        try {
          onLine(line);
        } catch (error) {
          hasFailed = true;
          child.stdin?.end();
          reject(error);
        }
      });
    });
  }

  /**
   * Reads the host's clock as NTP does: the exchange with the shortest way there and back of several decides; half that way is
   * the uncertainty.
   */
  async readClock(exchanges = 8): Promise<ClockReading> {
    let best: ClockReading | undefined;
    for (let i = 0; i < exchanges; i++) {
      const sentAtMs = performance.timeOrigin + performance.now();
      this.#first.ssh.stdin?.write("\n");
      const line = await within(this.#first.clockLines.next(), answerTakesMs);
      const roundTripMs = performance.timeOrigin + performance.now() - sentAtMs;
      if (line === undefined) {
        const stderr = `it did not tell its clock within ${answerTakesMs / 1000} s`;
        throw new ConnectionLost(this.target, stderr);
      }
      if (line.done) throw new ConnectionLost(this.target, "it ended while the host's clock was read");
      const reading = {
        offsetMs: epochMsOf(this.target, line.value) - (sentAtMs + roundTripMs / 2),
        uncertaintyMs: roundTripMs / 2,
      };
      if (!best || reading.uncertaintyMs < best.uncertaintyMs) best = reading;
    }
    return best as ClockReading;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
    await this.#opening;
    await Promise.all(this.#shells.map((shell) => shell.end()));
    for (const { ssh } of this.#connections) ssh.stdin?.end();
    await Promise.all(this.#connections.map(({ ssh }) => ended(ssh)));
  }

  /** A connection that has room for another command, which then is counted. Its user counts down at the end. */
  async #withRoom(): Promise<SshConnection> {
    const free = () => this.#connections.find((one) => one.commands < commandsPerConnection && isAlive(one));
    const openAnother = async () => {
      if (free() || !this.alive || this.#isClosed) return;
      // A shell that has nothing to do makes room.
      const idle = this.#shells.find(({ isFree }) => isFree);
      if (idle) return idle.end();
      // One at a time: a server drops some of many logins at once (MaxStartups).
      // Without another one, ssh makes a connection for the command alone.
      const connection = await connect(this.target).catch(() => undefined);
      if (connection) this.#connections.push(connection);
    };
    // Those that wait may be more than one connection carries.
    for (let tries = 0; !free() && this.alive && !this.#isClosed && tries < 3; tries++) {
      this.#opening = this.#opening.then(openAnother);
      await this.#opening;
    }
    const connection = free() ?? this.#first;
    connection.commands++;
    return connection;
  }

  #arguments({ control }: SshConnection, script: string): string[] {
    const user = this.target.user === "root" ? "root" : "sudo";
    return [
      "-S",
      control,
      ...sshOptions(this.target),
      this.target.address,
      remoteCommand(behindMarker(script), user),
    ];
  }
}
