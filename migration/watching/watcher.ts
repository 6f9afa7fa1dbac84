import { setTimeout as sleep } from "node:timers/promises";
import type { JobInfo } from "../../libvirt/job-info.ts";
import type { MonitorEvent } from "../../libvirt/monitor-event.ts";
import { sight } from "../../libvirt/sighting.ts";
import { virsh } from "../../libvirt/virsh.ts";
import { mayUsePostcopy } from "../../moves/options.ts";
import type { Moving } from "../context/moving.ts";
import { cancelJob } from "./cancel-job.ts";
import { turnToPostcopy } from "./turn-to-postcopy.ts";
import {
  type JobHistory,
  type JobLook,
  type JobVerdict,
  nextLookInMs,
  noted,
  ofOwnJob,
  verdictOn,
} from "./verdict.ts";

/** How far a pre-copy is. */
export interface Precopy {
  /** Memory is being sent. */
  active: boolean;
  /** The pass it is in. */
  pass: number;
  activeForMs: number;
}

/** What a mode has its job watched for, other than its time and a cancellation. */
export interface Watched {
  /** What is said when its time is over, such as `not done`. */
  unfinished: string;
  onTimeout?: JobLook["onTimeout"];
  /** How long it takes until post-copy's time comes, if nothing else happens. Absent: it does not. */
  postcopyDueInMs?: ((precopy: Precopy) => number) | undefined;
  /** What it may send now, as other moves come and go. Absent: no limit. */
  shareMiBps?: (() => number) | undefined;
}

/** How many times in turn libvirt may have no job at the source until something may be wrong: it has ended, and virsh is about to return. */
const silentJobs = 15;
const abortEveryMs = 500;

/**
 * Watches a job of libvirt's that this run begins, from its beginning to its end: gives it up when its time is over or it is not wanted any
 * more, or what its options say instead; turns it to post-copy, keeps it to its share of the bandwidth, sees when an endpoint is lost.
 */
