import type { HostOutput, PolicyOutput } from "../components/outputs.ts";
import type { FailoverRecord } from "../moves/failover-record.ts";
import type { PowerRecord } from "../moves/power-record.ts";
import type { MigrationRecord } from "../moves/record.ts";
import type { StackInput } from "../stacks/config.ts";
import type { RunProgress } from "./progress-log.ts";

/** What an experiment needs of a testbed: moves by its config, and a look at the machines before and after. */
export interface ExperimentTestbed {
  /**
   * Brings everything to where a config says. Throws UpdateFailed.
   *
   * @param moving the guests whose moves alone are made: all else is as the last update left it, and nobody looks at it; default: everything
   */
  up(config: StackInput, moving?: readonly string[]): Promise<Update>;
  /** Where each guest was when the stack was last up; nothing when it never was. */
  places(): Promise<Record<string, string>>;
  /** All moves of a guest that were ever made, oldest first, as the stack's results file has them. */
  records(guest: string): Promise<MigrationRecord[]>;
  /** The one-minute load averages of all machines, by name; that of this one is `controller`. */
  loads(): Promise<Record<string, number>>;
  /** Waits until a guest's workload runs steadily for the first time, and halts it, until `work` is called. */
  rest(guest: string): Promise<void>;
  /** Lets a guest's workload go on. */
  work(guest: string): Promise<Working>;
  /** What a guest's workload did before and during a move; undefined where it did not count, or was not there all the time. */
  progress(record: MigrationRecord, working: Working): Promise<RunProgress | undefined>;
  /** How busy hosts were since a moment (ms since 1970 by our clock) in which nothing moved, and what guests got done. */
  observe(sinceMs: number): Promise<Observed>;
  /** Ends a lab's host as a power cut would. */
  cut(host: string): Promise<void>;
  /** Guests that were started elsewhere and hosts that were switched since a moment, oldest first. */
  happened(since: Date): Promise<{ failovers: FailoverRecord[]; switched: PowerRecord[] }>;
  /** Shapes the link between the hosts; undefined: it is as it was before anybody shaped it. */
  shape(linkMiBps: number | undefined): Promise<void>;
}

/** A workload that was let go on. */
export interface Working {
  /** Since when, in ms since 1970 by our clock. */
  sinceMs: number;
  /** How far the guest's clock was ahead of ours then. */
  offsetMs: number;
}

export interface Update {
  hosts: Record<string, HostOutput>;
  /** By guest, where it runs. */
  places: Record<string, string>;
  updateMs: number;
  /** What the stack's policy decided; absent: it has none. */
  policy?: PolicyOutput;
}

/** What was seen of machines at work. A figure that is not known is absent. */
export interface Observed {
  /** Of how long, in seconds. */
  seconds: number;
  /** By host, CPUs kept busy: by its guests, and by itself. */
  hosts: Record<string, { guestCpus?: number; ownCpus?: number }>;
  /** By guest, what its workload got done; guests without one are not in it. */
  guests: Record<string, { unit: string; perSecond: number }>;
}

/** An update that did not do what was asked. The message is what Pulumi said of it, without the rest of its output. */
export class UpdateFailed extends Error {
  override readonly name = "UpdateFailed";
}
