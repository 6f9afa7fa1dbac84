import type { ClockReading } from "../../ssh/session.ts";
import type { Clocks } from "./measure.ts";

/**
 * Clocks as read before a move, with their change until its end added to how wrong that reading can be: two clocks drift apart, and one may
 * be set meanwhile. Nobody knows when, so the reading itself stays as it is.
 *
 * @param after absent: they could not be read again
 */
export function withDrift(before: Clocks, after: Clocks | undefined): Clocks {
  if (!after) return before;
  const wider = (at: keyof Clocks): ClockReading => ({
    offsetMs: before[at].offsetMs,
    uncertaintyMs: before[at].uncertaintyMs + Math.abs(after[at].offsetMs - before[at].offsetMs),
  });
  return { source: wider("source"), destination: wider("destination") };
}
