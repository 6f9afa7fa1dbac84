// Runs a command on this machine.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { CommandError, type Output } from "./output.ts";

interface LocalRun {
  readonly command: string;
  readonly interpreter?: readonly string[];
  /** Default: where the plugin runs, which is the project's folder. */
  readonly dir?: string;
  /** Added to this process's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** How the command is called in an error. */
  readonly shownAs: string;
}

/** A cancelled command gets this long to end by itself. */
const stopGraceMs = 5_000;

/** Runs until the command has ended and closed its output. Throws a CommandError if it fails or is cancelled. */
export async function runLocal(run: LocalRun, output: Output, signal: AbortSignal): Promise<void> {
  const [program = "/bin/sh", ...args] = run.interpreter?.length ? run.interpreter : ["/bin/sh", "-c"];
  // In the plugin's own process group, as with the official plugin: the engine ends that group when it is done, and
  // with it whatever the command left running, unless that took a session of its own (setsid).
  const child = spawn(program, [...args, run.command], {
    cwd: run.dir,
    env: { ...process.env, ...run.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdout.on("data", (chunk) => output.add("stdout", chunk));
  child.stderr.on("data", (chunk) => output.add("stderr", chunk));
  child.stdin.on("error", () => {}); // a command need not read what it is given
  child.stdin.end(run.stdin ?? "");
  const stop = () => stopTree(child.pid);
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    const [code, ended] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", (error) => reject(new Error(`cannot run ${program}: ${error.message}`)));
      child.once("close", (code, ended) => resolve([code, ended]));
    });
    output.end();
    if (signal.aborted) throw new CommandError("cancelled", run.shownAs, output);
    if (ended !== null) throw new CommandError(`ended by ${ended}`, run.shownAs, output);
    if (code !== 0) throw new CommandError(`exit status ${code}`, run.shownAs, output);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Ends a process and all that it started: told first, killed later. */
function stopTree(root: number | undefined): void {
  if (root === undefined) return;
  const told = processTree(root);
  for (const { pid } of told) kill(pid, "SIGTERM");
  setTimeout(() => {
    const now = new Map([...told, ...processTree(root)].map((one) => [one.pid, one]));
    // A number may have gone to another process meanwhile: its start time tells.
    for (const one of now.values()) if (startOf(one.pid) === one.start) kill(one.pid, "SIGKILL");
  }, stopGraceMs).unref();
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended already
  }
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** In clock ticks since the machine's boot. */
  readonly start: string;
}

/** The process `root` and those below it, from /proc: a shell's children are what holds its output open. */
function processTree(root: number): Process[] {
  const all = readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .map(readProcess)
    .filter((one) => one !== undefined);
  const below = (pid: number): Process[] =>
    all.filter((one) => one.parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return [...all.filter((one) => one.pid === root), ...below(root)];
}

function startOf(pid: number): string | undefined {
  return readProcess(pid)?.start;
}

function readProcess(pid: number): Process | undefined {
  try {
    // "pid (name) state ppid …", the start is the 22nd: the name may hold anything, blanks and brackets too
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(fields[1]), start: fields[19] ?? "" };
  } catch {
    return undefined; // it ended in the meantime
  }
}
