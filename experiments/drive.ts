import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import type { RunHead } from "../moves/experiment-run.ts";
import { namespace } from "../stacks/mistake.ts";
import type { Options } from "./arguments.ts";
import { ProgressBar } from "./bar.ts";
import { askedOf, keptOf, leftOf, type RunArguments, resumes, turnsOf } from "./choose-run.ts";
import { conditionsOf, projectVersion } from "./conditions.ts";
import { inSize } from "./experiment.ts";
import { onInterruption } from "./interruption.ts";
import { LiveTestbed } from "./live-testbed.ts";
import type { Loaded } from "./load.ts";
import { PulumiStack } from "./pulumi-stack.ts";
import { madeOf } from "./remaining.ts";
import { type Ending, Runner, type RunPlan } from "./run.ts";
import { latestRun, RunFile, runName } from "./run-file.ts";
import { drawSeed } from "./schedule.ts";
import { labOf, type Machines, machinesOf } from "./stack-config.ts";
import type { Update } from "./testbed.ts";

type Say = (line: string) => void;

/** Beside the results. */
const pulumiLog = "pulumi.log";

/** What is asked for, by the experiment's file and the command line together. */
export function askedBy(
  { size, repeats, stack, seed, limitMinutes }: Options,
  { experiment }: Loaded,
): RunArguments {
  const sized = inSize(experiment, size);
  const stop = { ...sized.stop, ...(limitMinutes !== undefined && { minutes: limitMinutes }) };
  return {
    experiment: { ...sized, stop, ...(repeats !== undefined && { repeats }) },
    size,
    ...(stack !== undefined && { stack }),
    ...(seed !== undefined && { seed }),
  };
}

/** The machines on which it is made: a lab, or those of a stack that is there. */
export async function machinesFor({ experiment, stack }: RunArguments): Promise<Machines> {
  if (stack === undefined) return labOf(experiment);
  if (experiment.moves === "decided")
    throw new Error(
      "--stack: an experiment in which a policy decides brings a lab of its own, whose hosts it sizes, switches and loses.",
    );
  const text = await readFile(join("stacks", `Pulumi.${stack}.yaml`), "utf8").catch(() => undefined);
  if (text === undefined) throw new Error(`--stack: there is no stacks/Pulumi.${stack}.yaml.`);
  const config: Record<string, unknown> = parse(text)?.config ?? {};
  const own = Object.entries(config).flatMap(([key, value]) =>
    key.startsWith(`${namespace}:`) ? [[key.slice(namespace.length + 1), value]] : [],
  );
  return machinesOf(Object.fromEntries(own), experiment);
}

export const stackOf = (name: string, { stack }: Pick<RunArguments, "stack">): string =>
  stack === undefined ? name : `${name}-${stack}`;

/**
 * Begins a run of an experiment, or goes on with one, until it ends. The working directory is the project's.
 *
 * @param folder where its runs are kept
 * @returns the exit code: 0 when all is done, 130 when it was interrupted, 1 when it stopped early
 */
