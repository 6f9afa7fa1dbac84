import { type Misfit, misfits, type Versions } from "../../moves/misfits.ts";
import {
  type AskedOptions,
  defaultMaxDowntimeMs,
  defaultTimeoutMs,
  type MigrationOptions,
} from "../../moves/options.ts";
import type { Convergence } from "../../prediction/convergence.ts";

/** A mode with its reason, or the reason why there is none. */
export type ModeChoice =
  | { kind: "move"; options: MigrationOptions; reason: string }
  | { kind: "refuse"; reason: string };

/**
 * How many times as much as was measured may get dirty: that is estimated from a sample of the pages, and a guest need not go on as it
 * did in that second.
 */
export const margin = 1.25;

/**
 * Chooses how a guest moves: by plain pre-copy where that converges, else with post-copy, which always does, else by slowing the guest
 * down. The same figures give the same choice.
 *
 * @param foresee what a move with these options is predicted from
 */
export function chooseMode(
  asked: AskedOptions,
  versions: Versions,
  foresee: (options: MigrationOptions) => Convergence,
): ModeChoice {
  const { hybrid: _, ...plainly } = asked;
  const live: MigrationOptions = { ...plainly, mode: "live" };
  const [misfit] = misfits(live, versions);
  if (misfit) return { kind: "refuse", reason: `${inWords(misfit)}; ${misfit.fix}` };
  const plain = foresee(live);
  if (isKnown(plain) && plain.hasMargin) {
    return { kind: "move", options: live, reason: `live: pre-copy converges, since ${rates(plain)}` };
  }
  const { maxDowntimeMs = defaultMaxDowntimeMs, timeoutMs = defaultTimeoutMs } = asked;
  const why = whyNot(plain, timeoutMs);

  const hybrid: MigrationOptions = { ...asked, mode: "hybrid" };
  const byPostcopy = foresee(hybrid);
  const { deviceMs } = byPostcopy;
  if (deviceMs !== undefined && deviceMs > maxDowntimeMs) {
    return {
      kind: "refuse",
      reason: `${why}, and its CPUs and devices alone took ${Math.ceil(deviceMs)} ms to go over, which is more than maxDowntimeMs (${maxDowntimeMs} ms)`,
    };
  }
  const noPostcopy = obstacleTo(hybrid, versions, byPostcopy);
  if (noPostcopy === undefined) {
    const ending = mayConverge(byPostcopy)
      ? "its memory follows by post-copy"
      : `the guest is paused after ${timeoutMs / 1000} s`;
    return { kind: "move", options: hybrid, reason: `hybrid: ${why}; ${ending}` };
  }
  const slowed: MigrationOptions = { ...live, autoConverge: asked.autoConverge ?? {} };
  if (misfits(slowed, versions).length === 0 && mayConverge(foresee(slowed))) {
    return { kind: "move", options: slowed, reason: `live with auto-converge: ${why}; ${noPostcopy}` };
  }
  return { kind: "refuse", reason: `${why}; ${noPostcopy}, and slowing it down would not be enough` };
}

const isKnown = ({ knowsWriting, knowsSending }: Convergence): boolean => knowsWriting && knowsSending;

/** What is not known does not speak against it. */
const mayConverge = (foreseen: Convergence): boolean => !isKnown(foreseen) || foreseen.converges;

function whyNot(plain: Convergence, timeoutMs: number): string {
  if (!isKnown(plain)) return "how fast its pages get dirty, or can be sent, is not known";
  if (plain.converges) return `pre-copy may not converge, since ${rates(plain)}`;
  // Then the time is too short.
  const within = plain.dirtyMiBps < plain.sendMiBps ? ` within ${timeoutMs / 1000} s` : "";
  return `pre-copy does not converge${within}, since ${rates(plain)}`;
}

function obstacleTo(hybrid: MigrationOptions, versions: Versions, foreseen: Convergence): string | undefined {
  const [misfit] = misfits(hybrid, versions);
  if (misfit) return `post-copy cannot be had (${inWords(misfit)})`;
  const { timeoutMs = defaultTimeoutMs, onTimeout } = hybrid;
  if (mayConverge(foreseen) || onTimeout === "suspend") return undefined;
  return `post-copy's time would not come within ${timeoutMs / 1000} s (timeoutMs)`;
}

const inWords = ({ option, problem }: Misfit): string => `${option} ${problem}`;

const rates = ({ dirtyMiBps, sendMiBps }: Convergence): string =>
  `${rate(dirtyMiBps)} get dirty and ${rate(sendMiBps)} can be sent`;

const rate = (mibps: number): string => `${mibps < 10 ? mibps.toFixed(1) : Math.round(mibps)} MiB/s`;
