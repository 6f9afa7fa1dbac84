import type { ProbeAnswer, Silence } from "./silence.ts";

/** How much of the time before and after the switchover counts: what two clocks drift apart in it stays below a tick. */
const windowMs = 2_000;
const dayMs = 86_400_000;

/** How much time passed that the guest's own clock knows nothing of. */
interface MissedTime {
  missedMs: number;
  /** The true figure is at most so far from it. */
  resolutionMs: number;
}

/**
 * The time that the guest's wall clock missed in a silence. The guest looks at its clock, which ticks in milliseconds, at some moment
 * between question and answer: every answer so bounds how far that clock is ahead of the prober's, and all of them together bound it more
 * closely than one does. It missed the time by which it is less ahead after the silence.
 *
 * Absent: no answer on one side, or answers that contradict each other, since the clock was set meanwhile.
 */
export function missedTime(answers: readonly ProbeAnswer[], silence: Silence): MissedTime | undefined {
  const looks = answers.filter((answer) => answer.guestMs !== undefined) as ClockAnswer[];
  const [first] = looks;
  if (!first) return undefined;
  const ahead = aheadOf(first);
  const before = bounds(looks.filter(within(silence.startMs - windowMs, silence.startMs)), ahead);
  const after = bounds(looks.filter(within(silence.endMs, silence.endMs + windowMs)), ahead);
  if (!before || !after) return undefined;
  const [leastMs, mostMs] = [before.leastMs - after.mostMs, before.mostMs - after.leastMs];
  return { missedMs: (leastMs + mostMs) / 2, resolutionMs: (mostMs - leastMs) / 2 };
}

type ClockAnswer = ProbeAnswer & { guestMs: number };

const within =
  (fromMs: number, toMs: number) =>
  ({ arrivedMs }: ProbeAnswer): boolean =>
    arrivedMs >= fromMs && arrivedMs <= toMs;

/** At least by how much the guest's clock is ahead of the prober's, as this look says. */
const aheadOf = ({ guestMs, arrivedMs }: ClockAnswer): number => guestMs - arrivedMs;

/** By how much it is ahead beyond `thanMs`. The guest's clock starts again at midnight. */
function bounds(
  looks: readonly ClockAnswer[],
  thanMs: number,
): { leastMs: number; mostMs: number } | undefined {
  let [leastMs, mostMs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const look of looks) {
    const aheadMs = inHalfDay(aheadOf(look) - thanMs);
    leastMs = Math.max(leastMs, aheadMs);
    mostMs = Math.min(mostMs, aheadMs + 1 + (look.arrivedMs - look.sentMs));
  }
  return looks.length > 0 && leastMs <= mostMs ? { leastMs, mostMs } : undefined;
}

const inHalfDay = (ms: number): number => ms - dayMs * Math.round(ms / dayMs);
