import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { failoverFile, readFailoverRecords } from "../moves/failover-record.ts";
import { powerFile, readPowerRecords } from "../moves/power-record.ts";
import { type Move, readDataset } from "./data/dataset.ts";
import { askedSources } from "./data/sources.ts";
import { predictedMovesTable } from "./scores/score-table.ts";
import { reportOf } from "./sections/report.ts";
import { failoverTable } from "./tables/failover-table.ts";
import { powerTable } from "./tables/power-table.ts";
import { runCommand, say } from "./text/command.ts";
import { moveTables } from "./text/table.ts";
import { terminalTable } from "./text/terminal-table.ts";

const help = `npm run results [-- <stack, experiment or results file> ...] [--last N] [--moves]

What the report's page has, as tables: every move, then what they say together.

  npm run results -- lab               results/lab.jsonl
  npm run results -- paper             the latest run of the experiment
  npm run results -- paper/20260101T120000Z

  --last N   only the last N moves are listed; default 50. What they say together is always of all
  --moves    only the moves`;

const listed = 50;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      last: { type: "string", default: `${listed}` },
      moves: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return say(help);
  const { name, files } = await askedSources(positionals);
  const dataset = await readDataset(files);
  const { moves, problems } = dataset;
  const shown = moves.slice(-wholeNumber(values.last));
  say(`${name}, ${shown.length} of ${moves.length} migrations\n`);
  const report = reportOf(dataset);
  for (const warning of report.warnings) say(`Mind: ${warning}\n`);
  sayMoves(shown);
  if (!values.moves) {
    for (const { title, tables, figures } of report.sections) {
      const all = [...figures.flatMap(({ table }) => table ?? []), ...tables].filter(
        ({ id }) => id !== "problems",
      );
      if (all.length === 0) continue;
      say(`\n${title}\n${"=".repeat(title.length)}`);
      for (const table of all) say(`\n${terminalTable(table)}`);
    }
  }
  const stacks = files.map((file) => [basename(file, ".jsonl"), dirname(file)] as const);
  const [power, failovers] = await Promise.all([
    Promise.all(stacks.map((of) => readPowerRecords(powerFile(...of)))),
    Promise.all(stacks.map((of) => readFailoverRecords(failoverFile(...of)))),
  ]);
  for (const table of [powerTable(power.flat()), failoverTable(failovers.flat())])
    if (table) say(`\n${terminalTable(table)}`);
  for (const { number, faults } of shown) {
    for (const fault of faults) say(`${number} does not add up: ${fault}`);
  }
  for (const { file, line, problem } of problems) {
    say(`${file}${line === undefined ? "" : `:${line}`} is passed over: ${problem}`);
  }
}

function sayMoves(shown: readonly Move[]): void {
  const records = shown.map(({ record }) => record);
  const first = shown[0]?.number ?? 1;
  const tables = [moveTables(records, first), predictedMovesTable(records, first)];
  say(tables.filter(Boolean).join("\n\n"));
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--last takes a number of migrations, not "${text}".`);
  return Number(text);
}

await runCommand(main);
