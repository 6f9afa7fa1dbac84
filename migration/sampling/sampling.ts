import { setTimeout as sleep } from "node:timers/promises";
import { boots } from "../../moves/modes.ts";
import { defaultSampleIntervalMs } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { type Sampled, sampledOf } from "../../moves/sampled.ts";
import { type MoveSamples, samplesSchema } from "../../moves/samples.ts";
import { type WorkLine, workDone } from "../../moves/work-done.ts";
import { within } from "../../ssh/connection.ts";
import type { ClockReading } from "../../ssh/session.ts";
import { withSessions } from "../../ssh/session-pool.ts";
import type { Moving } from "../context/moving.ts";
import { type Clocks, rounded } from "../measuring/measure.ts";
import type { Stopwatch } from "../measuring/stopwatch.ts";
import type { Witness } from "../measuring/witness.ts";
import { clockOf, workLog } from "./guest-work.ts";
import { Sampler } from "./samplers.ts";

/** How long a move waits for hosts to tell of themselves before it begins. */
const startPatienceMs = 3_000;
/** How long is still looked on when the move is done, and how long its series may take beyond that. */
const afterMs = 3_000;
const finishPatienceMs = 8_000;

/** A move that is over, as its series are laid on its clock. */
interface Laid {
  clocks: Clocks;
  watch: Stopwatch;
  heard: Pick<Witness, "source" | "stoppedAt" | "resumedAt" | "resumedAtSource">;
  /** Where the guest runs now, with the memory that it had: where it was to be, or where it was. Undefined: it was booted, or is elsewhere. */
  runsAt: "source" | "destination" | undefined;
  endMs: number;
  client: Client;
}

/** What a client on a third machine knows of how long the guest's answers take. */
interface Client {
  latencyOfMove(): Promise<Sampled["latency"]>;
  /** Until now. */
  latencySeries(): Promise<MoveSamples["latency"]>;
}

/** Looks at both hosts of a move, again and again, from before it begins until some time after it is done. */
export class Sampling {
  readonly #moving: Moving;
  readonly #intervalMs: number;
  readonly #hasWork: boolean;
  readonly #source: Sampler;
  readonly #destination: Sampler;
  readonly #guestClock: Promise<ClockReading | undefined>;
  readonly #throttle: { at: number; percent: number }[] = [];
  readonly #over = Promise.withResolvers<void>();

