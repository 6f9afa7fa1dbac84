import type { MonitorEvent } from "../../libvirt/monitor-event.ts";
import type { TraceEvent } from "../../libvirt/qemu-trace.ts";
import type { MigrationRecord } from "../../moves/record.ts";

const mib = 1024 * 1024;
/** QEMU counts dirty pages from one sync to the next, and on, until more than this has passed (migration_bitmap_sync). */
const countedForSeconds = 1;
/** Less time tells nothing of how fast pages got dirty. */
const leastSeconds = 0.01;

/**
 * The passes of a pre-copy over the guest's memory, as each began: what had been sent and what remained, and how fast pages had got dirty
 * since the one before. From QEMU's events and trace; a pass that was not traced is left out, not guessed.
 */
export function passesOf(
  events: readonly MonitorEvent[],
  trace: readonly TraceEvent[],
  onWatch: (epochSeconds: number) => number,
): MigrationRecord["passes"] {
  let previousSync: TraceEvent | undefined;
  let counted = { sinceSeconds: undefined as number | undefined, pages: 0 };
  return events.flatMap(({ event, atEpochSeconds, data }) => {
    if (event !== "MIGRATION_PASS" || typeof data.pass !== "number") return [];
    // QEMU tells of the pass right after it has read the dirty bitmap for it.
    const sync = trace.findLast(
      (line) => line.event === "migration_bitmap_sync_end" && line.atEpochSeconds <= atEpochSeconds,
    );
    const tellsPending = ({ event }: TraceEvent) => event.startsWith("migrate_pending");
    // After the switchover nothing reports it any more: then the last report before counts.
    const pending =
      trace.find((line) => tellsPending(line) && line.atEpochSeconds >= atEpochSeconds) ??
      trace.findLast(tellsPending);
    const remaining = pending && number(pending.text, /size (\d+)/);
    const dirtyPages = sync && number(sync.text, /dirty_pages (\d+)/);
    const intervalSeconds = sync && previousSync && sync.atEpochSeconds - previousSync.atEpochSeconds;
    const got =
      dirtyPages !== undefined && dirtyPages >= counted.pages ? dirtyPages - counted.pages : dirtyPages;
    if (sync && dirtyPages !== undefined) {
      const { sinceSeconds = sync.atEpochSeconds } = counted;
      counted =
        sync.atEpochSeconds - sinceSeconds > countedForSeconds
          ? { sinceSeconds: sync.atEpochSeconds, pages: 0 }
          : { sinceSeconds, pages: dirtyPages };
    }
    previousSync = sync;
    if (remaining === undefined) return [];
    return [
      {
        pass: data.pass,
        transferredMiB: transferredBy(trace, atEpochSeconds) / mib,
        remainingMiB: remaining / mib,
        ...(got !== undefined && intervalSeconds && intervalSeconds >= leastSeconds
          ? { dirtyPagesPerSecond: got / intervalSeconds }
          : {}),
        atMs: onWatch(atEpochSeconds),
      },
    ];
  });
}

/** QEMU tells every 100 ms how many bytes it sent. */
const transferredBy = (trace: readonly TraceEvent[], untilEpochSeconds: number): number =>
  trace
    .filter(
      ({ event, atEpochSeconds }) => event === "migrate_transferred" && atEpochSeconds <= untilEpochSeconds,
    )
    .reduce((sum, { text }) => sum + (number(text, /transferred (\d+)/) ?? 0), 0);

function number(text: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(text)?.[1];
  return match === undefined ? undefined : Number(match);
}
