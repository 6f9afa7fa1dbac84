import { misfits, type Versions } from "../../moves/misfits.ts";
import { modes } from "../../moves/modes.ts";
import {
  type AskedOptions,
  defaultMaxDowntimeMs,
  defaultTimeoutMs,
  type MigrationOptions,
} from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { type Course, course } from "../../prediction/model.ts";
import { priors } from "../../prediction/priors.ts";

/** What is known of a guest and the way it is to go; what could not be measured is absent. */
export interface Measured {
  memoryMiB: number;
  /** What of it is not zero. Default: all. */
  touchedMiB?: number;
  /** How fast its pages get dirty. */
  dirtyMiBps?: number;
  /** What can be sent: the least of the limit, the link and what was ever seen to be sent. */
  bandwidthMiBps?: number;
  /** How long its CPUs and devices took to go over, the last times: no move is shorter. */
  deviceStateMs?: number;
  versions: Versions;
}

/** A choice with its reason, or the reason why there is none. */
export type Choice =
  | { kind: "move"; options: MigrationOptions; reason: string }
  | { kind: "refuse"; reason: string };

/** The dirty rate is estimated from a sample of the pages, and a guest need not go on as it did in that second. */
const margin = 1.25;
/** QEMU takes at most 99 % of the CPUs' time away. */
const leastShare = 0.01;

/**
 * Chooses how a guest moves: by plain pre-copy where that converges, else with post-copy, which always does, else by slowing the guest
 * down. The same figures give the same choice.
 */
export function chooseMode(asked: AskedOptions, measured: Measured): Choice {
  const { maxDowntimeMs = defaultMaxDowntimeMs, timeoutMs = defaultTimeoutMs } = asked;
  const { dirtyMiBps, bandwidthMiBps, deviceStateMs, versions } = measured;
  const can = (options: MigrationOptions) => misfits(options, versions);
  const rates =
    dirtyMiBps === undefined || bandwidthMiBps === undefined
      ? undefined
      : {
          dirtyMiBps,
          bandwidthMiBps,
          text: `${rate(dirtyMiBps)} get dirty and ${rate(bandwidthMiBps)} can be sent`,
        };

  const live: MigrationOptions = { ...asked, mode: "live" };
  const plain = without(live, "hybrid");
  if (rates && can(plain).length === 0) {
    const { converges, totalMs } = expected(measured, rates, { ...plain, timeoutMs });
    if (converges && totalMs <= timeoutMs) {
      const reason = `live: pre-copy converges, since ${rates.text}`;
      return { kind: "move", options: plain, reason };
    }
  }

  const why = rates
    ? `pre-copy does not converge, since ${rates.text}`
    : "how fast its pages get dirty, or can be sent, is not known";
  if (deviceStateMs !== undefined && deviceStateMs > maxDowntimeMs) {
    return {
      kind: "refuse",
      reason: `${why}, and its CPUs and devices alone took ${Math.ceil(deviceStateMs)} ms to go over, which is more than maxDowntimeMs (${maxDowntimeMs} ms)`,
    };
  }
  const hybrid: MigrationOptions = { ...asked, mode: "hybrid" };
  const [obstacle] = can(hybrid);
  if (!obstacle) {
    return {
      kind: "move",
      options: hybrid,
      reason: `hybrid: ${why}; its memory follows by post-copy`,
    };
  }
  const slowed: MigrationOptions = { ...plain, autoConverge: asked.autoConverge ?? {} };
  const slowest = rates && { ...rates, dirtyMiBps: rates.dirtyMiBps * leastShare };
  const isEnough = slowest && expected(measured, slowest, plain).converges;
  const noPostcopy = `post-copy cannot be had (${obstacle.option} ${obstacle.problem})`;
  if (can(slowed).length === 0 && isEnough !== false) {
    return {
      kind: "move",
      options: slowed,
      reason: `live with auto-converge: ${why}; ${noPostcopy}`,
    };
  }
  return { kind: "refuse", reason: `${why}; ${noPostcopy}, and slowing it down would not be enough` };
}

const rate = (mibps: number): string => `${mibps < 10 ? mibps.toFixed(1) : Math.round(mibps)} MiB/s`;

const without = (options: MigrationOptions, key: "hybrid"): MigrationOptions => {
  const { [key]: _, ...rest } = options;
  return rest;
};

/**
 * How a move goes, with some more dirt than was measured. All of the memory is taken to be in use and to be written to, which makes it
 * longer than it may be: what counts is whether it ends.
 */
function expected(
  { memoryMiB, touchedMiB = memoryMiB, deviceStateMs = 0 }: Measured,
  { dirtyMiBps, bandwidthMiBps }: { dirtyMiBps: number; bandwidthMiBps: number },
  options: MigrationOptions,
): Course {
  const load = { memoryMiB, touchedMiB, workingSetMiB: touchedMiB, dirtyMiBps: margin * dirtyMiBps };
  return course(load, options, {
    ...priors.kvm,
    preparationMs: 0,
    completionMs: 0,
    deviceMs: deviceStateMs,
    sendMiBps: bandwidthMiBps,
    stoppedMiBps: bandwidthMiBps,
  });
}

/**
 * What earlier moves of a guest tell: the most that was sent, and the longest that CPUs and devices took of late.
 *
 * @param limitMiBps of the move to come; absent: none. What was sent under a lower one says nothing of what can be sent now
 */
export function learn(
  history: readonly MigrationRecord[],
  limitMiBps = Number.POSITIVE_INFINITY,
): Pick<Measured, "bandwidthMiBps" | "deviceStateMs"> {
  const known = history.filter(({ outcome, equations }) => outcome === "completed" && equations);
  const wasFree = ({ options }: MigrationRecord) => (options?.bandwidthMiBps ?? limitMiBps) >= limitMiBps;
  const sent = known.filter(wasFree).flatMap(({ transferredMiB, equations }) => {
    const { tiMs = 0, dmMs } = equations ?? {};
    // Of a post-copy that was resumed, or waited, nothing can be said.
    return transferredMiB === undefined || dmMs === undefined || tiMs + dmMs === 0
      ? []
      : [transferredMiB / ((tiMs + dmMs) / 1000)];
  });
  // A post-copy from the start loads its devices while next to nothing of the memory is there, and waits for each page of theirs.
  const states = known
    .filter(({ mode }) => modes[mode].precopy)
    .slice(0, 5)
    .flatMap(({ equations }) => equations?.vsMs ?? []);
  return {
    ...(sent.length > 0 && { bandwidthMiBps: Math.max(...sent) }),
    ...(states.length > 0 && { deviceStateMs: Math.max(...states) }),
  };
}
