import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClockReading, type Follower, quote, type SshSession } from "../libvirt/ssh-session.ts";
import type { Answer, Question } from "./silence.ts";

const program = readFileSync(new URL("../hosts/prober.py", import.meta.url), "utf8");

/** What is kept of the past, some minutes of it: the switchover is always among the last of it. */
const keptAnswers = 100_000;
const keptBatches = 3_000;

/** The prober's lines, as hosts/prober.py tells them. */
interface Batch {
  atUs: number;
  sent: Partial<Record<Question, number>>;
  lateUs: number;
  answers: [Question, number, number, number?][];
}

/** Asks a guest from the storage host, again and again, and keeps its answers; all times are the prober's own. */
export class Prober {
  /** On which machine, and whom it asks. */
  readonly host: string;
  readonly address: string;
  readonly intervalMs: number;
  readonly answers: Answer[] = [];
  readonly sent: Record<Question, number> = { echo: 0, tcp: 0, clock: 0 };
  readonly answered: Record<Question, number> = { echo: 0, tcp: 0, clock: 0 };
  /** How late the prober was, at worst, in the tenth of a second that ended then. */
  readonly late: { atMs: number; lateMs: number }[] = [];
  /** Between its monotonic clock, which times everything, and that machine's wall clock. */
  #epochMs: number | undefined;
  readonly #follower: Follower;
  readonly #clock: Promise<ClockReading>;

  constructor(session: SshSession, address: string, intervalMs: number) {
    this.host = session.target.name;
    this.address = address;
    this.intervalMs = intervalMs;
    const command = `exec python3 -I -S -c ${quote(program)} ${quote(address)} ${intervalMs}`;
    this.#follower = session.follow(command, (line) => this.hear(line));
    this.#clock = session.readClock();
    this.#clock.catch(() => {}); // told by whoever needs it
  }

  /** Takes in a line of the prober's. */
  hear(line: string): void {
    const told: Batch | { monotonicUs: number; epochUs: number } = JSON.parse(line);
    if ("monotonicUs" in told) {
      this.#epochMs = (told.epochUs - told.monotonicUs) / 1000;
      return;
    }
    for (const [question, sentUs, arrivedUs, guestMs] of told.answers) {
      const answer = { question, sentMs: sentUs / 1000, arrivedMs: arrivedUs / 1000 };
      this.answers.push(guestMs === undefined ? answer : { ...answer, guestMs });
      this.answered[question]++;
    }
    for (const question of ["echo", "tcp", "clock"] as const) this.sent[question] += told.sent[question] ?? 0;
    this.late.push({ atMs: told.atUs / 1000, lateMs: told.lateUs / 1000 });
    if (this.answers.length > keptAnswers * 1.1) this.answers.splice(0, this.answers.length - keptAnswers);
    if (this.late.length > keptBatches * 1.1) this.late.splice(0, this.late.length - keptBatches);
  }

  /** Brings a moment of this machine's clock (milliseconds since 1970) onto the prober's; undefined: it never began. */
  async onItsClock(): Promise<((epochMs: number) => number) | undefined> {
    const { offsetMs } = await this.#clock;
    const epochMs = this.#epochMs;
    return epochMs === undefined ? undefined : (ours) => ours + offsetMs - epochMs;
  }

  /** Waits for an answer after this moment of the prober's clock, and for what came along with it. */
  async answerAfter(momentMs: number, timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!((this.answers.at(-1)?.arrivedMs ?? 0) > momentMs)) {
      if (performance.now() > deadlineMs) return false;
      await sleep(20);
    }
    return true;
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
  }
}
