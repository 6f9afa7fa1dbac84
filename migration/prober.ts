import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { quote, type SshSession } from "../libvirt/ssh-session.ts";
import { OwnClockProgram } from "./own-clock.ts";
import type { Answer, Protocol } from "./silence.ts";

const program = readFileSync(new URL("../hosts/prober.py", import.meta.url), "utf8");

/** What is kept of the past, some minutes of it: the switchover is always among the last of it. */
const keptAnswers = 100_000;
const keptBatches = 3_000;

/** A line of hosts/prober.py: what it sent and heard in a tenth of a second. */
export interface Batch {
  atUs: number;
  sent: Record<Protocol, number>;
  lateUs: number;
  answers: [protocol: Protocol, sentUs: number, arrivedUs: number, guestMs?: number][];
}

/** A guest's answers to a prober, in milliseconds of the prober's clock. */
export class Answers {
  readonly all: Answer[] = [];
  readonly sent: Record<Protocol, number> = { icmp: 0, tcp: 0 };
  readonly answered: Record<Protocol, number> = { icmp: 0, tcp: 0 };
  /** Whether the guest says what its clock shows. */
  tellsTime = false;
  /** How late the prober was, at worst, in the tenth of a second that ended then. */
  readonly late: { atMs: number; lateMs: number }[] = [];

  add({ atUs, sent, lateUs, answers }: Batch): void {
    for (const [protocol, sentUs, arrivedUs, guestMs] of answers) {
      const answer = { protocol, sentMs: sentUs / 1000, arrivedMs: arrivedUs / 1000 };
      this.all.push(guestMs === undefined ? answer : { ...answer, guestMs });
      this.tellsTime ||= guestMs !== undefined;
      this.answered[protocol]++;
    }
    this.sent.icmp += sent.icmp;
    this.sent.tcp += sent.tcp;
    this.late.push({ atMs: atUs / 1000, lateMs: lateUs / 1000 });
    keepLast(this.all, keptAnswers);
    keepLast(this.late, keptBatches);
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
    while (!((this.answers.all.at(-1)?.sentMs ?? 0) > askedAfterMs)) {
      if (this.isOver || performance.now() > deadlineMs) return false;
      await sleep(20);
    }
    return true;
  }
}
