import { setTimeout as sleep } from "node:timers/promises";
import { JobEvents, jobEventCommand } from "../../libvirt/job-event.ts";
import type { JobInfo } from "../../libvirt/job-info.ts";
import { isListening } from "../../libvirt/listening.ts";
import { type MonitorEvent, monitorEventCommand, parseMonitorEvent } from "../../libvirt/monitor-event.ts";
import { within } from "../../ssh/connection.ts";
import type { Endpoint } from "../context/moving.ts";

/** How long to wait for an event that is on its way when the command that caused it has returned. */
const lateEventMs = 1_000;

/** Whom to listen to, and where. */
interface Witnessed {
  guest: string;
  source: Pick<Endpoint, "session">;
  destination: Pick<Endpoint, "session">;
}

/** Hears what QEMU says of a guest at both endpoints of its move, and when. */
export class Witness {
  readonly source: MonitorEvent[] = [];
  readonly destination: MonitorEvent[] = [];
  readonly #stops: (() => Promise<void>)[];
  readonly #listeners = new Set<(event: MonitorEvent) => void>();
  readonly #jobs: JobEvents | undefined;
  readonly #begun: Promise<unknown>;

  /** @param jobs whether libvirt's own account of the job is to be heard too, at the source */
  constructor({ guest, source, destination }: Witnessed, jobs = false) {
    const began: Promise<void>[] = [];
    const follow = ({ session }: Witnessed["source"], command: string, hear: (line: string) => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      began.push(promise);
      const follower = session.follow(command, (line) => {
        if (line === isListening) resolve();
        else hear(line);
      });
      follower.ended.then(resolve, resolve);
      return follower;
    };
    const listen = (endpoint: Witnessed["source"], into: MonitorEvent[]) =>
      follow(endpoint, monitorEventCommand, (line) => {
        const event = parseMonitorEvent(line);
        if (event?.guest !== guest) return;
        into.push(event);
        if (into === this.source) for (const listener of this.#listeners) listener(event);
      });
    const followers = [listen(source, this.source), listen(destination, this.destination)];
    if (jobs) {
      const events = new JobEvents(guest);
      this.#jobs = events;
      followers.push(follow(source, jobEventCommand, (line) => events.hear(line)));
    }
    this.#stops = followers.map((follower) => () => follower.stop());
    this.#begun = Promise.all(began);
  }

  /** Waits until it listens on both hosts, but no longer than this: what happens before is not heard, and absent. */
  async begun(patienceMs = 10_000): Promise<void> {
    await within(this.#begun, patienceMs);
  }

  /** Tells of what happens at the source as soon as it is heard; the result stops that. */
  onSource(listener: (event: MonitorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** libvirt's account of the job at the source, once it has ended. Absent: not heard. */
  get job(): JobInfo | undefined {
    return this.#jobs?.last;
  }

  /** The guest's CPUs stopped at the source; seconds on the source's clock. Absent: not heard. */
  get stoppedAt(): number | undefined {
    return lastOf(this.source, "STOP") ?? lastOf(this.source, "SHUTDOWN");
  }

  /** The guest's CPUs began to run at the destination; seconds on the destination's clock. Absent: not heard. */
  get resumedAt(): number | undefined {
    return lastOf(this.destination, "RESUME");
  }

  /** They ran again where they were, after they had stopped; seconds on the source's clock. Absent: they did not, or it was not heard. */
  get resumedAtSource(): number | undefined {
    const resumedAt = lastOf(this.source, "RESUME");
    return resumedAt !== undefined && resumedAt >= (this.stoppedAt ?? resumedAt) ? resumedAt : undefined;
  }

  /** When the migration got this status at the source. */
  statusAt(status: string): number | undefined {
    return this.source.find(({ event, data }) => event === "MIGRATION" && data.status === status)
      ?.atEpochSeconds;
  }

  /** QEMU began to copy a disk at the source. Absent: it copied none. */
  get storageBegan(): number | undefined {
    return this.source.find(({ event, data }) => event === "JOB_STATUS_CHANGE" && data.status === "created")
      ?.atEpochSeconds;
  }

  /** How much of it was copied in all, until the guest left the source. */
  get storageMiB(): number | undefined {
    const { offset } =
      this.source.findLast(({ event, data }) => /^BLOCK_JOB_/.test(event) && data.type === "mirror")?.data ??
      {};
    return typeof offset === "number" ? offset / 2 ** 20 : undefined;
  }

  async stop(): Promise<void> {
    const deadlineMs = performance.now() + lateEventMs;
    const misses = () => this.resumedAt === undefined || (this.#jobs && !this.job);
    while (misses() && performance.now() < deadlineMs) await sleep(10);
    await this.abandon();
  }

  /** Stops without waiting for what may still come. */
  async abandon(): Promise<void> {
    await Promise.all(this.#stops.map((stop) => stop()));
  }
}

const lastOf = (events: readonly MonitorEvent[], wanted: string): number | undefined =>
  events.findLast(({ event }) => event === wanted)?.atEpochSeconds;
