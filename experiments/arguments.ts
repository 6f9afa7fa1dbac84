import { type Command, InvalidArgumentError, Option } from "commander";
import { command, UsageError, wholeNumber } from "../report/text/command.ts";
import type { RunChoice } from "./choose-run.ts";
import { ownSize } from "./experiment.ts";

/** What the command line asks for. */
export interface Options {
  /** An experiment's name, or the path of its file; empty with `list`. */
  experiment: string;
  size: string;
  repeats?: number;
  seed?: number;
  stack?: string;
  limitMinutes?: number;
  choice: RunChoice;
  dryRun: boolean;
  keep: boolean;
  down: boolean;
  list: boolean;
  /** Runs to hold against each other, instead of making one. */
  compare?: { words: readonly string[]; tolerance: number };
}

const program = () =>
  command(
    "npm run experiment --",
    "NAME [options]\n--list\n--compare A [B]",
    "Makes the moves of experiments/NAME.yaml (or of another file) and measures them. A run that was interrupted is continued, unless " +
      "something else is asked for.",
  )
    .argument("[experiment...]")
    .option("--list", "which experiments there are")
    .option("--sizes <name>", "other sizes, such as the paper's own: --sizes paper", ownSize)
    .option("--repeats <n>", "moves of each cell (default: as the file says)", wholeNumber(1))
    .option(
      "--seed <n>",
      "of the order in which moves are made (default: drawn, and written down)",
      wholeNumber(),
    )
    .option(
      "--stack <stack>",
      "the hosts, storage and SSH of stacks/Pulumi.NAME.yaml (default: a lab on this machine)",
    )
    .option(
      "--limit <time>",
      "ends after so long (90s, 30m, 2h); the next run goes on (default: as the file says)",
      minutes,
    )
    .option("--resume", "go on with the latest run, as it was asked for")
    .addOption(new Option("--new", "begin another run, whatever is left of the latest").conflicts("resume"))
    .option("--keep", "leave the testbed up when all is done")
    .option("--down", "take down the testbed of an experiment that was interrupted; its results stay")
    .option("--dry-run", "say what would be done, in which order, and how long it takes; nothing is touched")
    .option(
      "--compare",
      "whether two runs say the same, cell by cell and claim by claim; of one, how many repeats a precision takes",
    )
    .option(
      "--tolerance <percent>",
      "with --compare: by how much two figures may differ and be equal (default: 10)",
      percent,
    )
    .addHelpText(
      "after",
      `
Ctrl-C ends it after the move that is under way, or as soon as that is taken back. Results: results/experiments/NAME/, a file of JSON
lines and one of CSV for each run. A and B are results files, runs (paper/20260101T120000Z) or experiments (their latest run); the
exit code is 1 if anything differs. How to write an experiment of one's own: docs/experiments.md.`,
    );

interface Values extends Pick<Options, "stack" | "repeats" | "seed"> {
  list?: true;
  sizes: string;
  limit?: number;
  resume?: true;
  new?: true;
  keep?: true;
  down?: true;
  dryRun?: true;
  compare?: true;
  tolerance?: number;
}

/** `npm run experiment`, which does `act` as it was asked to. */
export const experimentCommand = (act: (options: Options) => Promise<void>): Command =>
  program().action((names: string[], values: Values) => act(optionsOf(names, values)));

/** @throws UsageError */
function optionsOf(names: readonly string[], values: Values): Options {
  const [experiment = "", ...more] = names;
  const { sizes, limit, tolerance, repeats, seed, stack } = values;
  const compare = values.compare === true;
  if (tolerance !== undefined && !compare) throw new UsageError("--tolerance is of --compare.");
  if (compare && (names.length === 0 || names.length > 2))
    throw new UsageError("--compare takes two runs, or one to say how many repeats a precision takes.");
  if (!values.list && experiment === "")
    throw new UsageError("Which experiment? `npm run experiment -- --list` says which there are.");
  if (more.length > 0 && !compare) throw new UsageError(`One experiment at a time, not ${names.join(", ")}.`);
  return {
    experiment,
    size: sizes,
    ...(repeats !== undefined && { repeats }),
    ...(seed !== undefined && { seed }),
    ...(limit !== undefined && { limitMinutes: limit }),
    ...(stack !== undefined && { stack }),
    choice: values.new ? "new" : values.resume ? "resume" : "either",
    dryRun: values.dryRun === true,
    keep: values.keep === true,
    down: values.down === true,
    list: values.list === true,
    ...(compare && { compare: { words: names, tolerance: (tolerance ?? 10) / 100 } }),
  };
}

function percent(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 100)
    throw new InvalidArgumentError("It takes percent, such as 10.");
  return value;
}

function minutes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  if (!number || !(Number(number) > 0))
    throw new InvalidArgumentError("It takes a time such as 90s, 30m or 2h.");
  return Number(number) * { s: 1 / 60, m: 1, h: 60 }[unit as "s" | "m" | "h"];
}
