import { execa } from "execa";
import { recordsSince, resultsFile } from "../moves/results.ts";
import { migrationTarget } from "../moves/target.ts";
import { command, runCommand, SaidAlready } from "../report/text/command.ts";
import { setUp } from "../report/text/set-up.ts";
import { moveTables } from "../report/text/table.ts";
import { terminalWidth } from "../report/text/terminal-width.ts";
import { type Setting, settingsFor } from "./move-request.ts";

const program = command(
  "npm run move --",
  "GUEST HOST [GUEST HOST ...] [options]",
  "Sets where the guests run in the stack's config, as a person would, and has just these moves made: the same checks as `pulumi up`, " +
    "without a look at all that has not changed. What it took stands in results/STACK.jsonl.",
)
  .argument("<guest and host...>")
  .option("--stack <stack>", "the stack", "lab")
  .option("--mode <mode>", "how they move, from now on (default: as the config says)")
  .option("--preview", "say what would happen, and change nothing")
  .action(move);

interface Values {
  stack: string;
  mode?: string;
  preview?: boolean;
}

async function pulumi(args: readonly string[], stdout: "inherit" | "pipe" = "pipe"): Promise<string> {
  const all = ["bin/pulumi", ...args, "--stack", program.opts<Values>().stack];
  const ran = await execa("sh", all, { stdout, stderr: "inherit", reject: false });
  if (ran.exitCode !== 0) throw new SaidAlready();
  return `${ran.stdout}`;
}

async function set({ path }: Setting, value: string | undefined): Promise<void> {
  const at = ["--path", `testbed:${path}`];
  await pulumi(value === undefined ? ["config", "rm", ...at] : ["config", "set", ...at, value]);
}

async function move(words: string[], { stack, mode, preview }: Values): Promise<void> {
  setUp();
  const settings = settingsFor(words, mode, JSON.parse(await pulumi(["config", "--json"])));
  const guests = words.filter((_, i) => i % 2 === 0);
  const targets = guests.flatMap((guest) => ["--target", migrationTarget(guest)]);
  const madeSince = await recordsSince(resultsFile(stack));
  // Pulumi hears Ctrl-C itself, and ends in its own way; what a preview has changed is then put back.
  process.on("SIGINT", () => {});
  for (const each of settings) await set(each, each.value);
  try {
    await pulumi(
      preview ? ["preview", ...targets] : ["up", "--yes", "--skip-preview", ...targets],
      "inherit",
    );
  } finally {
    if (preview) for (const each of settings.toReversed()) await set(each, each.before);
  }
  if (preview) return;
  const records = (await madeSince()).filter((record) => guests.includes(record.guest));
  if (records.length === 0) console.log("move: every guest runs where it should, and nothing was moved");
  else console.log(moveTables(records, 1, terminalWidth()));
}

await runCommand(program);
