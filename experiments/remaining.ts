import type { FailureLine, MoveLine, UpdateLine } from "../moves/experiment-run.ts";
import { hadItsTime } from "../moves/record.ts";
import type { Cell } from "./cells.ts";
import type { Experiment } from "./experiment.ts";
import { halfWidthPercent } from "./precision.ts";
import type { Turn } from "./schedule.ts";

/** What a run has written of its turns so far. */
export type TurnLine = MoveLine | FailureLine | UpdateLine;
type Stop = Experiment["stop"];

/** The lines that count: those of turns in which the run was interrupted do not. */
const undisturbed = (lines: readonly TurnLine[]): TurnLine[] => lines.filter((line) => !line.isInterrupted);

/** A turn has been made when each of its guests has moved or was tried to, a policy has decided, or it could not be made. */
export function isMade(turn: Turn, cell: Cell, lines: readonly TurnLine[]): boolean {
  const own = undisturbed(lines).filter(({ order }) => order === turn.order);
  if (own.some(({ kind }) => kind !== "move")) return true;
  const moved = new Set(own.flatMap((line) => (line.kind === "move" ? [line.record.guest] : [])));
  return !cell.isDecided && cell.guests.every((guest) => moved.has(guest));
}

/** The turns that have been made. */
export function madeOf(turns: readonly Turn[], cells: readonly Cell[], lines: readonly TurnLine[]): Turn[] {
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  const byOrder = Map.groupBy(lines, ({ order }) => order);
  return turns.filter((turn) => {
    const cell = byId.get(turn.cell);
    if (!cell) throw new Error(`turn ${turn.order} is of ${turn.cell}, which is no cell of this experiment`);
    return isMade(turn, cell, byOrder.get(turn.order) ?? []);
  });
}

/**
 * What is left to do, in its order. It follows from the schedule and the lines alone, so that a run goes on wherever it was interrupted.
 */
export function remaining(
  turns: readonly Turn[],
  cells: readonly Cell[],
  lines: readonly TurnLine[],
  stop: Stop,
): Turn[] {
  const made = new Set(madeOf(turns, cells, lines));
  const settled = new Set(cells.filter(({ id }) => isPreciseEnough(id, lines, stop)).map(({ id }) => id));
  return turns.filter((turn) => !made.has(turn) && (turn.isWarmUp || !settled.has(turn.cell)));
}

/** Whether a cell's medians are known as well as the experiment wants them. */
function isPreciseEnough(cell: string, lines: readonly TurnLine[], stop: Stop): boolean {
  const { halfWidthPercent: limit, atLeast } = stop;
  if (limit === undefined) return false;
  const records = undisturbed(lines).flatMap((line) =>
    line.kind === "move" && line.cell === cell && !line.isWarmUp && line.record.outcome === "completed"
      ? [line.record]
      : [],
  );
  if (records.length < atLeast) return false;
  const figures = [
    records.map(({ totalMs }) => totalMs),
    records.flatMap(({ downtimeMs }) => downtimeMs ?? []),
  ];
  return figures.every((some) => (halfWidthPercent(some) ?? Number.POSITIVE_INFINITY) <= limit);
}

/**
 * Why a run of the command should end here; undefined: it should not.
 *
 * @param lines those that this run of the command wrote, oldest first
 */
export function reasonToStop(stop: Stop, elapsedMs: number, lines: readonly TurnLine[]): string | undefined {
  if (stop.minutes !== undefined && elapsedMs >= stop.minutes * 60_000) {
    return `its ${stop.minutes} minutes are over`;
  }
  const failures = undisturbed(lines).map(failureOf);
  const last = failures.slice(-stop.failuresInARow);
  if (last.length < stop.failuresInARow || last.includes(undefined)) return undefined;
  return `${last.length} moves in a row failed, the last one with: ${last.at(-1)}`;
}

/** Why a move says that something is broken. One that was given up when its time was over is a result like any other. */
function failureOf(line: TurnLine): string | undefined {
  if (line.kind === "failure") return line.error;
  if (line.kind === "update") return undefined;
  const { outcome, error = "no reason given" } = line.record;
  return outcome === "failed" || (outcome === "rolled-back" && !hadItsTime(line.record)) ? error : undefined;
}
