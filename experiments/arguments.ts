import { parseArgs } from "node:util";
import type { RunChoice } from "./choose-run.ts";
import { ownSize } from "./experiment.ts";

/** What the command line asks for. */
export interface Options {
  /** An experiment's name, or the path of its file; empty with `help` and `list`. */
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
  compare?: { words: string[]; tolerance: number };
  help: boolean;
}

export const help = `Usage: npm run experiment -- NAME [options]    makes the moves of experiments/NAME.yaml and measures them
       npm run experiment -- --list            which experiments there are
       npm run experiment -- --compare A B     whether two runs say the same, cell by cell and claim by claim
       npm run experiment -- --compare A       how many repeats a precision takes, as its moves differ

NAME can be the path of a YAML file, too. A run that was interrupted is continued, unless something else is asked for.

Options:
  --sizes NAME    other sizes, such as the paper's own: --sizes paper     default: ${ownSize}, those of the file
  --repeats N     moves of each cell                                      default: as the file says
  --seed N        of the order in which moves are made                    default: drawn, and written down
  --stack NAME    the hosts, storage and SSH of stacks/Pulumi.NAME.yaml   default: a lab on this machine
  --limit TIME    ends after so long (90s, 30m, 2h); the next run goes on default: as the file says
  --resume        go on with the latest run, as it was asked for
  --new           begin another run, whatever is left of the latest
  --keep          leave the testbed up when all is done
  --down          take down the testbed of an experiment that was interrupted; its results stay
  --dry-run       say what would be done, in which order, and how long it takes; nothing is touched
  --tolerance N   with --compare: by how many percent two figures may differ and be equal   default: 10
  --help

Ctrl-C ends it after the move that is under way, or as soon as that is taken back. Results: results/experiments/NAME/, a file of JSON
lines and one of CSV for each run. A and B are results files, runs (paper/20260101T120000Z) or experiments (their latest run); the
exit code is 1 if anything differs. How to write an experiment of one's own: docs/experiments.md.`;

/** @throws an error that says what is wrong with the arguments */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      sizes: { type: "string", default: ownSize },
      repeats: { type: "string" },
      seed: { type: "string" },
      stack: { type: "string" },
      limit: { type: "string" },
      resume: { type: "boolean", default: false },
      new: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      down: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      compare: { type: "boolean", default: false },
      tolerance: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [experiment = "", ...more] = positionals;
  const { compare } = values;
  if (values.tolerance !== undefined && !compare) throw new Error("--tolerance is of --compare.");
  if (compare && !values.help) {
    if (positionals.length === 0 || positionals.length > 2)
      throw new Error("--compare takes two runs, or one to say how many repeats a precision takes.");
  }
  if (!values.help && !values.list && experiment === "")
    throw new Error("Which experiment? `npm run experiment -- --list` says which there are.");
  if (more.length > 0 && !compare)
    throw new Error(`One experiment at a time, not ${positionals.join(", ")}.`);
  if (values.resume && values.new) throw new Error("--resume and --new are each other's contrary.");
  const { repeats, seed, limit, stack } = values;
  return {
    experiment,
    size: values.sizes,
    ...(repeats !== undefined && { repeats: wholeNumber("repeats", repeats, 1) }),
    ...(seed !== undefined && { seed: wholeNumber("seed", seed, 0) }),
    ...(limit !== undefined && { limitMinutes: minutes(limit) }),
    ...(stack !== undefined && { stack }),
    choice: values.new ? "new" : values.resume ? "resume" : "either",
    dryRun: values["dry-run"],
    keep: values.keep,
    down: values.down,
    list: values.list,
    ...(compare && { compare: { words: positionals, tolerance: percent(values.tolerance ?? "10") / 100 } }),
    help: values.help,
  };
}

function percent(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 100)
    throw new Error(`--tolerance takes percent, such as 10, not "${text}".`);
  return value;
}

function wholeNumber(option: string, text: string, least: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new Error(`--${option} takes a whole number from ${least} on, not "${text}".`);
  }
  return Number(text);
}

function minutes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  if (!number || !(Number(number) > 0))
    throw new Error(`--limit takes a time such as 90s, 30m or 2h, not "${text}".`);
  return Number(number) * { s: 1 / 60, m: 1, h: 60 }[unit as "s" | "m" | "h"];
}
