import type { JobInfo } from "./job-info.ts";
import { listening } from "./listening.ts";
import { withoutAbsent } from "./without-absent.ts";

/** Listens to all guests of a host for the end of jobs. */
export const jobEventCommand = listening("event --event job-completed --loop");

const mib = 1024 * 1024;

/**
 * Notes what libvirt says of a guest's jobs when they end: the same figures as those of `virsh domjobinfo --completed`, under the names of
 * the API (VIR_DOMAIN_JOB_*). It comes in several lines: "event 'job-completed' for domain 'vm1':", then a tab, a name and a value in each.
 */
export class JobEvents {
  readonly #guest: string;
  #fields: Map<string, number> | undefined;
  #isOurs = false;

  constructor(guest: string) {
    this.#guest = guest;
  }

  hear(line: string): void {
    const [, guest] = /^event 'job-completed' for domain '?(.+?)'?:$/.exec(line) ?? [];
    if (guest !== undefined) {
      this.#isOurs = guest === this.#guest;
      if (this.#isOurs) this.#fields = new Map();
      return;
    }
    const [, name, value] = /^\t(\w+): (-?\d+)$/.exec(line) ?? [];
    if (this.#isOurs && name) this.#fields?.set(name, Number(value));
  }

  /** Of the last job; absent: none has ended. */
  get last(): JobInfo | undefined {
    const fields = this.#fields;
    if (!fields?.size) return undefined;
    const sizeMiB = (name: string): number | undefined => {
      const bytes = fields.get(name);
      return bytes === undefined ? undefined : bytes / mib;
    };
    return withoutAbsent({
      elapsedMs: fields.get("time_elapsed"),
      downtimeMs: fields.get("downtime"),
      transferredMiB: sizeMiB("memory_processed"),
      remainingMiB: sizeMiB("memory_remaining"),
      bandwidthMiBps: sizeMiB("memory_bps"),
      dirtyPagesPerSecond: fields.get("memory_dirty_rate"),
      iteration: fields.get("memory_iteration"),
      throttlePercent: fields.get("auto_converge_throttle"),
    });
  }
}
