// What the tests of offline/ share: the stand-ins, made from the sources here, beside the machine's Pulumi CLI; and
// throw-away Pulumi projects.
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa, type Options, type ResultPromise } from "execa";
import { bundle } from "../../offline/bundle.ts";
import { type Part, pulumiHome, readVersions, toolchain } from "../../offline/parts.ts";

export const root = join(import.meta.dirname, "../..");

/** A Pulumi home of its own, with the CLI that the machine has and the stand-ins as they are here. */
export interface Toolchain {
  readonly home: string;
  readonly cli: string;
  remove(): void;
}

export async function makeToolchain(): Promise<Toolchain> {
  const home = mkdtempSync(join(tmpdir(), "pulumi-home-"));
  const versions = readVersions(root);
  const there = toolchain(root, pulumiHome(), versions, process.arch);
  const here = toolchain(root, home, versions, process.arch);
  for (const [i, part] of here.entries()) {
    mkdirSync(dirname(part.target), { recursive: true });
    if (part.recipe.kind === "bundle") await bundle(join(root, "offline", part.recipe.entry), part.target);
    else linkOrCopy((there[i] as Part).target, part.target);
  }
  return { home, cli: here[0]?.target ?? "", remove: () => rmSync(home, { recursive: true }) };
}

function linkOrCopy(from: string, to: string): void {
  if (!existsSync(from)) return; // not needed by these tests, and fetched on first use elsewhere
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

/** A project in a folder of its own, with a file backend in it. */
export class Project {
  readonly dir: string;
  readonly #toolchain: Toolchain;

  /** `files` are its files by name; `index.ts` is the program. */
  constructor(toolchain: Toolchain, files: Readonly<Record<string, string>>) {
    this.#toolchain = toolchain;
    this.dir = mkdtempSync(join(tmpdir(), "pulumi-project-"));
    symlinkSync(join(root, "node_modules"), join(this.dir, "node_modules"));
    mkdirSync(join(this.dir, "backend"));
    const yaml = "name: offline\nruntime: {name: nodejs, options: {typescript: false}}\nmain: index.ts\n";
    const json = JSON.stringify({
      name: "offline",
      type: "module",
      dependencies: { "@pulumi/command": "*" },
    });
    for (const [name, text] of Object.entries({ "Pulumi.yaml": yaml, "package.json": json, ...files }))
      this.write(name, text);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text);
  }

  /** What Pulumi needs in its environment. */
  get env(): Record<string, string> {
    const bin = [dirname(this.#toolchain.cli), join(root, "node_modules/.bin"), process.env.PATH].join(":");
    return {
      PATH: bin,
      PULUMI_HOME: this.#toolchain.home,
      PULUMI_BACKEND_URL: `file://${this.dir}/backend`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      SSH_AUTH_SOCK: "",
    };
  }

  /** Runs the CLI; a failure is a result, not an exception. `all` has both streams. */
  pulumi(args: readonly string[], options: Options = {}): ResultPromise<{ all: true; reject: false }> {
    const all = ["--non-interactive", "--color=never", "--cwd", this.dir, ...args];
    return execa(this.#toolchain.cli, all, {
      cwd: "/",
      ...options,
      env: { ...this.env, ...options.env },
      stdin: "ignore",
      all: true,
      reject: false,
    }) as ResultPromise<{ all: true; reject: false }>;
  }

  /** Runs the CLI, which must succeed. */
  async succeed(args: readonly string[], options: Options = {}): Promise<string> {
    const result = await this.pulumi(args, options);
    if (result.exitCode !== 0)
      throw new Error(`pulumi ${args.join(" ")} exited with ${result.exitCode}:\n${result.all}`);
    return result.stdout;
  }

  up(options: Options = {}): Promise<string> {
    return this.succeed(["up", "--yes", "--skip-preview"], options);
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.succeed(["stack", "output", "--json", "--show-secrets"]));
  }

  /** The resources in the state, by type and name. */
  async state(): Promise<Map<string, { inputs: Record<string, unknown>; outputs: Record<string, unknown> }>> {
    const { deployment } = JSON.parse(await this.succeed(["stack", "export"]));
    return new Map(
      (deployment.resources ?? []).map((resource: { urn: string }) => [
        resource.urn.split("::").slice(2).join("::"),
        resource,
      ]),
    );
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The processes whose command line has `text` in it. */
export function processesWith(text: string): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .map((pid) => ({ pid, command: commandLine(pid) }))
    .filter(({ command }) => command.includes(text));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** Waits until `condition` holds; throws an error that names `what` if it does not in time. */
export async function until(condition: () => boolean, what: string, timeoutMs = 30_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
