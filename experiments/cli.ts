import { existsSync } from "node:fs";
import { join } from "node:path";
import { closeSessions } from "../libvirt/session-pool.ts";
import { help, readOptions } from "./arguments.ts";
import { turnsOf } from "./choose-run.ts";
import { askedBy, drive, machinesFor, stackOf, takeDown } from "./drive.ts";
import { checkCells, experimentNames, loadExperiment } from "./load.ts";
import { lock } from "./lock.ts";
import { outline } from "./outline.ts";
import { drawSeed } from "./schedule.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** `npm run experiment -- NAME [options]` */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return say(help);
  if (!existsSync("Pulumi.yaml"))
    throw new Error("Run it in the project's folder: there is no Pulumi.yaml here.");
  if (options.experiment === "list") return list();
  const loaded = await loadExperiment(options.experiment);
  const { name, file } = loaded;
  const asked = askedBy(options, loaded);
  checkCells(asked.experiment, await machinesFor(asked), stackOf(name, asked), file);
  if (options.dryRun) return say(outline(asked, options.seed ?? drawSeed()));
  const folder = join("results", "experiments", name);
  const unlock = await lock(join(folder, "lock"), `The experiment ${name}`);
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
    const { turns } = turnsOf({ experiment, size: "" }, 0);
    const sizes = Object.keys(experiment.sizes);
    const more = sizes.length > 0 ? `; other sizes: ${sizes.join(", ")}` : "";
    say(`${name.padEnd(12)} ${experiment.title} (${turns.length} turns${more})`);
  }
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
