import type { ClockReading } from "../../ssh/session.ts";

/** This machine's wall clock in milliseconds, but never stepping back: it goes on from when this process began. */
const wallMs = (): number => performance.timeOrigin + performance.now();

/** Times relative to one beginning. A host's time stamps are brought onto it with that host's clock reading. */
export class Stopwatch {
  readonly startedAt = new Date();
  readonly #startMs = wallMs();

  /** The beginning by this machine's wall clock, in milliseconds since 1970, as `readClock` compares it with those of hosts. */
  get beganMs(): number {
    return this.#startMs;
  }

  nowMs(): number {
    return wallMs() - this.#startMs;
  }

  /** From a host's wall clock (seconds since 1970) to milliseconds since the beginning. */
  fromHostClock(epochSeconds: number, clock: ClockReading): number {
    return epochSeconds * 1000 - clock.offsetMs - this.#startMs;
  }
}
