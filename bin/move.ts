import { parseArgs } from "node:util";
import { execa } from "execa";
import { identityOf } from "../moves/record.ts";
import { latestRecords, resultsFile } from "../moves/results.ts";
import { moveTables } from "../report/text/table.ts";
import { terminalWidth } from "../report/text/terminal-width.ts";
import { MoveError, type Setting, settingsOf } from "./move-request.ts";
import type { PrintedConfig } from "./printed-config.ts";

const help = `Usage: npm run move -- GUEST HOST [GUEST HOST ...] [options]

Sets where the guests run in the stack's config, as a person would, and has just these moves made: the same checks as
\`pulumi up\`, without a look at all that has not changed. What it took stands in results/STACK.jsonl.

Options:
  --stack NAME   the stack                                   default: lab
  --mode MODE    how they move, from now on                  default: as the config says
  --preview      say what would happen, and change nothing
  --help`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stack: { type: "string", default: "lab" },
    mode: { type: "string" },
    preview: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const { stack } = values;

const pulumi = (args: readonly string[], stdio: "inherit" | "pipe" = "pipe") =>
  execa("sh", ["bin/pulumi", ...args, "--stack", stack], { stdout: stdio, stderr: "inherit" });

async function config(): Promise<PrintedConfig> {
  const { stdout } = await pulumi(["config", "--json"]);
  return JSON.parse(`${stdout}`);
}

async function set({ path }: Setting, value: string | undefined): Promise<void> {
  const at = ["--path", `testbed:${path}`];
  await pulumi(value === undefined ? ["config", "rm", ...at] : ["config", "set", ...at, value]);
}

async function move(): Promise<void> {
  const settings = settingsOf(positionals, values.mode, await config());
  const guests = positionals.filter((_, i) => i % 2 === 0);
  const targets = guests.flatMap((guest) => ["--target", `**:Migration::${guest}-migration`]);
  const file = resultsFile(stack);
  const known = new Set((await latestRecords(file)).map(identityOf));
  // Pulumi hears Ctrl-C itself, and ends in its own way; what a preview has changed is then put back.
  process.on("SIGINT", () => {});
  for (const each of settings) await set(each, each.value);
  try {
    await pulumi(
      values.preview ? ["preview", ...targets] : ["up", "--yes", "--skip-preview", ...targets],
      "inherit",
    );
  } finally {
    if (values.preview) for (const each of settings.toReversed()) await set(each, each.before);
  }
  if (values.preview) return;
  const records = (await latestRecords(file))
    .filter((record) => guests.includes(record.guest) && !known.has(identityOf(record)))
    .reverse();
  if (records.length === 0) console.log("move: every guest runs where it should, and nothing was moved");
  else console.log(moveTables(records, 1, terminalWidth()));
}

if (values.help) console.log(help);
else {
  try {
    await move();
  } catch (error) {
    if (error instanceof MoveError) console.error(`move: ${error.message}`);
    // Pulumi has said what is wrong already.
    else if (!(error instanceof Error && "exitCode" in error)) throw error;
    process.exitCode = error instanceof MoveError ? 2 : 1;
  }
}
