import { randomUUID } from "node:crypto";
import { execa } from "execa";
import { abandon, ended } from "./connection.ts";
import { outputBehindMarker } from "./remote-command.ts";

/** What a script printed, as it is. */
interface Ran {
  /** Undefined: it was not begun, as the shell did not come up; `stderr` is then what ssh and the login said. */
  stdout: string | undefined;
  stderr: string;
  /** Undefined: the shell ended before the script did, or was left. */
  exitCode: number | undefined;
}

/** What a script and its input may have: both are read a byte at a time. */
const mostBytes = 64 * 1024;

/**
 * A shell that stays on a host and runs scripts there, one after the other, each by a bash of its own. So a script costs one process there,
 * and none here, where a command of its own costs an ssh, a session of sshd's, and its user's login shell.
 *
 * It is told the bytes of a script and of its input, or `-` for none, and ends each script's output, both kinds, with a line of its own
 * that no script knows. It ends when its input does, once the script under way has.
 */
export class HostShell {
  readonly #mark = randomUUID();
  readonly #ssh;
  readonly #stdout: Channel;
  readonly #stderr: Channel;
  #hasSpoken = false;
  // Who opens it runs the first one.
  #isBusy = true;
  /** When it is over, by itself or not. */
  readonly ended: Promise<unknown>;

  /** @param argumentsFor those of `ssh`, to have a script run on the host, behind a marker */
  constructor(argumentsFor: (script: string) => string[]) {
    const bash = 'bash --norc -c "$script"';
    const loop = `while read -r length given; do
  read -r -N "$length" script
  if [ "$given" = - ]; then ${bash} </dev/null; code=$?
  else read -r -N "$given" input; printf %s "$input" 2>/dev/null | ${bash}; code=$?; input=; fi
  printf '\\n%s %s\\n' ${this.#mark} "$code"; printf '\\n%s 0\\n' ${this.#mark} >&2
done`;
    const ssh = execa("ssh", argumentsFor(loop), { stdin: "pipe", reject: false, buffer: false });
    ssh.stdin.on("error", () => {}); // a broken pipe is told by the exit of ssh
    this.#ssh = ssh;
    this.ended = ssh;
    this.#stdout = new Channel(ssh.stdout, this.#mark);
    this.#stderr = new Channel(ssh.stderr, this.#mark);
  }

  /** What it can be given. */
  static takes(script: string, input: string): boolean {
    const text = script + input;
    return Buffer.byteLength(text) <= mostBytes && !text.includes("\0");
  }

  /** Whether it can be given a script now. */
  get isFree(): boolean {
    return !this.#isBusy && this.#ssh.exitCode === null && this.#ssh.signalCode === null;
  }

  async run(script: string, input: string): Promise<Ran> {
    this.#isBusy = true;
    const given = input === "" ? "-" : Buffer.byteLength(input);
    const ends = Promise.all([this.#stdout.next(), this.#stderr.next()]);
    this.#ssh.stdin.write(`${Buffer.byteLength(script)} ${given}\n${script}${input}`);
    const [stdout, stderr] = await ends;
    // Before the first one, ssh and what the login started can have said something.
    const own = (said: string) => (this.#hasSpoken ? said : outputBehindMarker(said));
    const out = own(stdout.text);
    const error = own(stderr.text) ?? (stderr.text.trim() || (out === undefined ? stdout.text : ""));
    this.#hasSpoken ||= out !== undefined;
    this.#isBusy = false;
    const { exitCode } = stdout.code === undefined ? await this.#ssh : { exitCode: stdout.code };
    return { stdout: out, stderr: error, exitCode };
  }

  /** Gives it up at once, with the script that it runs: on the host that may go on. */
  leave(): void {
    this.#isBusy = true;
    abandon(this.#ssh);
  }

  /** Ends it, when it is free. One that does not end in time is left. */
  async end(): Promise<void> {
    this.#isBusy = true;
    this.#ssh.stdin.end();
    await ended(this.#ssh);
  }
}

/** What comes over one of its outputs, cut where a script ends. */
class Channel {
  readonly #chunks: Buffer[] = [];
  readonly #end: RegExp;
  #isOver = false;
  #deliver: ((output: Output) => void) | undefined;

  constructor(stream: NodeJS.ReadableStream, mark: string) {
    this.#end = new RegExp(`\\n${mark} (\\d+)\\n$`);
    stream.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      if (chunk.at(-1) === 0x0a) this.#look();
    });
    stream.on("close", () => {
      this.#isOver = true;
      this.#look();
    });
  }

  /** What is printed from the last end to the next, or to the shell's own end. */
  next(): Promise<Output> {
    return new Promise((resolve) => {
      this.#deliver = resolve;
      this.#look();
    });
  }

  #look(): void {
    const all = Buffer.concat(this.#chunks);
    // The line is plain ASCII, and shorter than that.
    const end = this.#end.exec(all.subarray(-64).toString("latin1"));
    if ((!end && !this.#isOver) || !this.#deliver) return;
    this.#chunks.length = 0;
    const bytes = end ? all.subarray(0, all.length - end[0].length) : all;
    const text = bytes.toString().replace(/\r?\n$/, "");
    this.#deliver({ text, code: end ? Number(end[1]) : undefined });
    this.#deliver = undefined;
  }
}

interface Output {
  text: string;
  /** Undefined: the shell ended. */
  code: number | undefined;
}
