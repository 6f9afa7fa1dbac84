import type { JobInfo } from "../../libvirt/job-info.ts";
import type { MonitorEvent } from "../../libvirt/monitor-event.ts";
import type { LogEnd } from "../../libvirt/qemu-trace.ts";
import { modes } from "../../moves/modes.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import type { Moving } from "../context/moving.ts";
import { measureRunning } from "../measuring/measure.ts";
import { readStatistics } from "../measuring/statistics.ts";
import type { Witness } from "../measuring/witness.ts";
import type { Mode } from "./mode.ts";
import { abort, prepareTransfer, transfer } from "./transfer.ts";
import { turnToPostcopy } from "./turn-to-postcopy.ts";

/**
 * Post-copy: the guest goes on at the destination as soon as its CPUs and devices are there, and its memory follows. From the start
 * (postcopy), or after some passes or some time of pre-copy (hybrid), unless that has converged before.
 */
export const postcopy: Mode = ({ moving, witness, watch }) => {
  let logEnd: LogEnd;
  let throttlePercent: number | undefined;
  return {
    async prepare() {
      logEnd = await prepareTransfer(moving);
    },
    async begin() {
      const turn = new Turn(moving, witness);
      try {
        await transfer(moving, (job) => {
          throttlePercent = job.throttlePercent ?? throttlePercent;
          turn.sees(job);
        });
      } catch (error) {
        throw turn.failure ?? error;
      } finally {
        turn.end();
      }
    },
    async measure(endMs, clocks) {
      const statistics = await readStatistics(moving, logEnd, { job: witness.job, throttlePercent });
      return measureRunning(witness, statistics, clocks, watch, endMs);
    },
  };
};

/** How far a pre-copy is. */
export interface Precopy {
  /** Memory is being sent. */
  active: boolean;
  /** The pass it is in. */
  pass: number;
  activeForMs: number;
}

/** Whether post-copy's time has come. */
export function isDue(
  { mode, hybrid = {} }: MigrationOptions,
  { active, pass, activeForMs }: Precopy,
): boolean {
  if (!active) return false;
  if (!modes[mode].precopy) return true;
  const { afterMs, afterPasses = afterMs === undefined ? 1 : undefined } = hybrid;
  return (
    (afterPasses !== undefined && pass > afterPasses) || (afterMs !== undefined && activeForMs >= afterMs)
  );
}

/** Turns a pre-copy into a post-copy when its time has come, by QEMU's events or, should one be missed, by what libvirt tells. */
class Turn {
  /** Why the move must not go on. */
  failure: unknown;
  readonly #moving: Moving;
  readonly #ignore: () => void;
  #pass = 0;
  #activeAtMs: number | undefined;
  #turning = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(moving: Moving, witness: Witness) {
    this.#moving = moving;
    this.#ignore = witness.onSource((event) => this.#hears(event));
  }

  sees({ remainingMiB, iteration = 1 }: JobInfo): void {
    if (remainingMiB !== undefined) this.#isIn(iteration);
  }

  end(): void {
    this.#ignore();
    clearTimeout(this.#timer);
    this.#turning = true;
  }

  #hears({ event, data }: MonitorEvent): void {
    if (event === "MIGRATION" && data.status === "active") this.#isIn(this.#pass);
    if (event === "MIGRATION_PASS" && typeof data.pass === "number") this.#isIn(data.pass);
  }

  #isIn(pass: number): void {
    this.#pass = Math.max(pass, this.#pass);
    if (this.#activeAtMs === undefined) {
      this.#activeAtMs = performance.now();
      const { mode, hybrid } = this.#moving.options;
      if (mode === "hybrid" && hybrid?.afterMs !== undefined)
        this.#timer = setTimeout(() => this.#lookWhetherDue(), hybrid.afterMs);
    }
    this.#lookWhetherDue();
  }

  #lookWhetherDue(): void {
    const activeForMs = performance.now() - (this.#activeAtMs as number);
    if (this.#turning || !isDue(this.#moving.options, { active: true, pass: this.#pass, activeForMs }))
      return;
    this.#turning = true;
    turnToPostcopy(this.#moving).then(
      (turned) => {
        // Too early: libvirt tells of the job again in a second.
        this.#turning = turned;
      },
      (error: unknown) => {
        this.failure = error;
        void abort(this.#moving).catch(() => {});
      },
    );
  }
}
