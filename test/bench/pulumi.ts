import { join } from "node:path";
import { createInterface } from "node:readline";
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import { execa } from "execa";

/** The project's folder. */
export const project = join(import.meta.dirname, "..", "..");

export interface PulumiRun {
  /** From the start of bin/pulumi to its end. */
  wallMs: number;
  stdout: string;
}

export interface RunOptions {
  /** Added to the environment. */
  env?: Record<string, string>;
  /** Called with each of the engine's events as it comes; the arguments must include --json. */
  onEvent?: (event: EngineEvent, atMs: number) => void;
  /** Called with the CLI's process id: bin/pulumi becomes the CLI. */
  onStart?: (pid: number) => void;
}

/** Runs bin/pulumi, as `npm run pulumi` does. Throws with what Pulumi said when it fails. */
export async function pulumi(args: readonly string[], options: RunOptions = {}): Promise<PulumiRun> {
  const startedMs = performance.now();
  const child = execa("sh", ["bin/pulumi", ...args], {
    cwd: project,
    env: { ...options.env, NO_COLOR: "1" },
    stdin: "ignore",
    reject: false,
  });
  if (child.pid) options.onStart?.(child.pid);
  if (options.onEvent) {
    const { onEvent } = options;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) onEvent(JSON.parse(line), performance.now() - startedMs);
    });
  }
  const { stdout, stderr, failed } = await child;
  if (failed) throw new Error(`pulumi ${args.join(" ")} failed:\n${stderr}\n${readable(stdout)}`);
  return { wallMs: performance.now() - startedMs, stdout };
}

/** With --json the errors are among thousands of lines. */
/** Throws when an update that was to find nothing to do did something. */
export function refuseChange(said: string): void {
  if (/\d+ (created|updated|deleted|replaced)/.test(said)) throw new Error(`something did change:\n${said}`);
}

function readable(stdout: string): string {
  if (!stdout.startsWith("{")) return stdout;
  const events = stdout
    .split("\n")
    .flatMap((line): EngineEvent[] => (line.startsWith("{") ? [JSON.parse(line)] : []));
  return events
    .flatMap(({ diagnosticEvent }) =>
      diagnosticEvent?.severity === "error" ? [diagnosticEvent.message] : [],
    )
    .join("");
}

/** One resource's turn in an update, on the clock of the run. */
export interface Span {
  urn: string;
  type: string;
  name: string;
  /** What was done: create, update, delete, same. */
  op: string;
  startMs: number;
  endMs: number;
}

/** `up` or `destroy` without a preview, and when each resource's turn began and ended: the engine's events, timed as they come. */
export async function timedUpdate(
  args: readonly string[],
  options: Pick<RunOptions, "env" | "onStart"> = {},
): Promise<PulumiRun & { spans: Span[] }> {
  const begun = new Map<string, number>();
  const spans: Span[] = [];
  const onEvent = ({ resourcePreEvent, resOutputsEvent }: EngineEvent, atMs: number) => {
    if (resourcePreEvent) begun.set(resourcePreEvent.metadata.urn, atMs);
    if (!resOutputsEvent) return;
    const { urn, type, op } = resOutputsEvent.metadata;
    spans.push({ urn, type, name: nameOf(urn), op, startMs: begun.get(urn) ?? atMs, endMs: atMs });
  };
  const run = await pulumi([...args, "--yes", "--skip-preview", "--json"], { ...options, onEvent });
  return { ...run, spans };
}

export const nameOf = (urn: string): string => urn.split("::").at(-1) ?? urn;

/** What Pulumi keeps of a resource. */
export interface StateResource {
  urn: string;
  type: string;
  parent?: string;
  /** The provider's urn, then `::` and its id. */
  provider?: string;
  dependencies?: string[];
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

export async function stateOf(stack: string): Promise<StateResource[]> {
  const { stdout } = await pulumi(["stack", "export", "--stack", stack, "--show-secrets"]);
  return JSON.parse(stdout, withoutEnvelopes).deployment.resources ?? [];
}

/** How Pulumi marks a secret value in a state. */
const secretMark = { key: "4dabf18193072939515e22adb298388d", value: "1b47061264138c4ac30d75fd1eb44270" };

function withoutEnvelopes(_key: string, value: unknown): unknown {
  const isSecret = typeof value === "object" && value !== null && secretMark.key in value;
  if (!isSecret || value[secretMark.key as never] !== secretMark.value) return value;
  return "plaintext" in value ? JSON.parse(String(value.plaintext)) : value;
}
