import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startInGuest } from "../../libvirt/guest-agent.ts";
import { quote } from "../../ssh/quote.ts";
import type { Moving } from "../context/moving.ts";
import { OwnClockProgram } from "./own-clock.ts";
import { type Arrived, rates, throughputOf } from "./throughput.ts";

const sender = readFileSync(new URL("./stream.py", import.meta.url), "utf8");
const sink = readFileSync(new URL("./sink.py", import.meta.url), "utf8");
/** One that nothing is known to use. */
const port = 20999;

/** What the mean before the move is made of. */
const baselineMs = 2_000;
/** For the program in the guest to start, on an emulated CPU. */
const startTimeoutMs = 25_000;
/** For TCP to send again after a silence: it waits twice as long each time. */
const recoveryTimeoutMs = 10_000;
/** A TCP stream from another machine to a guest. */
export class Stream extends OwnClockProgram<{ atUs: number; bytes: number }> {
  /** All samples since before the move: ten a second, some MiB an hour. */
  readonly arrived: Arrived[];

  constructor(session: Moving["storage"], address: string) {
    const arrived: Arrived[] = [];
    super(session, `exec python3 -I -S -c ${quote(sender)} ${quote(address)} ${port}`, ({ atUs, bytes }) => {
      arrived.push({ atMs: atUs / 1000, bytes });
    });
    this.arrived = arrived;
  }

  /** What the move did to it; waits until it flows again. @param beganMs when the move began, by this machine's clock since 1970 */
  async throughput(beganMs: number): Promise<ReturnType<typeof throughputOf>> {
    const clock = await this.ownClock();
    if (!clock) return undefined;
    const deadlineMs = performance.now() + recoveryTimeoutMs;
    for (;;) {
      const found = throughputOf(this.arrived, clock.at(beganMs));
      const nowMiBps = rates(this.arrived.slice(-2))[0]?.mibPerSecond ?? 0;
      if (!found || nowMiBps >= found.beforeMiBps / 2) return found;
      if (this.isOver || performance.now() > deadlineMs) return found;
      await sleep(100);
    }
  }
}

/** Lets a stream flow into the guest, and waits until its rate is known. Absent: nothing in the guest can take it. */
export async function startStream(
  { guest, uuid, source, storage }: Moving,
  address: string,
): Promise<Stream | undefined> {
  const doing = `starting a listener in guest ${guest}`;
  const listener = ["/usr/bin/python3", "-c", sink, String(port)] as const;
  if (!(await startInGuest(source.session, doing, uuid, listener))) return undefined;
  const stream = new Stream(storage, address);
  const deadlineMs = performance.now() + startTimeoutMs;
  const knownMs = () => (stream.arrived.at(-1)?.atMs ?? 0) - (stream.arrived[0]?.atMs ?? 0);
  while (knownMs() < baselineMs) {
    if (stream.isOver || performance.now() > deadlineMs) {
      await stream.stop();
      return undefined;
    }
    await sleep(50);
  }
  return stream;
}
