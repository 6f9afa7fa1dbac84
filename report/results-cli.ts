import { writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
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
import { runCommand, say } from "./text/command.ts";
import { terminalWidth } from "./text/terminal-width.ts";

const help = `Usage: npm run results [-- <stack, experiment or results file> ...] [options]

What was measured: ten lines first, the rest when it is asked for.

  npm run results -- lab                     of a stack: results/lab.jsonl
  npm run results -- paper                   of an experiment: its latest run
  npm run results -- paper/20260101T120000Z  of that run
  npm run results -- a.jsonl b.jsonl         of any results files; two are compared

What is shown:
  (nothing)      what it was measured on, what came of it, and what to mind
  --moves        every move: times, downtimes, phases, predictions
  --part NAME    a part of the report (the-paper, timelines, all-cells ...) or one of its tables (claims, cells ...)
  --all          the moves, and all parts
  --last N       only the last N moves are listed; parts are always of all   default: 50

How:
  (nothing)      as tables as wide as the terminal
  --md           as Markdown, for an issue or a README
  --csv          every move with all its fields, a line each; with --part one table
  --json         all of it, for programs
  --out FILE     into a file; the terminal says only its name
  --help

npm prints two lines of its own before a command's: give --out, or run "npm run -s results -- lab --csv > lab.csv".`;

const formats = ["md", "csv", "json"] as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      last: { type: "string", default: "50" },
      moves: { type: "boolean", default: false },
      all: { type: "boolean", default: false },
      part: { type: "string" },
      md: { type: "boolean", default: false },
      csv: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return say(help);
  const asked = askedOf(values);
  const { name, files } = await askedSources(positionals);
  const dataset = await readDataset(files);
  const stacks = files.map((file) => [basename(file, ".jsonl"), dirname(file)] as const);
  const [power, failovers] = await Promise.all([
    Promise.all(stacks.map((of) => readPowerRecords(powerFile(...of)))),
    Promise.all(stacks.map((of) => readFailoverRecords(failoverFile(...of)))),
  ]);
  const results = resultsOf(name, reportOf(dataset), power.flat(), failovers.flat());
  const text = textOf(results, asked);
  if (values.out === undefined) return say(text);
  await writeFile(values.out, text.endsWith("\n") ? text : `${text}\n`).catch((error: Error) => {
    throw new Error(`The results cannot be written to ${values.out}: ${error.message}. Nothing was written.`);
  });
  say(`${values.out}: ${dataset.moves.length} moves of ${name}.`);
}

interface Asked {
  format: (typeof formats)[number] | undefined;
  part: string | undefined;
  moves: boolean;
  all: boolean;
  last: number;
}

/** @throws when what is asked for contradicts itself: nothing is read then */
function askedOf(
  values: {
    [format in (typeof formats)[number]]: boolean;
  } & { part?: string; moves: boolean; all: boolean; last: string },
): Asked {
  const { part, moves, all, last } = values;
  const [format, second] = formats.filter((one) => values[one]);
  if (second) throw new Error(`--${format} and --${second} are two formats: give one.`);
  const [what, other] = [part !== undefined && "--part", moves && "--moves", all && "--all"].filter(Boolean);
  if (other) throw new Error(`${what} and ${other} are two things to show: give one; --all has both.`);
  if (!/^[1-9]\d*$/.test(last)) throw new Error(`--last takes a number of migrations, not "${last}".`);
  return { format, part, moves, all, last: Number(last) };
}

function textOf(results: ShownResults, { format, part, moves, all, last }: Asked): string {
  const { parts, report } = results;
  const width = terminalWidth();
  const some = part === undefined ? parts : [partNamed(results, part)];
  if (format === "json") return jsonText(results, some);
  if (format === "csv") return part === undefined ? movesAsCsv(results) : partCsv(partNamed(results, part));
  if (format === "md") return some.map(partMarkdown).join("\n\n");
  if (part !== undefined) return some.map((one) => partText(one, width)).join("\n\n");
  if (!moves && !all) return summaryText(results, width);
  return [
    movesText(results, last, width),
    ...(all ? parts.filter(({ id }) => id !== "left-out").map((one) => `\n${partText(one, width)}`) : []),
    ...problemsText(report.dataset),
  ].join("\n");
}

await runCommand(main);
