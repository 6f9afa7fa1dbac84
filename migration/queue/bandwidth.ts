import { movesRunning } from "../../moves/modes.ts";
import type { Moving } from "../context/moving.ts";
import { bandwidthShare } from "./admission.ts";
import type { QueueTurn } from "./queue.ts";

/** What a move may send of the bandwidth that it was given, at any time while others come and go; undefined: it has no limit to share. */
export function sharedBandwidth(
  { uuid, options: { mode, bandwidthMiBps } }: Pick<Moving, "uuid" | "options">,
  { entries }: Pick<QueueTurn, "entries">,
): (() => number) | undefined {
  if (bandwidthMiBps === undefined || !movesRunning(mode)) return undefined;
  return () => bandwidthShare(bandwidthMiBps, uuid, entries());
}
