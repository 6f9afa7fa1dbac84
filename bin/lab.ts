import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Argument } from "commander";
import { execa } from "execa";
import { readRecords, resultsFile } from "../moves/results.ts";
import { command, runCommand } from "../report/text/command.ts";
import { setUp } from "../report/text/set-up.ts";
import { moveTables } from "../report/text/table.ts";
import { terminalWidth } from "../report/text/terminal-width.ts";
import { checkStack, modeOf, modeToKeep, type roundModes, roundOf } from "./lab-round.ts";
import type { PrintedConfig } from "./printed-config.ts";

const rounds = ["up", "down"] as const;
const round = rounds.find((name) => name === process.argv[2]);

const program = command(
  round === "down" ? "npm run lab:down --" : "npm run lab --",
  "[options]",
  round === "down"
    ? "Takes the lab down; packages and caches stay."
    : "Two KVM hosts and two guests on this machine; one moves live, then offline back.",
)
  .addArgument(new Argument("<what>").choices(rounds))
  .option("--stack <stack>", "a lab stack of your own (stacks/Pulumi.NAME.yaml)", "lab")
  .option("--guest <name>", "the guest that moves", "vm1")
  .addHelpText("after", "\nIt is safe to repeat: an interrupted run is picked up where it stopped.")
  .action(async (what: (typeof rounds)[number]) => {
    try {
      await (what === "up" ? up() : down());
    } catch (error) {
      // Pulumi has said what is wrong already.
      const isSaid = error instanceof Error && "exitCode" in error;
      throw isSaid
        ? new Error("that failed; fix what is said above, and run it again", { cause: error })
        : error;
    }
  });

const asked = () => program.opts<{ stack: string; guest: string }>();
const project = join(import.meta.dirname, "..");

/** The project's Pulumi, seen as it runs. */
async function pulumi(...args: string[]): Promise<void> {
  console.log(`\n$ npm run pulumi -- ${args.join(" ")}`);
  await execa("sh", ["bin/pulumi", ...args], { cwd: project, stdio: "inherit" });
}

async function pulumiOutput(...args: string[]): Promise<string> {
  const { stdout } = await execa("sh", ["bin/pulumi", ...args], { cwd: project, stderr: "inherit" });
  return stdout;
}

async function timed(doing: string, action: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  await action();
  console.log(`\nlab: ${doing} took ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
}

const deploy = () => pulumi("up", "--stack", asked().stack, "--yes");

const setConfig = (path: string, value: string) =>
  pulumi("config", "set", "--stack", asked().stack, "--path", `testbed:${path}`, value);

/** Moves the guest as anyone would: two lines of the stack's config, and `pulumi up`. */
async function move(mode: (typeof roundModes)[number], to: string): Promise<void> {
  const { guest } = asked();
  await timed(`moving ${guest} ${mode} to ${to}`, async () => {
    await setConfig("migration.mode", mode);
    await setConfig(`placement.${guest}`, to);
    await deploy();
  });
}

async function config(): Promise<PrintedConfig> {
  return JSON.parse(await pulumiOutput("config", "--stack", asked().stack, "--json"));
}

/** What the config's mode was before the moves changed it, for the next run if this one is interrupted. Empty: it had none. */
const modeNote = () => join(project, ".testbed", `mode-before-lab.${asked().stack}`);
const readNote = () => readFile(modeNote(), "utf8").catch(() => undefined);

async function putModeBack(): Promise<void> {
  const noted = await readNote();
  if (noted === undefined) return;
  const mode = modeOf(await config());
  const kept = modeToKeep(mode, noted);
  if (kept === undefined)
    await pulumi("config", "rm", "--stack", asked().stack, "--path", "testbed:migration.mode");
  else if (kept !== mode) await setConfig("migration.mode", kept);
  await rm(modeNote());
}

async function up(): Promise<void> {
  const { stack, guest } = asked();
  // Before Pulumi makes an empty stack of that name.
  checkStack(stack, await readdir(join(project, "stacks")));
  setUp();
  await pulumi("stack", "select", "--create", stack);
  const before = await config();
  const { first, second, placed } = roundOf(before, stack, guest);
  await mkdir(dirname(modeNote()), { recursive: true });
  await writeFile(modeNote(), modeToKeep(modeOf(before), await readNote()) ?? "");
  await timed("bringing the testbed up", deploy);
  // A run that was interrupted after the first move goes on with the second.
  if (placed === first) await move("live", second);
  await move("offline", first);
  await putModeBack();
  await report(first, second);
}

async function report(first: string, second: string): Promise<void> {
  const { stack, guest } = asked();
  const { records } = await readRecords(join(project, resultsFile(stack)));
  const latest = records.filter((record) => record.guest === guest).slice(-2);
  const outputs = JSON.parse(await pulumiOutput("stack", "output", "--stack", stack, "--json"));
  const { address, vnc } = outputs.guests[guest];
  const key = `.testbed/${stack}/id_ed25519`;
  console.log(`
What was measured (all of it: npm run results -- ${stack} --all; as a page: npm run report -- ${stack})

${moveTables(latest, 1, terminalWidth())}

What to try next
  see the guest          ssh -i ${key} ${outputs.guests[guest].user}@${address}
  its display            a VNC viewer to ${vnc ?? "(none in the stack's config)"}
  move it again          npm run pulumi -- config set --stack ${stack} --path testbed:placement.${guest} ${second}
                         npm run pulumi -- up --stack ${stack}
  another way to move    npm run pulumi -- config set --stack ${stack} --path testbed:migration.mode cold
  see a move by hand     virsh migrate on ${first}, then npm run pulumi -- refresh --stack ${stack}
  change anything else   stacks/Pulumi.${stack}.yaml; every key is in docs/config.md
  all of it gone         npm run lab:down`);
}

/** Pulumi's exit code when there is no such stack. */
const noSuchStack = 6;

async function isThere(): Promise<boolean> {
  const { stack } = asked();
  const args = ["bin/pulumi", "stack", "select", stack];
  const { exitCode, stderr } = await execa("sh", args, { cwd: project, reject: false });
  if (exitCode === noSuchStack) return false;
  if (exitCode !== 0) throw new Error(`looking for the stack ${stack} failed: ${stderr}`);
  return true;
}

async function down(): Promise<void> {
  const { stack } = asked();
  setUp();
  if (!(await isThere())) {
    console.log(`lab: there is no stack ${stack}, and so nothing to take down`);
    return;
  }
  await timed("taking the testbed down", async () => {
    await putModeBack();
    await pulumi("destroy", "--stack", stack, "--yes");
    // Its config file and its results stay.
    await pulumi("stack", "rm", stack, "--yes", "--preserve-config");
  });
}

await runCommand(program);