export class Watcher {
  readonly #moving: Moving;
  readonly #watched: Watched;
  readonly #late: string;
  readonly #lost = Promise.withResolvers<never>();
  #startedMs = 0;
  #done: JobHistory = {};
  #pass = 0;
  #activeAtMs: number | undefined;
  #silent = 0;
  /** Undefined: it could not be set, or only in part. */
  #limitMiBps: number | undefined;
  /** Why it was given up, in words. */
  #gaveUp: string | undefined;
  /** Why it must not go on. */
  #failure: unknown;
  #isUnderWay = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(moving: Moving, watched: Watched) {
    this.#moving = moving;
    this.#watched = watched;
    this.#limitMiBps = watched.shareMiBps?.();
    this.#late = `${watched.unfinished} after ${moving.timeoutMs / 1000} s (migration.timeoutMs)`;
    this.#lost.promise.catch(() => {}); // told where the end is waited for
  }

  /** The bandwidth that the job is to begin with. */
  get limitMiBps(): number | undefined {
    return this.#limitMiBps;
  }

  /** Runs the command that is the job, until its end. Throws why it was given up, and otherwise what the command throws. */
  async during<T>(command: () => Promise<T>): Promise<T> {
    const { cancelled } = this.#moving;
    this.#startedMs = performance.now();
    this.#isUnderWay = true;
    cancelled.addEventListener("abort", this.#look);
    this.#look();
    try {
      return await Promise.race([command(), this.#lost.promise]);
    } catch (error) {
      if (this.#gaveUp !== undefined) throw new Error(this.#gaveUp, { cause: error });
      throw this.#failure ?? error;
    } finally {
      this.#isUnderWay = false;
      clearTimeout(this.#timer);
      cancelled.removeEventListener("abort", this.#look);
    }
  }

  /** QEMU tells of it at the source. */
  hears({ event, data }: MonitorEvent): void {
    if (event === "MIGRATION" && data.status === "active") this.#isIn(this.#pass);
    if (event === "MIGRATION_PASS" && typeof data.pass === "number") this.#isIn(data.pass);
  }

  /** libvirt tells of it, in case an event is missed. Undefined: it has no such job. */
  sees(job: JobInfo | undefined): void {
    this.#silent = job ? 0 : this.#silent + 1;
    if (job?.remainingMiB !== undefined) this.#isIn(job.iteration ?? 1);
    else this.#look();
  }

  #isIn(pass: number): void {
    this.#pass = Math.max(pass, this.#pass);
    this.#activeAtMs ??= performance.now();
    this.#look();
  }

  readonly #look = (): void => {
    if (!this.#isUnderWay) return;
    const look = this.#seen();
    const verdict = verdictOn(look);
    this.#done = noted(look.done, verdict, look.atMs);
    void this.#perform(verdict);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#look, nextLookInMs(look));
  };

  #seen(): JobLook {
    const { timeoutMs, cancelled } = this.#moving;
    const { onTimeout, postcopyDueInMs, shareMiBps } = this.#watched;
    const nowMs = performance.now();
    const active = this.#activeAtMs !== undefined;
    const precopy = { active, pass: this.#pass, activeForMs: nowMs - (this.#activeAtMs ?? nowMs) };
    return {
      // The intent also says so of a job that was to turn and did not.
      job: this.#done.isTurning ? "postcopy" : "reversible",
      atMs: nowMs - this.#startedMs,
      timeoutMs,
      onTimeout,
      isCancelled: cancelled.aborted,
      postcopyDueInMs: postcopyDueInMs?.(precopy),
      isSilent: this.#silent >= silentJobs,
      // Until something is sent, libvirt would overwrite another limit with the one that the job began with.
      limit: shareMiBps && active ? { shareMiBps: shareMiBps(), setMiBps: this.#limitMiBps } : undefined,
      patience: ofOwnJob,
      done: this.#done,
    };
  }

  /** Throws nothing: the command says what became of the job. */
  async #perform(verdict: JobVerdict): Promise<void> {
    const { guest, uuid, source, destination, tell } = this.#moving;
    switch (verdict.do) {
      case "give-up":
        return this.#giveUp(this.#reason(verdict.why));
      case "turn-to-postcopy":
        if (verdict.why === "due") return this.#turn();
        tell(`${guest}: ${this.#late}; turning to post-copy`);
        return this.#orGiveUp(() => turnToPostcopy(this.#moving));
      case "pause":
        tell(`${guest}: ${this.#late}; pausing it until it is on ${destination.name}`);
        return this.#orGiveUp(async () => {
          await virsh(source.session, `pausing guest ${guest}`, ["suspend", uuid], { allowFailure: true });
          return true;
        });
      case "no-way-back":
        tell(`${guest}: ${this.#reason(verdict.why)}; in post-copy there is no way back`);
        return;
      case "see-loss":
        return this.#seeLoss();
      case "limit":
        return this.#limit(verdict.shareMiBps);
    }
  }

  #reason(why: "time" | "cancelled"): string {
    return why === "time" ? this.#late : (this.#moving.cancelled.reason as Error).message;
  }

  async #turn(): Promise<void> {
    try {
      const isTurned = await turnToPostcopy(this.#moving);
      // Too early: it is tried again.
      if (!isTurned) this.#done = { ...this.#done, isTurning: false };
    } catch (error) {
      this.#failure = error;
      await this.#cancel();
    }
  }

  async #orGiveUp(deed: () => Promise<boolean>): Promise<void> {
    const { guest, tell } = this.#moving;
    const isDone = await deed().catch((error: Error) => {
      tell(`${guest}: ${error.message}`);
      return false;
    });
    if (!isDone) await this.#giveUp(this.#late);
  }

  async #giveUp(why: string): Promise<void> {
    const { guest, source, tell } = this.#moving;
    this.#gaveUp ??= `${why}; giving up, it stays on ${source.name}`;
    tell(`${guest}: ${this.#gaveUp}`);
    await this.#cancel();
  }

  /** Again and again until it has ended: it may not have begun yet. */
  async #cancel(): Promise<void> {
    this.#done = { ...this.#done, gaveUpAtMs: performance.now() - this.#startedMs };
    try {
      while (this.#isUnderWay) {
        await cancelJob(this.#moving, this.#moving.source);
        await sleep(abortEveryMs);
      }
    } catch {} // the source does not answer: its command says so
  }

  /** libvirt 9.0 at the destination waits without end for the rest of a memory whose QEMU at the source is dead. */
  async #seeLoss(): Promise<void> {
    const { guest, uuid, source } = this.#moving;
    const state = await sight(source.session, uuid).then(
      (seen) => seen.state,
      () => undefined,
    );
    this.#done = { ...this.#done, seesLoss: false };
    if (state !== "inactive" && state !== "absent") return;
    this.#lost.reject(
      new Error(`guest ${guest} is off on ${source.name}, and a part of its memory was still there`),
    );
  }

  async #limit(shareMiBps: number): Promise<void> {
    const { guest, uuid, source, options, tell } = this.#moving;
    this.#limitMiBps = undefined;
    try {
      // QEMU has a limit of its own for post-copy, which it keeps until the switch and takes then.
      const kinds = mayUsePostcopy(options) ? [[], ["--postcopy"]] : [[]];
      let isSet = true;
      for (const kind of kinds) {
        const args = ["migrate-setspeed", uuid, String(shareMiBps), ...kind];
        const doing = `limiting the move of guest ${guest}`;
        const { exitCode } = await virsh(source.session, doing, args, { allowFailure: true });
        isSet &&= exitCode === 0;
      }
      if (!isSet) return; // and again, as long as it goes on
      this.#limitMiBps = shareMiBps;
      tell(`${guest}: sends up to ${shareMiBps} MiB/s from here on, its part of ${options.bandwidthMiBps}`);
    } catch {
      // The job may be over by then, or its host gone: its command says so.
    } finally {
      this.#done = { ...this.#done, limits: false };
    }
  }
}
