import type { JobInfo } from "../../libvirt/job-info.ts";
import type { Moving } from "../context/moving.ts";
import type { Clocks, MoveFigures } from "../measuring/measure.ts";
import type { Stopwatch } from "../measuring/stopwatch.ts";
import type { Witness } from "../measuring/witness.ts";
import type { Step } from "../reconciling/next-step.ts";

/** A move and all that measures it. */
export interface Underway {
  moving: Moving;
  watch: Stopwatch;
  witness: Witness;
  /** What of its bandwidth it may use now. Absent: it has no limit, or sends nothing itself. */
  shareMiBps?: (() => number) | undefined;
  /** Is told what libvirt says of a running guest's transfer, about once a second. Absent: nobody wants to know. */
  onJob?: ((job: JobInfo) => void) | undefined;
}

/** What is a mode's own in a move, in the order in which it is called; what all moves have in common is in move.ts. */
export interface ModesPart {
  /** What is needed before it begins, and moves nothing yet. */
  prepare?(): Promise<void>;
  /** The first action: what `reconcile` cannot do by itself, since without it there is nothing to reconcile. */
  begin(): Promise<void>;
  /** After each of the steps by which the move is reconciled. */
  stepped?(step: Step): void;
  /** The figures, once the guest runs at the destination; whatever becomes of them, it has moved. */
  measure(endMs: number, clocks: Clocks): Promise<MoveFigures>;
}

export type Mode = (underway: Underway) => ModesPart;
