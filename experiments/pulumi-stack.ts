import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CommandError,
  ConcurrentUpdateError,
  LocalWorkspace,
  type OutputMap,
  PulumiCommand,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import type { GuestOutput, HostOutput } from "../components/outputs.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { migrationTarget } from "../moves/target.ts";
import type { StackInput } from "../stacks/config.ts";
import { namespace } from "../stacks/mistake.ts";
import { UpdateFailed } from "./testbed.ts";

/** What an update left behind. */
export interface Outputs {
  hosts: Record<string, HostOutput>;
  guests: Record<string, GuestOutput>;
}

/** The stack's file says whose it is, so that no person's own is overwritten. */
const mark = "experiment:name";
/** How long an update of a run that was killed is waited for. */
const othersMs = 600_000;

/** The stack of an experiment, through Pulumi's Automation API and the project's own `pulumi`. */
export class PulumiStack {
  readonly name: string;
  readonly #stack: Stack;
  readonly #file: string;
  readonly #experiment: string;
  readonly #onOutput: (text: string) => void;

  private constructor(stack: Stack, file: string, experiment: string, onOutput: (text: string) => void) {
    this.name = stack.name;
    this.#stack = stack;
    this.#file = file;
    this.#experiment = experiment;
    this.#onOutput = onOutput;
  }

  /**
   * Opens the stack, or makes it.
   *
   * @param project the project's folder
   * @param onOutput gets what Pulumi prints
   * @throws when there is a stack file of that name that is no experiment's
   */
  static async open(
    project: string,
    name: string,
    experiment: string,
    onOutput: (text: string) => void,
  ): Promise<PulumiStack> {
    const file = join(project, "stacks", `Pulumi.${name}.yaml`);
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined && parse(text)?.config?.[mark] !== experiment) {
      throw new Error(
        `stacks/Pulumi.${name}.yaml is not of the experiment ${experiment}; it would be written over. Give one of the two another name.`,
      );
    }
    if (text === undefined) await writeFile(file, stringify({ config: { [mark]: experiment } }));
    const pulumiCommand = await PulumiCommand.get({ root: project });
    const stack = await LocalWorkspace.createOrSelectStack(
      { stackName: name, workDir: project },
      { pulumiCommand },
    );
    return new PulumiStack(stack, file, experiment, onOutput);
  }

  /**
   * Writes the config and updates the stack: without a preview, and without a refresh. Throws UpdateFailed.
   *
   * @param moving the guests whose moves alone are made; default: everything is done
   */
  async up(config: StackInput, moving?: readonly string[]): Promise<Outputs & { updateMs: number }> {
    await this.#write(config);
    return waitingForOthers(async () => {
      const startedMs = performance.now();
      let lastMs = startedMs;
      const { outputs } = await this.#stack.up({
        refresh: false,
        color: "never",
        // All records of all guests, each time: they are in the results.
        suppressOutputs: true,
        ...(moving && { target: moving.map(migrationTarget) }),
        onOutput: (text) => {
          lastMs = performance.now();
          this.#onOutput(text);
        },
      });
      // The API asks for outputs and history afterwards, which is no part of the update.
      return { ...outputsOf(outputs), updateMs: lastMs - startedMs };
    });
  }

  /** As the last update left them; undefined: there was none yet. */
  async outputs(): Promise<Outputs | undefined> {
    const outputs = await this.#stack.outputs();
    return outputs.guests ? outputsOf(outputs) : undefined;
  }

  /** How the machines are reached. */
  async fleet(): Promise<Fleet> {
    const { deployment } = await this.#stack.exportStack();
    const resources: { type: string; outputs?: { common?: Fleet } }[] = deployment.resources ?? [];
    const cluster = resources.find(({ type }) => type.endsWith("testbed:Cluster"))?.outputs?.common;
    if (!cluster)
      throw new Error(`stack ${this.name} has no guests yet, or was not brought up by this version`);
    const { hosts, storage } = cluster;
    return { hosts, storage };
  }

  /** Destroys everything and forgets the stack; its file goes too. Throws UpdateFailed. */
  async remove(): Promise<void> {
    await waitingForOthers(() => this.#stack.destroy({ color: "never", onOutput: this.#onOutput }));
    await this.#stack.workspace.removeStack(this.name);
  }

  /** What Pulumi itself keeps in the file stays. */
  async #write(config: StackInput): Promise<void> {
    const own = parse(await readFile(this.#file, "utf8").catch(() => "{}"));
    const namespaced = Object.entries(config).map(([key, value]) => [`${namespace}:${key}`, value]);
    const all = { [mark]: this.#experiment, ...Object.fromEntries(namespaced) };
    await writeFile(this.#file, stringify({ ...own, config: all }));
  }
}

/** Runs an update once that of a killed run is over: that one goes on, or dies within seconds. */
async function waitingForOthers<T>(update: () => Promise<T>): Promise<T> {
  const givenUpMs = performance.now() + othersMs;
  for (;;) {
    try {
      return await update();
    } catch (error) {
      if (error instanceof ConcurrentUpdateError && performance.now() < givenUpMs) await sleep(2000);
      else if (error instanceof CommandError) throw new UpdateFailed(saidBy(error));
      else throw error;
    }
  }
}

/** As `npm run move` names it. */

const outputsOf = ({ hosts, guests }: OutputMap): Outputs => ({
  hosts: hosts?.value ?? {},
  guests: guests?.value ?? {},
});

/** The errors in Pulumi's output, each once, with the lines that stand further in below them. */
export function saidBy({ message }: Error): string {
  const lines = message.trimEnd().split("\n");
  const errors = lines.flatMap((line, index) => {
    const [, indent, what = ""] = /^(\s*)error: *(.*)/.exec(line) ?? [];
    if (indent === undefined || /^(update|preview) failed$/.test(what.trim())) return [];
    const below = lines.slice(index + 1);
    const end = below.findIndex((next) => next.search(/\S/) <= indent.length);
    return [[what, ...below.slice(0, end < 0 ? undefined : end)].map((one) => one.trim()).join(" ")];
  });
  return ([...new Set(errors)].join("; ") || lines.slice(-3).join(" ").trim()).slice(0, 2000);
}
