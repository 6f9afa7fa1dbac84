// Runs a Pulumi program: a Node process with @pulumi/pulumi's own runner in it.
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Pulumi.yaml's runtime options, as far as they are known here. */
export interface RuntimeOptions {
  /** Run TypeScript through ts-node, which @pulumi/pulumi brings. Default true, as in Pulumi. */
  readonly typescript: boolean;
  readonly tsconfig?: string;
  /** Arguments for Node itself. */
  readonly nodeargs: readonly string[];
  readonly packagemanager: "auto" | "npm" | "pnpm" | "yarn";
}

/** What to run, and in which deployment. */
export interface ProgramRun {
  readonly programDirectory: string;
  readonly rootDirectory: string;
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly options: RuntimeOptions;
  readonly monitorAddress: string;
  readonly engineAddress: string;
  readonly organization: string;
  readonly project: string;
  readonly stack: string;
  readonly dryRun: boolean;
  /** How many resource operations may run at once. */
  readonly parallel: number;
  readonly config: Readonly<Record<string, string>>;
  readonly configSecretKeys: readonly string[];
}

/** How a program ended; no error and no bail is success. */
interface ProgramResult {
  readonly error?: string;
  /** The program has told the user what is wrong; nothing should be added to it. */
  readonly bail?: boolean;
}

/** What the SDK's runner exits with when it has shown the user an error already. */
const bailExitCode = 32;

/** A program that was told to stop gets this long before it is killed. */
const stopGraceMs = 5_000;

/** Reads Pulumi.yaml's `runtime.options`; throws an Error that names a wrong one. */
export function parseOptions(options: Readonly<Record<string, unknown>>): RuntimeOptions {
  const { typescript = true, tsconfig, nodeargs = "", packagemanager = "auto" } = options;
  if (typeof typescript !== "boolean") throw new Error("runtime option typescript must be a boolean");
  if (tsconfig !== undefined && typeof tsconfig !== "string")
    throw new Error("runtime option tsconfig must be a string");
  if (typeof nodeargs !== "string") throw new Error("runtime option nodeargs must be a string");
  if (
    packagemanager !== "auto" &&
    packagemanager !== "npm" &&
    packagemanager !== "pnpm" &&
    packagemanager !== "yarn"
  )
    throw new Error(`runtime option packagemanager must be auto, npm, pnpm or yarn, not ${packagemanager}`);
  return {
    typescript,
    ...(tsconfig === undefined ? {} : { tsconfig }),
    nodeargs: splitArguments(nodeargs),
    packagemanager,
  };
}

/** Splits a command line at its blanks; what stands in single or double quotes is one argument. */
export function splitArguments(line: string): string[] {
  return [...line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([argument]) =>
    argument.replace(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single),
  );
}

/** Node's command line for a run; `runner` is the path of @pulumi/pulumi's cmd/run. */
export function nodeArguments(run: ProgramRun, runner: string): string[] {
  const flag = (name: string, value: string) => (value === "" ? [] : [`--${name}`, value]);
  return [
    ...run.options.nodeargs,
    runner,
    ...flag("monitor", run.monitorAddress),
    ...flag("engine", run.engineAddress),
    ...flag("organization", run.organization),
    ...flag("project", run.project),
    ...flag("root-directory", run.rootDirectory),
    ...flag("stack", run.stack),
    ...flag("pwd", run.programDirectory),
    ...(run.dryRun ? ["--dry-run"] : []),
    ...flag("parallel", String(run.parallel)),
    run.entryPoint || ".",
    ...run.args,
  ];
}

/** What the SDK's runner reads from its environment. */
export function programEnvironment(run: ProgramRun): Record<string, string> {
  return {
    PULUMI_CONFIG: JSON.stringify(run.config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(run.configSecretKeys),
    ...(run.options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    ...(run.options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: run.options.tsconfig }),
  };
}

/** What the engine is told of a program's end. */
export function resultOf(code: number | null, signal: NodeJS.Signals | null): ProgramResult {
  if (signal !== null) return { error: `Program exited unexpectedly: ended by ${signal}` };
  if (code === bailExitCode) return { bail: true };
  return code === 0 ? {} : { error: `Program exited with non-zero exit code: ${code}` };
}

/**
 * Runs the program with the Node that is on PATH; its output goes to this process's own. When `signal` aborts the
 * program is told to end, and killed if it does not.
 */
export async function runProgram(run: ProgramRun, signal: AbortSignal): Promise<ProgramResult> {
  let runner: string;
  try {
    const name = process.env.PULUMI_LANGUAGE_NODEJS_RUN_PATH || "@pulumi/pulumi/cmd/run";
    runner = createRequire(join(run.programDirectory, "package.json")).resolve(name);
  } catch {
    return { error: "It looks like the Pulumi SDK has not been installed. Have you run pulumi install?" };
  }
  const child = spawn("node", nodeArguments(run, runner), {
    cwd: run.programDirectory,
    env: { ...process.env, ...programEnvironment(run) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  const stop = () => stopChild(child);
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    return await ended(child);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function ended(child: ChildProcess): Promise<ProgramResult> {
  return new Promise((resolve) => {
    child.once("error", (error) =>
      resolve({
        error: `Problem executing program (could not run node, which must be on PATH): ${error.message}`,
      }),
    );
    child.once("close", (code, signal) => resolve(resultOf(code, signal)));
    // "close" waits for the output to end, which a background process that inherited it can hold open.
    child.once("exit", async (code, signal) => {
      await sleep(1_000, undefined, { ref: false });
      resolve(resultOf(code, signal));
    });
  });
}

function stopChild(child: ChildProcess): void {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), stopGraceMs).unref();
}
