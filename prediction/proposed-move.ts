import type { MigrationOptions } from "../moves/options.ts";
import type { MigrationRecord } from "../moves/record.ts";
import { type Beforehand, type DirtyFrom, loadFrom, type PastMove, paceFrom, pastOf } from "./learn.ts";
import type { GuestLoad, Pace } from "./model.ts";
import { sharedLimit } from "./sharing.ts";
import type { Kind } from "./weights.ts";

/** A move that is proposed. */
export interface ProposedMove extends Omit<Kind, "mode" | "options">, Beforehand {
  options: MigrationOptions;
  /** What the link carries, if that was measured. */
  linkMiBps?: number | undefined;
}

/** The question to which a record is the answer: what was known before it began. */
export function proposedBy(record: MigrationRecord): ProposedMove {
  const {
    guest,
    from,
    to,
    accelerator,
    redo,
    memoryMiB,
    workload,
    mode,
    options,
    before,
    linkMiBps,
    storageMiB,
    predicted,
  } = record;
  return {
    guest,
    from,
    to,
    accelerator,
    redo,
    memoryMiB,
    workload,
    linkMiBps,
    others: predicted?.others,
    ...before,
    redoMiB: redo === "local" ? (before?.redoMiB ?? storageMiB) : undefined,
    options: { ...options, mode },
  };
}

export const kindOf = ({ guest, from, to, accelerator, redo, options, others }: ProposedMove): Kind => ({
  guest,
  from,
  to,
  accelerator,
  redo,
  mode: options.mode,
  options,
  others,
});

/** What a move is predicted from. */
interface Basis {
  kind: Kind;
  past: PastMove[];
  pace: Pace;
  load: GuestLoad;
  dirtyFrom: DirtyFrom;
  /** As asked for, but for what others leave of a limit. */
  options: MigrationOptions;
}

/**
 * @param records those that are looked at, newest first (`recentOf`)
 * @param othersOf with how many other moves each of theirs shared
 */
export function basisOf(
  move: ProposedMove,
  records: readonly MigrationRecord[],
  othersOf: (record: MigrationRecord) => number,
): Basis {
  const kind = kindOf(move);
  const past = pastOf(records, kind, othersOf);
  const pace = paceFrom(past, kind, move.linkMiBps);
  const { dirtyFrom, ...load } = loadFrom(past, move.guest, move);
  const options = sharedLimit(move.options, kind.mode, kind.others ?? 0);
  return { kind, past, pace, load, dirtyFrom, options };
}
