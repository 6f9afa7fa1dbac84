import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { v5 as uuidV5 } from "uuid";
import { type Begun, RunFile } from "../../../experiments/run-file.ts";
import {
  type ExperimentTestbed,
  type Update,
  UpdateFailed,
  type Working,
} from "../../../experiments/testbed.ts";
import type { RunHead, RunLine } from "../../../moves/experiment-run.ts";
import type { MigrationRecord } from "../../../moves/record.ts";
import type { StackInput } from "../../../stacks/config.ts";
import { liveRecord } from "./records.ts";

/** How far an update got when the run was killed in it. */
export type Stage = "before" | "half" | "after";

/** The run was killed: from then on nothing of it does anything. */
export class Killed extends Error {}

/** Counts what a run does, and kills it at a certain step. */
export class Fate {
  steps = 0;
  isDead = false;
  readonly #dieAt: number;
  readonly stage: Stage;

  constructor(dieAt = Number.POSITIVE_INFINITY, stage: Stage = "before") {
    this.#dieAt = dieAt;
    this.stage = stage;
  }

  /** Does `all` of a step, or, when its time has come, `part` of it. */
  async step<T>(all: () => T | Promise<T>, part: () => unknown = () => {}): Promise<T> {
    if (this.isDead) throw new Killed();
    this.steps++;
    if (this.steps < this.#dieAt) return all();
    await part();
    this.isDead = true;
    throw new Killed();
  }
}

const host = {
  address: "192.0.2.11",
  accelerator: "tcg",
  nfsTransport: "userspace",
  cpuModel: "QEMU",
  memoryMiB: 4096,
  qemu: "7.2.22",
  libvirt: "9.0.0",
  kernel: "6.1.0",
} as const;

/** What outlives a run: where guests are, their records, and a move that was cut short. */
export class SimulatedTestbed implements ExperimentTestbed {
  fate = new Fate();
  where: Record<string, string> = {};
  made: MigrationRecord[] = [];
  working = new Set<string>();
  /** Hosts whose power was cut. */
  readonly cuts: string[] = [];
  /** What the next update's policy decides: guests' new hosts. */
  decides: Record<string, string> = {};
  shapedTo: number | undefined;
  /** What each update's moves were made under: which workloads ran, and how the link was shaped. */
  readonly seen: { guest: string; mode: string; working: string[]; shapedTo: number | undefined }[] = [];
  /** How the link was shaped on each way back that nobody measures. */
  readonly backShapedTo: (number | undefined)[] = [];
  /** Makes the next measured move of a guest fail in some way. */
  fault: ((guest: string) => "failed" | "no record" | undefined) | undefined;
  #cut: (Pick<MigrationRecord, "guest" | "from" | "to" | "startedAt"> & { mode: string })[] = [];

  /** Which guests' moves alone were asked for, update by update; undefined: everything. */
  readonly asked: (readonly string[] | undefined)[] = [];

  async up(config: StackInput, moving?: readonly string[]): Promise<Update> {
    this.asked.push(moving);
    await this.fate.step(
      () => this.#apply(config, moving),
      async () => {
        if (this.fate.stage === "half") await this.#begin(config, moving);
        if (this.fate.stage === "after") await this.#apply(config, moving);
      },
    );
    const { policy, lost = [] } = config;
    const hosts = { host1: host, host2: host };
    const said = Object.entries(hosts).map(([name, own]) => [
      name,
      { ...own, ...(lost.includes(name) && { lost: true as const }) },
    ]);
    return {
      hosts: Object.fromEntries(said),
      places: { ...this.where },
      updateMs: 5,
      ...(policy && {
        policy: {
          kind: policy.kind ?? "pinned",
          imbalance: { before: 0.3, after: 0.1 },
          moves: Object.entries(this.decides).map(([guest, to]) => ({
            ...{ guest, from: "host1", to, reason: "evens out hosts" },
          })),
          left: [],
          uncovered: [],
        },
      }),
    };
  }

  places = () => this.fate.step(() => ({ ...this.where }));
  records = (guest: string) => this.fate.step(() => this.made.filter((record) => record.guest === guest));
  loads = () => this.fate.step(() => ({ controller: 0.5, host1: 0.5 }));
  rest = (guest: string) => this.fate.step(() => void this.working.delete(guest));
  cut = (host: string) => this.fate.step(() => void this.cuts.push(host));
  observe = () =>
    this.fate.step(() => ({
      seconds: 1,
      hosts: { host1: { guestCpus: 0.5, ownCpus: 0.1 } },
      guests: Object.fromEntries([...this.working].map((name) => [name, { unit: "MiB", perSecond: 4 }])),
    }));
  happened = () => this.fate.step(() => ({ failovers: [], switched: [] }));
  shape = (to: number | undefined) =>
    this.fate.step(() => {
      this.shapedTo = to;
    });
  progress = () =>
    this.fate.step(() => ({
      unit: "MiB",
      beforePerSecond: 4,
      duringPerSecond: 3,
      slowestPerSecond: 1,
    }));
  work = (guest: string) =>
    this.fate.step((): Working => {
      this.working.add(guest);
      return { sinceMs: Date.now(), offsetMs: 0 };
    });

