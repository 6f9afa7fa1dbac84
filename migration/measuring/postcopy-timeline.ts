import { between } from "../../moves/moments.ts";
import { beforeMemory, type PrecopyMoments, type Timeline } from "./precopy-timeline.ts";

/** The moments of a migration that ended by post-copy, in milliseconds since its beginning. */
interface PostcopyMoments extends Omit<PrecopyMoments, "memorySentMs"> {
  /** All of the memory is at the destination. */
  completedMs: number;
}

/**
 * Phases and the paper's equations from the moments: TMT = TI + OV, where TI is the pre-copy before (next to nothing in a post-copy from
 * the start), and TDT = VS, since memory follows while the guest runs.
 */
export function postcopyTimeline(moments: PostcopyMoments): Timeline {
  const { activeMs, stoppedMs, resumedMs, completedMs, endMs } = moments;
  const downtimeMs = between(stoppedMs, resumedMs);
  const tiMs = between(activeMs, stoppedMs);
  return {
    totalMs: endMs,
    downtimeMs,
    phases: [
      ...beforeMemory(moments),
      { name: "iterations", startMs: activeMs, endMs: stoppedMs },
      { name: "device-state", startMs: stoppedMs, endMs: resumedMs },
      { name: "post-copy", startMs: resumedMs, endMs: completedMs },
      { name: "completion", startMs: completedMs, endMs },
    ],
    equations: { tiMs, ovMs: between(tiMs, endMs), vsMs: downtimeMs },
  };
}
