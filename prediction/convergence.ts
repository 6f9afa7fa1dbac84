import type { MigrationRecord } from "../moves/record.ts";
import { companionsIn, othersBy } from "./company.ts";
import { recentOf, tells } from "./learn.ts";
import { course } from "./model.ts";
import { basisOf, type ProposedMove } from "./proposed-move.ts";

/** Whether the pre-copy of a move converges, and what that follows from: the figures of its prediction. */
export interface Convergence {
  /** As the prediction has it (`converges`). */
  converges: boolean;
  /** Also if the guest writes more than it is taken to. */
  hasMargin: boolean;
  dirtyMiBps: number;
  /** That is measured, declared or seen before; otherwise it is what guests do. */
  knowsWriting: boolean;
  /** With the limit, if there is one, and what other moves leave. */
  sendMiBps: number;
  knowsSending: boolean;
  /** How long CPUs and devices take to go over; absent: no move of these hosts tells. */
  deviceMs?: number;
}

/** @param margin so many times as much may get dirty for `hasMargin` */
export function convergence(
  move: ProposedMove,
  records: readonly MigrationRecord[],
  margin: number,
): Convergence {
  const { kind, past, pace, load, dirtyFrom, options } = basisOf(
    move,
    recentOf(records, move),
    othersBy(companionsIn(records)),
  );
  const { bandwidthMiBps } = options;
  const converges = (times: number): boolean =>
    course({ ...load, dirtyMiBps: times * load.dirtyMiBps }, options, pace).converges;
  return {
    converges: converges(1),
    // A guest that is slowed down may converge although it writes more, since it is slowed down sooner.
    hasMargin: converges(1) && converges(margin),
    dirtyMiBps: load.dirtyMiBps,
    knowsWriting: dirtyFrom !== "prior",
    sendMiBps: Math.min(pace.sendMiBps, bandwidthMiBps ?? Number.POSITIVE_INFINITY),
    knowsSending:
      bandwidthMiBps !== undefined || move.linkMiBps !== undefined || tells(past, kind, "sendMiBps"),
    ...(tells(past, kind, "deviceMs") && { deviceMs: pace.deviceMs }),
  };
}