  /** @param hasWork whether the guest has a workload, which counts what it does */
  constructor(moving: Moving, intervalMs: number, hasWork: boolean) {
    const { guest, source, destination, options } = moving;
    this.#moving = moving;
    this.#intervalMs = intervalMs;
    // The log of one that is shut down is gone with its memory.
    this.#hasWork = hasWork && !boots(options.mode);
    this.#source = new Sampler(source, guest, destination.host.peerAddress, intervalMs);
    this.#destination = new Sampler(destination, guest, source.host.peerAddress, intervalMs);
    this.#guestClock = this.#hasWork
      ? clockOf(moving, source).catch(() => undefined)
      : Promise.resolve(undefined);
    // The connections outlive the move, until the last was seen: those to its hosts, and its client's.
    const targets = [source, destination, { session: moving.storage }].map(({ session }) => session.target);
    withSessions(targets, () => this.#over.promise).catch(() => {});
  }

  /** Waits until both hosts tell of themselves, but no longer than some seconds: what is missing then is absent. */
  async begun(): Promise<void> {
    const waits = [this.#source.begun(startPatienceMs), this.#destination.begun(startPatienceMs)];
    await Promise.all([...waits, within(this.#guestClock, startPatienceMs)]);
  }

  /** Is told how much auto-converge takes from the guest's CPUs. */
  hears({ throttlePercent }: { throttlePercent?: number | undefined }): void {
    if (throttlePercent !== undefined) this.#throttle.push({ at: wallSeconds(), percent: throttlePercent });
  }

  /** The sums that a record keeps, of what is known when the move is done. Empty: nothing is. */
  async figures(laid: Laid): Promise<{ sampled?: Sampled }> {
    const [log, latency] = await Promise.all([this.#log(laid), laid.client.latencyOfMove()]);
    const series = this.#laid(laid, log);
    const { guest, tell } = this.#moving;
    for (const [end, { name }] of [
      ["source", this.#moving.source],
      ["destination", this.#moving.destination],
    ] as const) {
      if (series[end].length === 0)
        tell(
          `${guest}: how busy ${name} was in its move is not known: no sampler could be started there; it needs python3`,
        );
    }
    if (this.#hasWork && laid.runsAt && !series.work)
      tell(
        `${guest}: what its move did to its work is not known: nothing in it tells what its workload gets done (that needs qemu-guest-agent)`,
      );
    if (series.source.length + series.destination.length === 0) return {};
    return { sampled: { ...sampledOf(series, laid.endMs), ...(latency && { latency }) } };
  }

  /**
   * Looks on for some seconds. To be waited for when the record is kept, and then stopped: whatever happens here changes nothing of that.
   *
   * @returns undefined: there is nothing, or it was not had in time
   */
  async series(
    laid: Laid,
    { uuid, startedAt }: Pick<MigrationRecord, "uuid" | "startedAt">,
  ): Promise<MoveSamples | undefined> {
    const { guest, tell } = this.#moving;
    const whole = async () => {
      await sleep(afterMs);
      const [log, latency] = await Promise.all([this.#log(laid), laid.client.latencySeries()]);
      const series = { ...this.#laid(laid, log), ...(latency && { latency }) };
      const isEmpty = series.source.length + series.destination.length === 0;
      return {
        samples: isEmpty ? undefined : samplesSchema.parse({ schema: 1, uuid, startedAt, guest, ...series }),
      };
    };
    try {
      const had = await within(whole(), afterMs + finishPatienceMs);
      if (!had) throw new Error("they were not had in time");
      return had.samples;
    } catch (error) {
      tell(`${guest}: the series of its move are lost: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Ends it on both hosts. */
  async stop(): Promise<void> {
    this.#over.resolve();
    await Promise.all([this.#source.stop(), this.#destination.stop()]);
  }

  /** The guest's log, with what brings it onto the move's clock. */
  async #log(laid: Laid) {
    const { clocks, watch, runsAt } = laid;
    const stop = stopOf(laid);
    if (!this.#hasWork || !runsAt || !stop) return undefined;
    const end = this.#moving[runsAt];
    const reading = async () => {
      const before = await within(this.#guestClock, 1);
      const after = before && (await clockOf(this.#moving, end));
      const lines = after && (await workLog(this.#moving, end, watch.nowMs()));
      if (!lines) return undefined;
      const onWatch = (clock: ClockReading, guest: ClockReading) =>
        // Where the guest's clock shows nothing, the move's shows this much less.
        -watch.fromHostClock(-guest.offsetMs / 1000, clock);
      return {
        lines,
        ...stop,
        offsetBeforeMs: onWatch(clocks.source, before),
        offsetAfterMs: onWatch(clocks[runsAt], after),
      };
    };
    return within(
      reading().catch(() => undefined),
      finishPatienceMs / 2,
    );
  }

  #laid(laid: Laid, log: ({ lines: WorkLine[] } & Parameters<typeof workDone>[1]) | undefined) {
    const end = ({ told }: Sampler, clock: ClockReading): MoveSamples["source"] =>
      told.map(({ at, ...counters }) => ({ atMs: rounded(watch.fromHostClock(at, clock)), ...counters }));
    const { clocks, watch } = laid;
    const stop = stopOf(laid);
    const unit = log?.lines[0]?.unit;
    const throttle = this.#throttle.map(({ at, percent }) => ({
      atMs: rounded(watch.fromHostClock(at, { offsetMs: 0, uncertaintyMs: 0 })),
      percent,
    }));
    return {
      intervalMs: this.#intervalMs,
      ...(stop &&
        stop !== never && {
          stop: { stoppedMs: rounded(stop.stoppedMs), resumedMs: rounded(stop.resumedMs) },
        }),
      source: end(this.#source, clocks.source),
      destination: end(this.#destination, clocks.destination),
      ...(log &&
        unit !== undefined && {
          work: {
            unit,
            done: workDone(log.lines, log).map(({ atMs, operations }) => ({
              atMs: rounded(atMs),
              operations,
            })),
          },
        }),
      ...(throttle.length > 0 && { throttle }),
    };
  }
}

/** It ran all the time, and was put nowhere else. */
const never = { stoppedMs: Number.POSITIVE_INFINITY, resumedMs: Number.POSITIVE_INFINITY };

/** When the guest stood still, on the move's clock. Undefined: nobody heard both of its ends. */
function stopOf({ clocks, watch, heard, runsAt = "destination" }: Laid): MoveSamples["stop"] {
  const { stoppedAt } = heard;
  if (runsAt === "source" && stoppedAt === undefined && heard.source.length > 0) return never;
  const resumedAt = runsAt === "source" ? heard.resumedAtSource : heard.resumedAt;
  if (stoppedAt === undefined || resumedAt === undefined) return undefined;
  const stoppedMs = watch.fromHostClock(stoppedAt, clocks.source);
  return { stoppedMs, resumedMs: Math.max(stoppedMs, watch.fromHostClock(resumedAt, clocks[runsAt])) };
}

/** This machine's wall clock, as a stopwatch has it. */
const wallSeconds = (): number => (performance.timeOrigin + performance.now()) / 1000;

/** Undefined: nobody asked for series. @param workload the guest's, as the record has it */
export function startSampling(moving: Moving, workload: MigrationRecord["workload"]): Sampling | undefined {
  const { sampleIntervalMs = defaultSampleIntervalMs } = moving.options;
  if (sampleIntervalMs === 0) return undefined;
  const isIdle = workload === undefined || (workload as { type?: unknown }).type === "idle";
  return new Sampling(moving, sampleIntervalMs, !isIdle);
}
