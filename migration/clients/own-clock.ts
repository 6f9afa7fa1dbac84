import type { ClockReading, Follower, SshSession } from "../../ssh/session.ts";

/** The first line of a program that times what it tells by its machine's monotonic clock. */
interface Anchor {
  monotonicUs: number;
  epochUs: number;
}

/**
 * A program on another machine that tells, in lines of JSON, what it sees there by its own clock. It ends with this object, or with our
 * connection.
 */
export class OwnClockProgram<Line extends object> {
  readonly host: string;
  readonly #follower: Follower;
  readonly #clock: Promise<ClockReading>;
  /** Between its monotonic clock and its machine's wall clock. */
  #epochMs: number | undefined;
  #isOver = false;

  constructor(session: SshSession, command: string, onLine: (line: Line) => void) {
    this.host = session.target.name;
    this.#follower = session.follow(command, (text) => {
      const line = parsed<Line | Anchor>(text);
      if (!line) return;
      if ("monotonicUs" in line) this.#epochMs = (line.epochUs - line.monotonicUs) / 1000;
      else onLine(line);
    });
    const over = () => {
      this.#isOver = true;
    };
    this.#follower.ended.then(over, over);
    this.#clock = session.readClock();
    this.#clock.catch(() => {}); // told where it is needed
  }

  /** It has ended, by itself or with the connection. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * What brings a moment of this machine's clock (milliseconds since 1970) onto its own, and how wrong that can be. Undefined: it never began.
   */
  async ownClock(): Promise<{ at: (epochMs: number) => number; uncertaintyMs: number } | undefined> {
    const reading = await this.#clock.catch(() => undefined);
    const epochMs = this.#epochMs;
    if (!reading || epochMs === undefined) return undefined;
    return { at: (ours) => ours + reading.offsetMs - epochMs, uncertaintyMs: reading.uncertaintyMs };
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }
}

/** A connection that breaks leaves the first half of a line. */
function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
