import { isDeepStrictEqual } from "node:util";
import type { RunHead } from "../moves/experiment-run.ts";
import { type Cell, cellsOf } from "./cells.ts";
import { type Experiment, experimentSchema } from "./experiment.ts";
import { remaining, type TurnLine } from "./remaining.ts";
import { schedule, type Turn } from "./schedule.ts";

/** What the command line and the experiment's file ask for. */
export interface RunArguments {
  /** In its size, with what the command line overrides. */
  experiment: Experiment;
  size: string;
  /** The stack whose machines are used; absent: a lab. */
  stack?: string;
  /** Absent: it is drawn. */
  seed?: number;
}

/** What a run's head keeps of that, from which all that is to be done follows. */
export const keptOf = ({ experiment, size, stack }: RunArguments): RunHead["asked"] =>
  JSON.parse(JSON.stringify({ experiment, size, ...(stack !== undefined && { stack }) }));

/** The reverse of {@link keptOf}. */
export function askedOf({ asked, seed }: Pick<RunHead, "asked" | "seed">): RunArguments {
  const { experiment, size, stack } = asked as { experiment: unknown; size: string; stack?: string };
  return {
    experiment: experimentSchema.parse(experiment),
    size,
    ...(stack !== undefined && { stack }),
    seed,
  };
}

/** All cells of what is asked for, and all turns in their order. */
export function turnsOf({ experiment }: RunArguments, seed: number): { cells: Cell[]; turns: Turn[] } {
  const cells = cellsOf(experiment);
  const { repeats, warmUps } = experiment;
  return { cells, turns: schedule({ cells, repeats, warmUps, seed }) };
}

/**
 * What is left of a run.
 *
 * @param stop when it ends early, as asked for now and not then
 */
export function leftOf(head: RunHead, lines: readonly TurnLine[], stop: Experiment["stop"]): Turn[] {
  const { cells, turns } = turnsOf(askedOf(head), head.seed);
  return remaining(turns, cells, lines, stop);
}

export type RunChoice = "new" | "resume" | "either";

/**
 * Whether to go on with the latest run or to begin one.
 *
 * @param choice what the command line says of it: either, unless it says so
 * @param latest the latest run that has a head; undefined: there is none
 * @returns true: go on with that one
 * @throws when that is not for the program to decide, or cannot be
 */
export function resumes(
  choice: RunChoice,
  name: string,
  asked: RunArguments,
  latest: { head: RunHead; lines: readonly TurnLine[]; isOpen: boolean } | undefined,
): boolean {
  const left = latest ? leftOf(latest.head, latest.lines, asked.experiment.stop).length : 0;
  if (choice === "new") return false;
  if (left === 0) {
    // All its moves are made, and it was killed before its testbed was taken down.
    if (latest?.isOpen && (choice === "resume" || isSame(asked, latest.head))) return true;
    if (choice === "either") return false;
    throw new Error(
      `There is no run of ${name} to go on with: ${latest ? "the latest is complete" : "none was begun"}.`,
    );
  }
  if (choice === "resume" || (latest && isSame(asked, latest.head))) return true;
  throw new Error(
    `The run ${latest?.head.run} of ${name} has ${left} moves left, and was asked for otherwise: the file was changed since, or other options were given. ` +
      "--resume goes on with it as it was asked for, --new begins another.",
  );
}

/** When it may end early can be set again each time; what its report tells changes nothing of what is done. */
function isSame(asked: RunArguments, head: RunHead): boolean {
  if (asked.seed !== undefined && asked.seed !== head.seed) return false;
  const plain = (one: RunArguments) =>
    JSON.parse(
      JSON.stringify(
        keptOf({
          ...one,
          experiment: { ...one.experiment, stop: {} as never, claims: undefined, against: undefined },
        }),
      ),
    );
  return isDeepStrictEqual(plain(asked), plain(askedOf(head)));
}
