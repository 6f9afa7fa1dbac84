import { readFileSync } from "node:fs";
import * as z from "zod";
import { json } from "../../moves/results.ts";
import { type Counters, countersSchema } from "../../moves/samples.ts";
import { within } from "../../ssh/connection.ts";
import { quote } from "../../ssh/quote.ts";
import type { Endpoint } from "../context/moving.ts";

const program = readFileSync(new URL("./sampler.py", import.meta.url), "utf8");

/** More are not kept: every other one of the past then goes, and counters lose nothing but how finely they are known. */
const most = 2_000;

/** A line of the program: counters, at a moment of the host's own clock. */
const lineSchema = countersSchema
  .omit({ atMs: true, sentBytes: true, receivedBytes: true, energyJ: true })
  .extend({
    at: z.number(),
    sent: z.number().optional(),
    received: z.number().optional(),
    energyUj: z.number().optional(),
  });

/** What a host told at a moment of its own clock, in seconds since 1970. */
export type HostCounters = Omit<Counters, "atMs"> & { at: number };

/** Undefined: it is no line of the program's. A connection that breaks leaves the first half of one. */
export function parseCounters(text: string): HostCounters | undefined {
  const { data } = lineSchema.safeParse(json(text));
  if (!data) return undefined;
  const { sent, received, energyUj, ...same } = data;
  return {
    ...same,
    ...(sent !== undefined && { sentBytes: sent }),
    ...(received !== undefined && { receivedBytes: received }),
    ...(energyUj !== undefined && { energyJ: energyUj / 1e6 }),
  };
}

/** The program on one of a move's two hosts. On the host it ends with this object, or with our connection. */
export class Sampler {
  /** Oldest first. */
  readonly told: HostCounters[] = [];
  readonly #follower;
  readonly #begun: Promise<void>;

  constructor(
    { session }: Pick<Endpoint, "session">,
    guest: string,
    peerAddress: string,
    intervalMs: number,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const command = `exec python3 -I -S -c ${[program, guest, peerAddress].map(quote).join(" ")} ${intervalMs}`;
    this.#follower = session.follow(command, (line) => {
      const counters = parseCounters(line);
      if (!counters) return;
      this.told.push(counters);
      if (this.told.length > most)
        this.told.splice(0, most, ...this.told.slice(0, most).filter((_, i) => i % 2 === 0));
      resolve();
    });
    this.#follower.ended.then(resolve, resolve);
    this.#begun = promise;
  }

  /** Waits for the first it tells, but no longer than this. */
  async begun(patienceMs: number): Promise<void> {
    await within(this.#begun, patienceMs);
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }
}
