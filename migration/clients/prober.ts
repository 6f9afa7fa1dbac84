import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { quote } from "../../ssh/quote.ts";
import type { SshSession } from "../../ssh/session.ts";
import { OwnClockProgram } from "./own-clock.ts";
import type { ProbeAnswer, Protocol } from "./silence.ts";

const program = readFileSync(new URL("./prober.py", import.meta.url), "utf8");

/** What is kept of the past, some minutes of it; and, once the guest has stopped, as much again of what came after. */
const keptAnswers = 100_000;
const keptBatches = 5_000;

/** A line of migration/clients/prober.py: what it sent and heard in a tenth of a second. */
export interface Batch {
  atUs: number;
  sent: Record<Protocol, number>;
  lateUs: number;
  answers: [protocol: Protocol, sentUs: number, arrivedUs: number, guestMs?: number][];
}

/** A guest's answers to a prober, in milliseconds of the prober's clock. */
export class Answers {
  readonly all: ProbeAnswer[] = [];
  readonly sent: Record<Protocol, number> = { icmp: 0, tcp: 0 };
  readonly answered: Record<Protocol, number> = { icmp: 0, tcp: 0 };
  /** Whether the guest says what its clock shows. */
  tellsTime = false;
  /** Of each tenth of a second, by when it ended: how much was asked in it, and how late that was at worst. */
  readonly batches: { atMs: number; sent: number; lateMs: number }[] = [];
  /** When the last question was sent that was answered. */
  lastAskedMs = 0;
  /** How many answers there were when the guest stopped. Undefined: it runs. */
  #beforeStop: number | undefined;

  /** The guest has stopped: what is known of the time around that stays, however long its memory takes to follow. */
  keep(): void {
    this.#beforeStop ??= this.all.length;
  }

  /** It goes on where it was: that was not the switchover. */
  stopKeeping(): void {
    this.#beforeStop = undefined;
  }

  add({ atUs, sent, lateUs, answers }: Batch): void {
    this.sent.icmp += sent.icmp;
    this.sent.tcp += sent.tcp;
    const isEnough = this.#beforeStop !== undefined && this.all.length - this.#beforeStop >= keptAnswers;
    for (const [protocol, sentUs, arrivedUs, guestMs] of answers) {
      this.answered[protocol]++;
      this.lastAskedMs = sentUs / 1000;
      if (isEnough) continue;
      const answer = { protocol, sentMs: sentUs / 1000, arrivedMs: arrivedUs / 1000 };
      this.all.push(guestMs === undefined ? answer : { ...answer, guestMs });
      this.tellsTime ||= guestMs !== undefined;
    }
    if (!isEnough)
      this.batches.push({ atMs: atUs / 1000, sent: sent.icmp + sent.tcp, lateMs: lateUs / 1000 });
    if (this.#beforeStop !== undefined) return;
    keepLast(this.all, keptAnswers);
    keepLast(this.batches, keptBatches);
  }
}

function keepLast(array: unknown[], count: number): void {
  if (array.length > count * 1.1) array.splice(0, array.length - count);
}

/** Asks a guest from another machine, again and again, and keeps its answers. */
export class Prober extends OwnClockProgram<Batch> {
  readonly address: string;
  readonly intervalMs: number;
  readonly answers: Answers;

  constructor(session: SshSession, address: string, intervalMs: number) {
    const answers = new Answers();
    const command = `exec python3 -I -S -c ${quote(program)} ${quote(address)} ${intervalMs}`;
    super(session, command, (batch) => answers.add(batch));
    this.address = address;
    this.intervalMs = intervalMs;
    this.answers = answers;
  }

  /** Waits for an answer to a question that was asked after this moment of the prober's clock. False: none came in time. */
  async answerTo(askedAfterMs: number, timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!(this.answers.lastAskedMs > askedAfterMs)) {
      if (this.isOver || performance.now() > deadlineMs) return false;
      await sleep(20);
    }
    return true;
  }
}
