import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import pRetry from "p-retry";
import { parse, stringify } from "yaml";
import { type Run, RunFile } from "../../experiments/run-file.ts";
import type { Run as Ended, TestProject } from "./project.ts";
import { killTree } from "./traces.ts";

const root = join(import.meta.dirname, "..", "..");

/** `npm run experiment -- NAME` in a project of its own, started and struck as a person would. */
export class ExperimentCommand {
  readonly name: string;
  readonly #project: TestProject;
  readonly #running = new Set<{ readonly pid?: number | undefined }>();

  /** @param name of the experiment, and with it of its stack and its lab */
  constructor(project: TestProject, name: string) {
    this.#project = project;
    this.name = name;
  }

  /** Writes the experiment: one of the project's own, with some things said otherwise. */
  async write(model: string, changes: object): Promise<void> {
    const own = parse(await readFile(join(root, "experiments", `${model}.yaml`), "utf8"));
    await mkdir(this.#project.path("experiments"), { recursive: true });
    await writeFile(
      this.#project.path("experiments", `${this.name}.yaml`),
      stringify({ ...own, ...changes }),
    );
  }

  /** Starts it as the leader of a process group, as a shell on a terminal does. */
  start(...options: string[]) {
    // Tests that run in the background have no Ctrl-C: whatever starts them may have had it ignored.
    const program = ["--default-signal=INT", process.execPath, join(root, "experiments", "cli.ts")];
    const run = execa("env", [...program, this.name, ...options], {
      cwd: this.#project.folder,
      env: {
        TMPDIR: this.#project.path("tmp"),
        NODE_COMPILE_CACHE: join(root, ".testbed", "node-cache"),
        // By this a later run of the tests finds it, if this one is killed.
        KVM_MIGRATION_TESTBED: this.#project.folder,
        PULUMI_BACKEND_URL: undefined,
        PULUMI_CONFIG_PASSPHRASE: undefined,
      },
      stdin: "ignore",
      all: true,
      reject: false,
      detached: true,
      timeout: 1_800_000,
    });
    this.#running.add(run);
    run.finally(() => this.#running.delete(run)).catch(() => {});
    return run;
  }

  async run(...options: string[]): Promise<Ended> {
    const { exitCode = -1, all } = await this.start(...options);
    return { exitCode, text: all };
  }

  /** Starts it, does something to it at a certain moment, and waits for its end. */
  async strike(
    moment: () => Promise<unknown>,
    strike: (pid: number) => unknown,
    ...options: string[]
  ): Promise<Ended> {
    const run = this.start(...options);
    const ended = run.then(({ all }) => {
      throw new Error(`The experiment ended before the moment in which it was to be struck:\n${all}`);
    });
    ended.catch(() => {}); // told by the race
    await Promise.race([moment(), ended]);
    await strike(run.pid as number);
    const { exitCode = -1, all } = await run;
    return { exitCode, text: all };
  }

  /** Kills what a failed test left running. */
  async end(): Promise<void> {
    for (const { pid } of this.#running) if (pid !== undefined) await killTree(pid);
  }

  /** Where its runs are. */
  path(...parts: string[]): string {
    return this.#project.path("results", "experiments", this.name, ...parts);
  }

  /** The names of files of some kind beside its runs, such as `.jsonl`. */
  async files(ending: string): Promise<string[]> {
    const names = await readdir(this.path()).catch(() => []);
    return names.filter((name) => name.endsWith(ending));
  }

  /** What its one run has written. */
  async written(): Promise<Run> {
    const [file, ...more] = await this.files(".jsonl");
    if (!file || more.length > 0) throw new Error(`there are runs ${[file, ...more].join()}, not one`);
    const run = await new RunFile(this.path(), file.replace(/\.jsonl$/, "")).read();
    if (!run) throw new Error(`${file} has no head`);
    return run;
  }

  /**
   * Waits until a turn's move is about to be made. Returns which turn's.
   *
   * @param sinceMs what was begun before that is what a killed run left
   */
  begunTurn(sinceMs: number): Promise<number> {
    const look = async (): Promise<number> => {
      const [file = "none"] = await this.files(".begun.json");
      const { order, at } = JSON.parse(await readFile(this.path(file), "utf8"));
      if (Date.parse(at) < sinceMs) throw new Error("that was begun by an earlier run");
      return order;
    };
    return pRetry(look, { retries: 6000, minTimeout: 100, factor: 1 });
  }
}