  #targets({ guests, placement = {}, drain = [] }: StackInput, moving?: readonly string[]) {
    const looked = guests.filter(({ name }) => moving?.includes(name) ?? true);
    return looked.map(({ name }): [guest: string, to: string] => {
      const placed = placement[name] ?? this.decides[name] ?? (this.where[name] as string);
      return [name, drain.includes(placed) ? "host2" : placed];
    });
  }

  async #begin(config: StackInput, moving?: readonly string[]): Promise<void> {
    const [move] = this.#targets(config, moving).filter(([guest, to]) => (this.where[guest] ?? to) !== to);
    if (!move) return this.#apply(config, moving);
    const [guest, to] = move;
    const from = this.where[guest] as string;
    const startedAt = new Date().toISOString();
    this.#cut.push({ guest, from, to, mode: modeOf(config, guest), startedAt });
    await sleep(2);
  }

  async #apply(config: StackInput, moving?: readonly string[]): Promise<void> {
    const isLooked = ({ guest }: { guest: string }) => moving?.includes(guest) ?? true;
    const found = this.#cut.filter(isLooked);
    this.#cut = this.#cut.filter((cut) => !isLooked(cut));
    for (const { mode, ...cut } of found) {
      this.where[cut.guest] = cut.to;
      this.#record({ ...cut, mode: mode as "live", outcome: "recovered" });
    }
    for (const [guest, to] of this.#targets(config, moving)) {
      const from = this.where[guest] ?? to;
      this.where[guest] = from;
      if (from === to) continue;
      const startedAt = new Date().toISOString();
      const mode = modeOf(config, guest) as "live";
      const isMeasured = config.guests.some(({ name, migration }) => name === guest && migration);
      const fault = isMeasured ? this.fault?.(guest) : undefined;
      if (isMeasured) this.seen.push({ guest, mode, working: [...this.working], shapedTo: this.shapedTo });
      else this.backShapedTo.push(this.shapedTo);
      await sleep(2);
      if (fault === "failed") {
        this.#record({ guest, from, to, mode, startedAt, outcome: "failed", error: "QEMU said no" });
      }
      if (fault) throw new UpdateFailed(`${guest} did not move`);
      this.where[guest] = to;
      this.#record({ guest, from, to, mode, startedAt });
    }
  }

  #record(changes: Partial<MigrationRecord>): void {
    this.made.push(liveRecord({ ...changes, uuid: uuidV5(changes.guest ?? "", uuidV5.URL) }));
  }
}

const modeOf = ({ guests, migration }: StackInput, guest: string): string =>
  guests.find(({ name }) => name === guest)?.migration?.mode ?? migration?.mode ?? "live";

/** A run's files, whose writing can be cut short. */
export class FatedFile extends RunFile {
  fate = new Fate();

  override append(line: RunLine): Promise<void> {
    return this.fate.step(
      () => super.append(line),
      async () => {
        if (this.fate.stage === "half") await appendFile(this.path, JSON.stringify(line).slice(0, 40));
        if (this.fate.stage === "after") await super.append(line);
      },
    );
  }

  override begin(begun: Begun): Promise<void> {
    return this.fate.step(
      () => super.begin(begun),
      async () => {
        if (this.fate.stage !== "before") await super.begin(begun);
      },
    );
  }

  override end(): Promise<void> {
    return this.fate.step(
      () => super.end(),
      async () => {
        if (this.fate.stage !== "before") await super.end();
      },
    );
  }
}

/** A head for tests, of what a run's plan says. */
export const headFor = (cells: RunHead["cells"], repeats: number): RunHead => ({
  schema: 1,
  kind: "experiment",
  experiment: "test",
  run: "20260101T120000Z",
  title: "A test",
  seed: 1,
  startedAt: "2026-01-01T12:00:00.000Z",
  asked: {},
  cells,
  repeats,
  conditions: {
    controller: { cpu: "CPU", cores: 2, memoryMiB: 4096, kernel: "6.1.0" },
    hosts: {},
    versions: { project: "0.1.0" },
  },
});
