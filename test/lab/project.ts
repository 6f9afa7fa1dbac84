import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { makeTestFolder } from "./abandoned.ts";

const root = join(import.meta.dirname, "..", "..");

/** What a run of Pulumi said, and how it ended. */
export interface Run {
  exitCode: number;
  text: string;
}

/**
 * This project's program in a folder of its own: state, keys, results and temporary files are in there, so that a test disturbs
 * nothing of the user's, and what is left over afterwards can be seen.
 */
export class TestProject {
  readonly folder: string;
  /** Whether the program tells as much as on a terminal, on which lines of progress take each other's place. */
  isTerminal = false;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param folder an empty one; default: one of the running test, cleared away by a later run if this one is killed */
  static async make(folder?: string): Promise<TestProject> {
    const project = new TestProject(folder ?? (await makeTestFolder()));
    for (const file of ["Pulumi.yaml", "package.json", "index.ts", "bin", "provider", "node_modules"]) {
      await symlink(join(root, file), project.path(file));
    }
    for (const folder of ["stacks", "tmp", ".testbed/backend"]) {
      await mkdir(project.path(folder), { recursive: true });
    }
    await writeFile(project.path(".testbed/passphrase"), "test\n");
    return project;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Starts the project's Pulumi, as a person would. */
  start(...args: string[]) {
    // Tests that run in the background have no Ctrl-C: whatever starts them may have had it ignored.
    const program = ["--default-signal=INT", "sh", this.path("bin", "pulumi")];
    return this.#execute("env", ...program, ...args, "--non-interactive");
  }

  /** Runs one of the project's commands, such as `bin/move.ts`, in its folder. */
  async command(file: string, ...args: string[]): Promise<Run> {
    const { exitCode = -1, all } = await this.#execute(process.execPath, file, ...args);
    return { exitCode, text: all };
  }

  #execute(program: string, ...args: string[]) {
    return execa(program, args, {
      cwd: this.folder,
      env: {
        TMPDIR: this.path("tmp"),
        // What Node compiled of the program is the same in every folder.
        NODE_COMPILE_CACHE: join(root, ".testbed", "node-cache"),
        ...(this.isTerminal && { KVM_MIGRATION_TESTBED_TERMINAL: "yes" }),
        PULUMI_BACKEND_URL: undefined,
        PULUMI_CONFIG_PASSPHRASE: undefined,
      },
      stdin: "ignore",
      all: true,
      reject: false,
      timeout: 1_800_000,
    });
  }

  async pulumi(...args: string[]): Promise<Run> {
    const { exitCode = -1, all } = await this.start(...args);
    return { exitCode, text: all };
  }

  /** Runs what must succeed, and returns what it printed on standard output alone. */
  async ask(...args: string[]): Promise<string> {
    const { exitCode, stdout, all } = await this.start(...args);
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} failed (exit code ${exitCode}):\n${all}`);
    return stdout;
  }

  /** Writes a stack's file. What Pulumi keeps in it of its own stays. */
  async configure(stack: string, config: object): Promise<void> {
    const file = this.path("stacks", `Pulumi.${stack}.yaml`);
    const own = parse(await readFile(file, "utf8").catch(() => "{}"));
    const namespaced = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [`testbed:${key}`, value]),
    );
    await writeFile(file, stringify({ ...own, config: namespaced }));
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
