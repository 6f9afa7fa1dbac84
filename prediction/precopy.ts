import { dirtiedMiB, type Writing } from "./dirty.ts";

/** What a pre-copy meets. */
export interface PrecopyConditions {
  /** Memory that holds anything but zeros: what the first pass sends. */
  touchedMiB: number;
  /** Memory that holds nothing else: it is looked at, and a few bytes tell of a page of it. */
  zeroMiB: number;
  writing: Writing;
  /** What is sent while the guest runs, as QEMU sees it: with the limit, if there is one. */
  sendMiBps: number;
  /** How fast pages of zeros are looked at. */
  zeroMiBps: number;
  maxDowntimeMs: number;
  /** What can be sent once the guest is stopped, as QEMU was told. Default: what it sees while the guest runs. */
  switchoverMiBps?: number | undefined;
  /** It ends there, converged or not. */
  timeoutMs: number;
  autoConverge?: { initial?: number | undefined; increment?: number | undefined } | undefined;
  /** Passes after which post-copy takes over. Default: never. */
  untilPasses?: number | undefined;
  /** Time after which post-copy takes over. Default: never. */
  untilMs?: number | undefined;
}

/** How a pre-copy goes, until the guest's CPUs stop. */
interface PrecopyCourse {
  iterationsMs: number;
  /** What is dirty then. */
  remainingMiB: number;
  /** As QEMU counts: one more than it reads the dirty bitmap, and the last time it does with the guest stopped. */
  passes: number;
  converges: boolean;
  /** Post-copy's time came first. */
  turns: boolean;
}

/** QEMU's migration_update_counters: bandwidth and threshold are those of the last 100 ms. */
const windowMs = 100;
/** In a window its rate limit sends all at once and then waits: at the end of a pass it has sent half a window more than it had to. */
const overshootMs = windowMs / 2;
/** So what remains is about this part of the threshold, when the greatest downtime is QEMU's own 300 ms. */
export const overshootShare = 1 - overshootMs / 600;

/** QEMU's defaults: cpu-throttle-initial, -increment, max-cpu-throttle, throttle-trigger-threshold; how often a throttled guest is synced. */
const throttle = { initial: 20, increment: 10, most: 99, triggerShare: 0.5, periodMs: 1000, syncMs: 5000 };

/**
 * Pre-copy as QEMU decides it (migration_iteration_run): a pass sends until what is left of it falls below the threshold, bandwidth (as it
 * is, or as QEMU was told that of the switchover is) times the greatest downtime; then the dirty bitmap is read, and if it is still below, the guest is stopped. So what remains at the end is next
 * to the threshold, however slowly pages get dirty; and each pass is as much shorter than the one before as pages get dirty slower than
 * they are sent. It converges as soon as a pass makes less dirty than it overshot the threshold by.
 */
export function precopy(conditions: PrecopyConditions): PrecopyCourse {
  const { writing, sendMiBps, maxDowntimeMs, untilPasses = Infinity, untilMs = Infinity } = conditions;
  const perMs = sendMiBps / 1000;
  const thresholdMiB = ((conditions.switchoverMiBps ?? sendMiBps) / 1000) * maxDowntimeMs;
  const overshootMiB = Math.min(perMs * overshootMs, thresholdMiB / 2);
  const residueMiB = Math.min(thresholdMiB - overshootMiB, conditions.touchedMiB);
  const endMs = Math.min(conditions.timeoutMs, untilMs);
  // No more than that can be dirty at a time, however fast it is written to.
  const fitsAtOnce = conditions.touchedMiB <= thresholdMiB;
  const throttling = conditions.autoConverge && new Throttling(conditions.autoConverge);

  let passMs = Math.max(windowMs, firstPassMs(conditions, residueMiB));
  let [elapsedMs, passes] = [0, 1];
  for (;;) {
    // A guest that is slowed down is synced in the middle of a pass, too: what is left of that is not dirty again.
    const untilSyncMs = throttling ? throttling.syncWithin(passMs) : passMs;
    const slowed = { ...writing, dirtyMiBps: writing.dirtyMiBps * (throttling?.share ?? 1) };
    if (elapsedMs + untilSyncMs >= endMs) {
      const [firstMiB, lastMiB] = [
        Math.min(conditions.touchedMiB, passMs * perMs),
        dirtiedMiB(slowed, passMs),
      ];
      const remainingMiB = residueMiB + firstMiB + ((lastMiB - firstMiB) * (endMs - elapsedMs)) / passMs;
      return ended(endMs, remainingMiB, passes, false, untilMs < conditions.timeoutMs);
    }
    elapsedMs += untilSyncMs;
    const dirtyMiB = dirtiedMiB(slowed, untilSyncMs);
    throttling?.sees(dirtyMiB, untilSyncMs * perMs, untilSyncMs);
    const leftMiB = Math.min(conditions.touchedMiB, (passMs - untilSyncMs) * perMs + dirtyMiB);
    if (leftMiB <= overshootMiB || fitsAtOnce)
      return ended(elapsedMs, residueMiB + leftMiB, passes + 2, true, false);
    if (passes >= untilPasses) return ended(elapsedMs, residueMiB + leftMiB, passes + 1, false, true);
    const nextMs = leftMiB / perMs;
    // The same again, for ever: only a timeout ends that.
    if (!throttling && untilPasses === Infinity && nextMs >= passMs) {
      return ended(
        endMs,
        residueMiB + leftMiB,
        Math.round(passes + (endMs - elapsedMs) / nextMs),
        false,
        untilMs < conditions.timeoutMs,
      );
    }
    passMs = nextMs;
    passes++;
  }

  function ended(
    iterationsMs: number,
    remainingMiB: number,
    passes: number,
    converges: boolean,
    turns: boolean,
  ): PrecopyCourse {
    const remaining = Math.min(remainingMiB, conditions.touchedMiB);
    return { iterationsMs, remainingMiB: remaining, passes, converges, turns };
  }
}

/** With a limit, zeros are looked at while it waits. */
function firstPassMs(
  { touchedMiB, zeroMiB, sendMiBps, zeroMiBps }: PrecopyConditions,
  residueMiB: number,
): number {
  return ((touchedMiB - residueMiB) / sendMiBps + zeroMiB / zeroMiBps) * 1000;
}

/** Auto-converge (migration_trigger_throttle): twice in a row half as much dirty as was sent, and the CPUs get less time. */
class Throttling {
  percent = 0;
  #high = 0;
  #periodMs = 0;
  readonly #initial: number;
  readonly #increment: number;

  constructor({ initial, increment }: NonNullable<PrecopyConditions["autoConverge"]>) {
    this.#initial = initial ?? throttle.initial;
    this.#increment = increment ?? throttle.increment;
  }

  /** The part of its time that the guest keeps. */
  get share(): number {
    return 1 - this.percent / 100;
  }

  syncWithin(passMs: number): number {
    return this.percent > 0 ? Math.min(passMs, throttle.syncMs) : passMs;
  }

  sees(dirtyMiB: number, sentMiB: number, ms: number): void {
    this.#periodMs += ms;
    if (this.#periodMs < throttle.periodMs) return;
    this.#periodMs = 0;
    if (dirtyMiB <= sentMiB * throttle.triggerShare || ++this.#high < 2) return;
    this.#high = 0;
    this.percent =
      this.percent === 0 ? this.#initial : Math.min(this.percent + this.#increment, throttle.most);
  }
}
