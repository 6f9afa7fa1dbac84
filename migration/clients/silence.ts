export type Protocol = "icmp" | "tcp";

/** An answer of a guest's to a prober; times are milliseconds of the prober's monotonic clock. */
export interface ProbeAnswer {
  protocol: Protocol;
  sentMs: number;
  arrivedMs: number;
  /** The guest's wall clock when it answered, whole milliseconds since midnight (UTC). */
  guestMs?: number;
}

/** A time in which nothing arrived. */
export interface Silence {
  startMs: number;
  endMs: number;
}

/** The times between one answer and the next. Only these: before the first and after the last one nothing is known. */
function silences(answers: readonly ProbeAnswer[]): Silence[] {
  const arrivals = answers.map(({ arrivedMs }) => arrivedMs).sort((a, b) => a - b);
  return arrivals.slice(1).map((endMs, i) => ({ startMs: arrivals[i] as number, endMs }));
}

export const lengthOf = ({ startMs, endMs }: Silence): number => endMs - startMs;

/**
 * The silence in which the guest's CPUs stood still: of all, the one that has most of that time. Absent: there was no answer before it, or
 * none after.
 *
 * @param slackMs how wrongly that time may be placed on the prober's clock
 */
export function silenceAround(
  answers: readonly ProbeAnswer[],
  stopped: Silence,
  slackMs: number,
): Silence | undefined {
  const shareOf = ({ startMs, endMs }: Silence): number =>
    Math.min(endMs, stopped.endMs) - Math.max(startMs, stopped.startMs);
  const found = greatest(silences(answers), shareOf);
  return found && shareOf(found) > -slackMs ? found : undefined;
}

/**
 * From the first question that was never answered to the next one that was, even late: the time in which nothing reached the guest, give or
 * take an interval. Absent like the silence; none: every question was answered.
 */
export function unansweredAround(
  answers: readonly ProbeAnswer[],
  stopped: Silence,
  intervalMs: number,
  slackMs: number,
): number | undefined {
  const asked = answers.map((answer) => ({ ...answer, arrivedMs: answer.sentMs }));
  const found = silenceAround(asked, stopped, slackMs);
  return found && Math.max(0, lengthOf(found) - intervalMs);
}

/** How long the guest was silent at most before that moment: for reasons of its own, of the network's or of the prober's. */
export function usualSilenceMs(answers: readonly ProbeAnswer[], untilMs: number): number | undefined {
  const before = silences(answers).filter(({ endMs }) => endMs <= untilMs);
  const found = greatest(before, lengthOf);
  return found && lengthOf(found);
}

/** Undefined: there is none. */
export function greatest<T>(all: readonly T[], of: (one: T) => number): T | undefined {
  const [first, ...others] = all;
  return first && others.reduce((best, each) => (of(each) > of(best) ? each : best), first);
}
