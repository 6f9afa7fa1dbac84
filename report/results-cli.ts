import { writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { Option } from "commander";
import { failoverFile, readFailoverRecords } from "../moves/failover-record.ts";
import { powerFile, readPowerRecords } from "../moves/power-record.ts";
import { readDataset } from "./data/dataset.ts";
import { askedSources } from "./data/sources.ts";
import {
  jsonText,
  movesAsCsv,
  movesText,
  partCsv,
  partMarkdown,
  partNamed,
  partText,
  problemsText,
  resultsOf,
  type ShownResults,
  summaryText,
} from "./results-text.ts";
import { reportOf } from "./sections/report.ts";
import { command, runCommand, say, wholeNumber } from "./text/command.ts";
import { terminalWidth } from "./text/terminal-width.ts";

const program = command(
  "npm run results --",
  "[STACK, EXPERIMENT or RESULTS FILE ...] [options]",
  "What was measured: ten lines first, the rest when it is asked for.",
)
  .argument("[results...]")
  .optionsGroup("What is shown (default: what it was measured on, what came of it, and what to mind):")
  .addOption(
    new Option("--moves", "every move: times, downtimes, phases, predictions").conflicts(["part", "all"]),
  )
  .addOption(
    new Option(
      "--part <name>",
      "a part of the report (the-paper, timelines, all-cells ...) or one of its tables (claims, cells ...)",
    ).conflicts("all"),
  )
  .option("--all", "the moves, and all parts")
  .option("--last <n>", "only the last N moves are listed; parts are always of all", wholeNumber(1), 50)
  .optionsGroup("How (default: as tables as wide as the terminal):")
  .addOption(new Option("--md", "as Markdown, for an issue or a README").conflicts(["csv", "json"]))
  .addOption(
    new Option("--csv", "every move with all its fields, a line each; with --part one table").conflicts(
      "json",
    ),
  )
  .option("--json", "all of it, for programs")
  .option("--out <file>", "into a file; the terminal says only its name")
  .addHelpText(
    "after",
    `
  npm run results -- lab                     of a stack: results/lab.jsonl
  npm run results -- paper                   of an experiment: its latest run
  npm run results -- paper/20260101T120000Z  of that run
  npm run results -- a.jsonl b.jsonl         of any results files; two are compared

npm prints two lines of its own before a command's: give --out, or run "npm run -s results -- lab --csv > lab.csv".`,
  )
  .action(show);

async function show(sources: string[], asked: Asked): Promise<void> {
  const { name, files } = await askedSources(sources);
  const dataset = await readDataset(files);
  const stacks = files.map((file) => [basename(file, ".jsonl"), dirname(file)] as const);
  const [power, failovers] = await Promise.all([
    Promise.all(stacks.map((of) => readPowerRecords(powerFile(...of)))),
    Promise.all(stacks.map((of) => readFailoverRecords(failoverFile(...of)))),
  ]);
  const results = resultsOf(name, reportOf(dataset), power.flat(), failovers.flat());
  const text = textOf(results, asked);
  if (asked.out === undefined) return say(text);
  await writeFile(asked.out, text.endsWith("\n") ? text : `${text}\n`).catch((error: Error) => {
    throw new Error(`The results cannot be written to ${asked.out}: ${error.message}. Nothing was written.`);
  });
  say(`${asked.out}: ${dataset.moves.length} moves of ${name}.`);
}

interface Asked {
  moves?: true;
  part?: string;
  all?: true;
  last: number;
  md?: true;
  csv?: true;
  json?: true;
  out?: string;
}

function textOf(results: ShownResults, { md, csv, json, part, moves, all, last }: Asked): string {
  const { parts, report } = results;
  const width = terminalWidth();
  const some = part === undefined ? parts : [partNamed(results, part)];
  if (json) return jsonText(results, some);
  if (csv) return part === undefined ? movesAsCsv(results) : partCsv(partNamed(results, part));
  if (md) return some.map(partMarkdown).join("\n\n");
  if (part !== undefined) return some.map((one) => partText(one, width)).join("\n\n");
  if (!moves && !all) return summaryText(results, width);
  return [
    movesText(results, last, width),
    ...(all ? parts.filter(({ id }) => id !== "left-out").map((one) => `\n${partText(one, width)}`) : []),
    ...problemsText(report.dataset),
  ].join("\n");
}

await runCommand(program);
