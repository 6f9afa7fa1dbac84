import { isDeepStrictEqual } from "node:util";
import { memorySentAt } from "../../libvirt/qemu-trace.ts";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import { type PathName, type PhaseName, phasesOf, phasesWith, storagePhase } from "../../moves/modes.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { ClockReading } from "../../ssh/session.ts";
import type { Statistics } from "./job-statistics.ts";
import { passesOf } from "./passes.ts";
import { postcopyTimeline } from "./postcopy-timeline.ts";
import { precopyTimeline } from "./precopy-timeline.ts";
import type { Stopwatch } from "./stopwatch.ts";
import type { Witness } from "./witness.ts";

/** Both endpoints' clocks, each against this machine's. */
export interface Clocks {
  source: ClockReading;
  destination: ClockReading;
}

/** What is known of a move once it is over. */
export type MoveFigures = Partial<MigrationRecord> & Pick<MigrationRecord, "totalMs" | "phases" | "passes">;

/** When a phase ended, in milliseconds since the beginning. */
export interface PhaseEnd {
  phase: PhaseName;
  endMs: number;
}

type Heard = Pick<Witness, "source" | "stoppedAt" | "resumedAt" | "statusAt"> &
  Partial<Pick<Witness, "storageBegan" | "storageMiB">>;

/** To a tenth of a millisecond: no clock reading here is better. */
export const rounded = (ms: number): number => Math.round(ms * 10) / 10 + 0; // -0 becomes 0, as it is in JSON

/**
 * Brings a host's time stamp onto the stopwatch. A clock that was read with some error, or that drifts during a long move, can place an
 * event outside of the move, or before one that it followed: it is kept within the move and after the earlier one.
 */
function onWatch(watch: Stopwatch, clock: ClockReading, endMs: number) {
  return <T extends number | undefined>(epochSeconds: T, afterMs = 0) =>
    (epochSeconds === undefined
      ? undefined
      : rounded(Math.max(afterMs, Math.min(watch.fromHostClock(epochSeconds, clock), endMs)))) as T;
}

const offsetBetween = ({ source, destination }: Clocks): NonNullable<MigrationRecord["clock"]> => ({
  offsetMs: rounded(destination.offsetMs - source.offsetMs),
  // Rounded up, so that a small one is not zero.
  uncertaintyMs: Math.ceil((destination.uncertaintyMs + source.uncertaintyMs) * 10) / 10,
});

/** The figures of a guest that moved running, by pre-copy or with post-copy; one that QEMU did not report is absent. */
export function measureRunning(
  heard: Heard,
  { trace, job = {} }: Statistics,
  clocks: Clocks,
  watch: Stopwatch,
  endMs: number,
): MoveFigures {
  const atSource = onWatch(watch, clocks.source, endMs);
  const atDestination = onWatch(watch, clocks.destination, endMs);
  const setup = heard.statusAt("setup");
  const completed = heard.statusAt("completed");
  const stoppedMs = atSource(heard.stoppedAt);
  const moments = {
    storageMs: atSource(heard.storageBegan),
    activeMs: atSource(heard.statusAt("active")),
    memorySentMs: atSource(memorySentAt(trace)),
    resumedMs: atDestination(heard.resumedAt, stoppedMs),
    endMs: rounded(endMs),
  };
  const passes = passesOf(heard.source, trace, (epochSeconds) => atSource(epochSeconds));
  const switchover = { remainingMiB: passes.at(-1)?.remainingMiB, bandwidthMiBps: job.bandwidthMiBps };
  const { activeMs, resumedMs } = moments;
  const timeline = () => {
    if (activeMs === undefined || stoppedMs === undefined || resumedMs === undefined)
      return { totalMs: moments.endMs, phases: [] };
    const known = { ...moments, activeMs, stoppedMs, resumedMs };
    if (heard.statusAt("postcopy-active") === undefined) return precopyTimeline(known, switchover);
    return postcopyTimeline({ ...known, completedMs: atSource(completed, resumedMs) ?? moments.endMs });
  };
  return withoutAbsent({
    ...timeline(),
    passes,
    hypervisorTotalMs: setup && completed ? rounded((completed - setup) * 1000) : undefined,
    hypervisorDowntimeMs: job.downtimeMs,
    transferredMiB: job.transferredMiB,
    storageMiB: heard.storageMiB === undefined ? undefined : rounded(heard.storageMiB),
    iterations: job.iteration,
    throttlePercent: job.throttlePercent,
    dirtyPagesPerSecond: passes.findLast((pass) => pass.dirtyPagesPerSecond !== undefined)
      ?.dirtyPagesPerSecond,
    clock: offsetBetween(clocks),
  });
}

/** Whether these are all phases of some path of a move, in their order. */
function areWhole(ends: readonly PhaseEnd[]): boolean {
  const names = ends.map(({ phase }) => phase);
  const paths = Object.keys(phasesOf) as PathName[];
  return paths.some((path) => isDeepStrictEqual(phasesWith(path, names.includes(storagePhase)), names));
}

/**
 * The figures of a move whose phases are this program's own steps: offline and cold.
 *
 * @param phaseEnds the ends of all phases but the last; one that was not seen leaves all phases unknown
 */
export function measureSteps(
  heard: Heard,
  phaseEnds: readonly PhaseEnd[],
  lastPhase: PhaseName,
  clocks: Clocks,
  watch: Stopwatch,
  endMs: number,
): MoveFigures {
  const stoppedMs = onWatch(watch, clocks.source, endMs)(heard.stoppedAt);
  const resumedMs = onWatch(watch, clocks.destination, endMs)(heard.resumedAt, stoppedMs);
  let startMs = 0;
  const ends = [...phaseEnds, { phase: lastPhase, endMs }];
  const phases = (areWhole(ends) ? ends : []).map(({ phase, endMs }) => {
    const made = { name: phase, startMs, endMs: rounded(endMs) };
    startMs = made.endMs;
    return made;
  });
  const stop = stoppedMs === undefined || resumedMs === undefined ? undefined : { stoppedMs, resumedMs };
  return withoutAbsent({
    totalMs: rounded(endMs),
    downtimeMs: stop && rounded(stop.resumedMs - stop.stoppedMs),
    stop,
    phases,
    passes: [],
    clock: offsetBetween(clocks),
  });
}
