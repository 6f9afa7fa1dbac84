import type { DecidedUpdate } from "../moves/decided-update.ts";
import type { FailureLine, MoveLine, UpdateLine } from "../moves/experiment-run.ts";
import { identityOf, type MigrationRecord } from "../moves/record.ts";
import type { Cell } from "./cells.ts";
import type { RunProgress } from "./progress-log.ts";
import type { TurnLine } from "./remaining.ts";
import type { Turn } from "./schedule.ts";

/** What came of a turn. */
interface TurnOutcome {
  /** Of the turn's guests, made since it was begun. */
  records: readonly MigrationRecord[];
  loadBefore: Readonly<Record<string, number>>;
  /** How long the updates took that made it; nothing of those that failed. */
  updateMs: readonly number[];
  progress: ReadonlyMap<string, RunProgress>;
  /** Where a policy decides: what it decided, and what came of it. Absent: that is not known, or a person decides. */
  update?: DecidedUpdate;
  /** Why it could not be made, or not to its end. */
  failure?: Error;
  /** The run was interrupted while it was made. */
  wasInterrupted: boolean;
  /** When it was over. */
  at: Date;
  /** Of this project, that made it; absent: another one may have, and died. */
  version?: string;
}

/**
 * The lines of a turn: one for each record, and one more when a guest has none. A move that an interruption disturbed says nothing of its
 * cell: its line is marked, and the turn is made again. One that was completed all the same counts.
 */
export function turnLines(turn: Turn, cell: Cell, outcome: TurnOutcome): TurnLine[] {
  const { records, failure, wasInterrupted, at, version } = outcome;
  const place = { ...placeOf(turn), ...(version !== undefined && { version }) };
  const moved = new Set(records.map(({ guest }) => guest));
  // Which guests move is the policy's to say, so none is missed.
  const still = cell.isDecided ? [] : cell.guests.filter((guest) => !moved.has(guest));
  const isUnknown = cell.isDecided === true && outcome.update === undefined;
  const isWhole = still.length === 0 && !isUnknown;
  const isDisturbed =
    wasInterrupted && (!isWhole || records.some((record) => record.outcome !== "completed"));
  const update = outcome.update && { ...place, kind: "update" as const, update: outcome.update };
  const moves = records.map((record): MoveLine => {
    const updateMs = updateOf(record.guest, cell, outcome.updateMs);
    const progress = outcome.progress.get(record.guest);
    return {
      ...place,
      ...(isDisturbed && { isInterrupted: true }),
      kind: "move",
      loadBefore: outcome.loadBefore,
      ...(updateMs !== undefined && { updateMs }),
      ...(progress && { progress }),
      record,
    };
  });
  if (isWhole || isDisturbed)
    return update
      ? [{ ...update, ...(isDisturbed && { isInterrupted: true }) } satisfies UpdateLine, ...moves]
      : moves;
  const error =
    failure?.message ??
    (isUnknown
      ? "what the policy decided is not known"
      : `${still.join(", ")} did not move, and there is no record that says why`);
  return [...moves, { ...place, kind: "failure", at: at.toISOString(), error } satisfies FailureLine];
}

/** Guests that move one by one have an update each. */
const updateOf = (guest: string, { guests, way }: Cell, updateMs: readonly number[]): number | undefined =>
  updateMs[way.arrangement === "one-by-one" ? guests.indexOf(guest) : 0];

const placeOf = ({ cell, repeat, block, order, isWarmUp }: Turn) => ({
  schema: 1 as const,
  cell,
  repeat,
  block,
  order,
  ...(isWarmUp && { isWarmUp }),
});

/**
 * The lines of a turn in which a run died, from the stack's results file. A completed move counts if only its line was missing. If a line
 * of the turn was already written, its moves were over by then, however they ended.
 *
 * @param records those of the turn's guests that began after the turn and before anyone went on with it
 * @param written the lines of that turn that are there
 */
export function adoptedLines(
  turn: Turn,
  cell: Cell,
  records: readonly MigrationRecord[],
  written: readonly TurnLine[],
  loadBefore: TurnOutcome["loadBefore"],
  at: Date,
): TurnLine[] {
  const known = new Set(written.flatMap((line) => (line.kind === "move" ? [identityOf(line.record)] : [])));
  const wasOver = written.some((line) => !line.isInterrupted);
  const all = turnLines(turn, cell, {
    records,
    loadBefore,
    updateMs: [],
    progress: new Map(),
    wasInterrupted: !wasOver,
    at,
  });
  // What a policy decided is written first: no failure where that is there.
  const isTold = written.some((line) => line.kind === "update" && !line.isInterrupted);
  return all.filter((line) => (line.kind !== "move" ? !isTold : !known.has(identityOf(line.record))));
}