export async function drive(
  options: Options,
  name: string,
  wanted: RunArguments,
  folder: string,
  say: Say,
): Promise<number> {
  const latest = await latestRun(folder);
  const old = resumes(options.choice, name, wanted, latest) ? latest : undefined;
  const asked = old ? withStopOf(askedOf(old.head), wanted) : wanted;
  const seed = old?.head.seed ?? asked.seed ?? drawSeed();
  const startedAt = new Date();
  const run = old?.head.run ?? runName(startedAt);
  const { cells, turns } = turnsOf(asked, seed);
  const machines = await machinesFor(asked);
  const file = new RunFile(folder, run);
  const { stop } = asked.experiment;
  const left = old ? leftOf(old.head, old.lines, stop).length : turns.length;
  say(
    `${old ? `Going on with run ${run}` : `Run ${run}`} of ${name}, seed ${seed}: ${left} of ${turns.length} turns.`,
  );
  for (const { line, problem, isTorn } of old?.unreadable ?? []) {
    say(
      `${file.path}:${line} is passed over${isTorn ? ", it was never written to its end" : `: ${problem}`}`,
    );
  }
  const head = async ({ hosts }: Update): Promise<RunHead> => {
    await file.open();
    return headOf(hosts);
  };
  const headOf = async (hosts: Update["hosts"]): Promise<RunHead> => ({
    schema: 1,
    kind: "experiment",
    experiment: name,
    run,
    title: asked.experiment.title,
    seed,
    startedAt: startedAt.toISOString(),
    asked: keptOf(asked),
    cells: cells.map(({ id, factors }) => ({ id, factors })),
    repeats: asked.experiment.repeats,
    conditions: await conditionsOf(process.cwd(), hosts),
  });

  if (old) await file.open();
  const stack = await openStack(name, asked, folder);
  const version = await projectVersion(process.cwd());
  const plan = { experiment: asked.experiment, machines, cells, turns, version };
  // When all moves of a run are made, only its testbed is left, or nothing.
  const ending: Ending =
    left === 0 ? { kind: "done" } : await make(plan, stack, file, turns.length - left, head);
  const csv = await file.writeCsv();
  const written = await file.read();
  const made = madeOf(turns, cells, written?.lines ?? []);
  say(`${file.path} and ${csv} have ${made.length} of ${turns.length} turns.`);
  if (ending.kind === "done") {
    if (!options.keep) await remove(stack, say);
    await file.close();
    return 0;
  }
  say(
    `${ending.kind === "stopped" ? `It ended early: ${ending.why}.\n` : ""}The testbed stays as it is. The same command goes on; with --down it takes the testbed down.`,
  );
  return ending.kind === "interrupted" ? 130 : 1;
}

/** Makes what is left to make, and tells how far it is. */
async function make(
  plan: RunPlan,
  stack: PulumiStack,
  file: RunFile,
  madeBefore: number,
  head: (update: Update) => Promise<RunHead>,
): Promise<Ending> {
  const progress = new ProgressBar(madeBefore);
  const interruption = onInterruption((line) => progress.say(line));
  const testbed = new LiveTestbed(process.cwd(), stack);
  try {
    return await new Runner(plan, testbed, file, progress, interruption).run(head);
  } catch (error) {
    await file.writeCsv();
    throw new Error(
      `${(error as Error).message}\nWhat Pulumi said is in ${join(dirname(file.path), pulumiLog)}. The same command tries again; with --down it takes the testbed down.`,
      { cause: error },
    );
  } finally {
    progress.stop();
  }
}

/** Takes the testbed of an experiment down. Its results stay. */
export async function takeDown(name: string, asked: RunArguments, folder: string, say: Say): Promise<number> {
  await remove(await openStack(name, asked, folder), say);
  const latest = await latestRun(folder);
  if (latest && leftOf(latest.head, latest.lines, asked.experiment.stop).length === 0) {
    await new RunFile(folder, latest.head.run).close();
  }
  return 0;
}

async function remove(stack: PulumiStack, say: Say): Promise<void> {
  say(`Taking the testbed ${stack.name} down.`);
  await stack.remove().catch((error: Error) => {
    throw new Error(
      `Taking ${stack.name} down failed: ${error.message}\nThe same command with --down tries it again.`,
      {
        cause: error,
      },
    );
  });
}

async function openStack(name: string, asked: RunArguments, folder: string): Promise<PulumiStack> {
  await mkdir(folder, { recursive: true });
  const log = createWriteStream(join(folder, pulumiLog), { flags: "a" });
  return PulumiStack.open(process.cwd(), stackOf(name, asked), name, (text) => log.write(text));
}

/** It ends early as is asked for now, not as it was then. */
const withStopOf = (then: RunArguments, now: RunArguments): RunArguments => ({
  ...then,
  experiment: { ...then.experiment, stop: now.experiment.stop },
});
