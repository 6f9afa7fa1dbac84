import { existsSync } from "node:fs";
import { join } from "node:path";
import { runCommand, say } from "../report/text/command.ts";
import { setUp } from "../report/text/set-up.ts";
import { closeSessions } from "../ssh/session-pool.ts";
import { experimentCommand, type Options } from "./arguments.ts";
import { turnsOf } from "./choose-run.ts";
import { compareFiles } from "./compare.ts";
import { askedBy, drive, machinesFor, stackOf, takeDown } from "./drive.ts";
import { expectedTime } from "./expected-time.ts";
import { checkCells, experimentNames, loadExperiment } from "./load.ts";
import { lock } from "./lock.ts";
import { outline } from "./outline.ts";
import { latestRun } from "./run-file.ts";
import { drawSeed } from "./schedule.ts";
import { inWords } from "./time-left.ts";

/** Where an experiment's runs are kept. */
const runsOf = (name: string): string => join("results", "experiments", name);

async function experiment(options: Options): Promise<void> {
  if (!existsSync("Pulumi.yaml"))
    throw new Error("Run it in the project's folder: there is no Pulumi.yaml here.");
  if (options.list) return list();
  if (options.compare) {
    process.exitCode = await compareFiles(options.compare, say);
    return;
  }
  const loaded = await loadExperiment(options.experiment);
  const { name, file } = loaded;
  const asked = askedBy(options, loaded);
  checkCells(asked.experiment, await machinesFor(asked), stackOf(name, asked), file);
  const folder = runsOf(name);
  if (options.dryRun) return say(outline(asked, options.seed ?? drawSeed(), await latestRun(folder)));
  setUp();
  // Labs of two experiments would have the same network, and disturb each other's figures.
  const unlock = await lock(
    `${process.cwd()} ${asked.stack ?? "lab"}`,
    (pid) =>
      `An experiment runs already on these machines, in process ${pid}. Wait for its end, or interrupt it.`,
  );
  try {
    process.exitCode = options.down
      ? await takeDown(name, asked, folder, say)
      : await drive(options, name, asked, folder, say);
  } finally {
    await unlock();
    await closeSessions();
  }
}

async function list(): Promise<void> {
  for (const name of await experimentNames()) {
    const { experiment } = await loadExperiment(name);
    const { cells, turns } = turnsOf({ experiment, size: "" }, 0);
    const { ms } = expectedTime(experiment, cells, turns, (await latestRun(runsOf(name)))?.lines ?? []);
    const sizes = Object.keys(experiment.sizes);
    const more = sizes.length > 0 ? `; other sizes: ${sizes.join(", ")}` : "";
    say(`${name.padEnd(12)} ${experiment.title} (${turns.length} turns, about ${inWords(ms)}${more})`);
  }
}

await runCommand(experimentCommand(experiment));
