import type { MigrationMode, MigrationRecord } from "../report/record.ts";
import { cold } from "./cold.ts";
import { live } from "./live.ts";
import type { Clocks } from "./measure.ts";
import type { Moving } from "./moving.ts";
import type { Step } from "./next-step.ts";
import { offline } from "./offline.ts";
import { postcopy } from "./postcopy.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { Witness } from "./witness.ts";

/** A move and all that measures it. */
export interface Underway {
  moving: Moving;
  watch: Stopwatch;
  witness: Witness;
  clocks: Clocks;
}

export type Measured = Partial<MigrationRecord> & Pick<MigrationRecord, "totalMs" | "phases" | "passes">;

/** What is a mode's own in a move, in the order in which it is called; what all moves have in common is in move.ts. */
export interface ModesPart {
  /** What is needed before it begins, and moves nothing yet. */
  prepare?(): Promise<void>;
  /** The first action: what `settle` cannot do by itself, since without it there is nothing to settle. */
  begin(): Promise<void>;
  /** After each of the steps by which the move is settled. */
  stepped?(step: Step): void;
  /** The figures, once the guest runs at the destination; whatever becomes of them, it has moved. */
  measure(endMs: number): Promise<Measured>;
}

export type Mode = (underway: Underway) => ModesPart;

/** Each mode's flow is in the file of its name. */
export const modes: { [mode in MigrationMode]: Mode } = {
  live,
  postcopy,
  hybrid: postcopy,
  offline,
  cold,
};
