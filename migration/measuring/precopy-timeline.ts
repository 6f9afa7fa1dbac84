import { between } from "../../moves/moments.ts";
import type { MigrationRecord } from "../../moves/record.ts";

/** The moments of a pre-copy migration, in milliseconds since its beginning. */
export interface PrecopyMoments {
  /** QEMU begins to copy the guest's disk; absent: that is on shared storage. */
  storageMs?: number;
  /** QEMU begins to send memory (status `active`). */
  activeMs: number;
  /** The guest's CPUs stop at the source. */
  stoppedMs: number;
  /** The last dirty memory is sent; absent when QEMU did not trace it. */
  memorySentMs?: number;
  /** The guest's CPUs run at the destination. */
  resumedMs: number;
  /** The source is released. */
  endMs: number;
}

/** What is known of the switchover when it was not traced. */
interface Switchover {
  remainingMiB?: number;
  bandwidthMiBps?: number;
}

export type Timeline = Required<Pick<MigrationRecord, "totalMs" | "downtimeMs" | "phases" | "equations">>;

/**
 * Phases and the paper's equations from the moments: TMT = TI + OV, TDT = DM + VS. They hold exactly, since each term is the time
 * between two of the same moments. Where DM ends is traced, or estimated from what remained at the switchover and the bandwidth.
 */
export function precopyTimeline(moments: PrecopyMoments, switchover: Switchover): Timeline {
  const { activeMs, stoppedMs, resumedMs, endMs } = moments;
  const downtimeMs = between(stoppedMs, resumedMs);
  const { remainingMiB, bandwidthMiBps } = switchover;
  const estimatedMs =
    remainingMiB !== undefined && bandwidthMiBps ? (remainingMiB / bandwidthMiBps) * 1000 : downtimeMs;
  const sentMs = moments.memorySentMs ?? stoppedMs + estimatedMs;
  const memorySentMs = Math.min(Math.max(sentMs, stoppedMs), resumedMs);

  const tiMs = between(activeMs, stoppedMs);
  return {
    totalMs: endMs,
    downtimeMs,
    phases: [
      ...beforeMemory(moments),
      { name: "iterations", startMs: activeMs, endMs: stoppedMs },
      { name: "stop-and-copy", startMs: stoppedMs, endMs: memorySentMs },
      { name: "device-state", startMs: memorySentMs, endMs: resumedMs },
      { name: "completion", startMs: resumedMs, endMs },
    ],
    equations: {
      tiMs,
      ovMs: between(tiMs, endMs),
      dmMs: between(stoppedMs, memorySentMs),
      vsMs: between(memorySentMs, resumedMs),
      dmVsFrom: moments.memorySentMs === undefined ? "estimated" : "traced",
    },
  };
}

/** Until QEMU begins to send memory: by then a disk that is copied along is in step. */
export function beforeMemory({
  storageMs,
  activeMs,
}: Pick<PrecopyMoments, "storageMs" | "activeMs">): Timeline["phases"] {
  if (storageMs === undefined) return [{ name: "preparation", startMs: 0, endMs: activeMs }];
  return [
    { name: "preparation", startMs: 0, endMs: storageMs },
    { name: "storage", startMs: storageMs, endMs: activeMs },
  ];
}
