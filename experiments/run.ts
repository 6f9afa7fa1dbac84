import { setTimeout as sleep } from "node:timers/promises";
import type { DecidedUpdate } from "../moves/decided-update.ts";
import type { RunHead } from "../moves/experiment-run.ts";
import type { MigrationRecord } from "../moves/record.ts";
import type { Cell } from "./cells.ts";
import { makeDecided } from "./decided-turn.ts";
import type { Experiment } from "./experiment.ts";
import type { RunProgress } from "./progress-log.ts";
import { isMade, reasonToStop, remaining, type TurnLine } from "./remaining.ts";
import type { RunFile } from "./run-file.ts";
import type { Turn } from "./schedule.ts";
import {
  decidedConfig,
  type Machines,
  moveConfigs,
  needsHosts,
  type Places,
  restConfig,
  startOf,
} from "./stack-config.ts";
import type { ExperimentTestbed, Update, Working } from "./testbed.ts";
import { adoptedLines, turnLines } from "./turn-lines.ts";

/** What is to be done: an experiment in one size, on some machines. */
export interface RunPlan {
  experiment: Experiment;
  machines: Machines;
  cells: readonly Cell[];
  turns: readonly Turn[];
  /** Of this project, as it stands in each line: a run may be gone on with by another. */
  version: string;
}

/** Told as it goes. */
export interface Listener {
  /** What is being done now. */
  doing(what: string): void;
  /** The turns that are left: before the first, and after each. */
  left(turns: readonly Turn[]): void;
  made(turn: Turn, lines: readonly TurnLine[], tookMs: number): void;
  say(line: string): void;
}

/** How a run of the command ended. */
export type Ending = { kind: "done" } | { kind: "interrupted" } | { kind: "stopped"; why: string };

/** Makes the moves of an experiment that are left to make, one turn after the other, and writes their lines as soon as each is over. */
export class Runner {
  readonly #plan: RunPlan;
  readonly #testbed: ExperimentTestbed;
  readonly #file: RunFile;
  readonly #listener: Listener;
  readonly #interruption: AbortSignal;
  readonly #cells: ReadonlyMap<string, Cell>;
  readonly #startedMs = performance.now();
  /** Those of earlier runs of the command come first. */
  readonly #lines: TurnLine[] = [];
  #earlier = 0;
  #places: Places = {};
  /** An update failed: the next one has something to repair. */
  #isUnsettled = false;

  /** @param interruption ends it after the turn that is under way */
  constructor(
    plan: RunPlan,
    testbed: ExperimentTestbed,
    file: RunFile,
    listener: Listener,
    interruption: AbortSignal,
  ) {
    this.#plan = plan;
    this.#testbed = testbed;
    this.#file = file;
    this.#listener = listener;
    this.#interruption = interruption;
    this.#cells = new Map(plan.cells.map((cell) => [cell.id, cell]));
  }

  /**
   * Makes what is left to make, one turn after the other.
   *
   * @param head makes the head of a run that has none yet, of what the first update says
   * @throws when the testbed does not come up: there is nothing then to make moves with
   */
  async run(head: (update: Update) => Promise<RunHead>): Promise<Ending> {
    try {
      await this.#begin(head);
    } catch (error) {
      if (this.#interruption.aborted) return { kind: "interrupted" };
      throw error;
    }
    return this.#goOn();
  }

  /** Brings the testbed up, repairs what an earlier run of the command left, and reads what that has written. */
  async #begin(head: (update: Update) => Promise<RunHead>): Promise<void> {
    const { experiment, machines } = this.#plan;
    const at = new Date();
    this.#listener.doing("bringing the testbed up");
    const known = experiment.back === "measured" ? await this.#testbed.places() : {};
    const update = await this.#testbed.up(restConfig(experiment, machines, { ...this.#start(), ...known }));
    this.#places = update.places;
    const run = await this.#file.read();
    if (run) this.#lines.push(...run.lines);
    else await this.#file.append(await head(update));
    await this.#adopt(at);
    this.#earlier = this.#lines.length;
    await this.#testbed.shape(undefined);
    this.#listener.doing("bringing all workloads to rest");
    for (const { name } of experiment.guests) {
      if (this.#works(name) && !this.#interruption.aborted) await this.#testbed.rest(name);
    }
  }

  async #goOn(): Promise<Ending> {
    const { turns, cells, experiment } = this.#plan;
    for (;;) {
      const left = remaining(turns, cells, this.#lines, experiment.stop);
      this.#listener.left(left);
      const [turn] = left;
      if (!turn) return { kind: "done" };
      if (this.#interruption.aborted) return { kind: "interrupted" };
      const elapsedMs = performance.now() - this.#startedMs;
      const why = reasonToStop(experiment.stop, elapsedMs, this.#lines.slice(this.#earlier));
      if (why !== undefined) return { kind: "stopped", why };
      const startedMs = performance.now();
      const lines = await this.#make(turn);
      this.#listener.made(turn, lines, performance.now() - startedMs);
    }
  }

  /** Makes a turn. Returns no lines if the run was interrupted before anything moved. */
  async #make(turn: Turn): Promise<TurnLine[]> {
    const cell = this.#cellOf(turn);
    const [updateMs, working] = [[] as number[], new Map<string, Working>()];
    let begunAt: Date | undefined;
    let loadBefore: Record<string, number> = {};
    let failure: Error | undefined;
    let update: DecidedUpdate | undefined;
    try {
      const sinceMs = await this.#prepare(cell, working);
      if (this.#interruption.aborted) return [];
      loadBefore = await this.#testbed.loads();
      begunAt = new Date();
      await this.#file.begin({ order: turn.order, at: begunAt.toISOString(), loadBefore });
      if (cell.isDecided) update = await this.#decide(cell, sinceMs, updateMs);
      else await this.#move(cell, updateMs);
    } catch (error) {
      failure = error as Error;
      this.#isUnsettled = true;
    }
    const at = new Date();
    const records = begunAt ? await this.#records(cell, begunAt, at) : [];
    const progress = await this.#progress(records, working);
    const wasInterrupted = this.#interruption.aborted;
    const { version } = this.#plan;
    const seen = { records, loadBefore, updateMs, progress, failure, wasInterrupted, at, version };
    const outcome = { ...seen, ...(update && { update }) };
    const lines = turnLines(turn, cell, outcome);
    await this.#write(lines);
    await this.#rest(cell);
    return lines;
  }

  /**
   * Brings guests back, lets the cell's workloads run, and waits until they run steadily.
   *
   * @returns since when they run, in ms since 1970
   */
  async #prepare(cell: Cell, working: Map<string, Working>): Promise<number> {
    const { experiment, machines } = this.#plan;
    const home = experiment.back === "measured" ? { ...this.#start(), ...this.#places } : this.#start(cell);
    const away = Object.keys(home).filter((guest) => this.#places[guest] !== home[guest]);
    if (away.length > 0 || this.#isUnsettled) {
      this.#listener.doing("bringing guests back");
      // Over the same link as the moves that are measured: their predictions also learn from the moves back.
      const update = await this.#overLink(cell, () =>
        this.#testbed.up(restConfig(experiment, machines, home), this.#isUnsettled ? undefined : away),
      );
      this.#places = update.places;
      this.#isUnsettled = false;
    }
    this.#listener.doing(`${cell.id}: settling`);
    for (const guest of cell.guests.filter((name) => this.#works(name))) {
      working.set(guest, await this.#testbed.work(guest));
    }
    const sinceMs = Date.now();
    await this.#settle();
    return sinceMs;
  }

  async #settle(): Promise<void> {
    const { settleSeconds } = this.#plan.experiment;
    await sleep(settleSeconds * 1000, undefined, { signal: this.#interruption }).catch(() => {});
  }

  /** Lets the policy decide and do. */
  async #decide(cell: Cell, sinceMs: number, updateMs: number[]): Promise<DecidedUpdate> {
    const { experiment, machines } = this.#plan;
    const places = { ...this.#places };
    // Whatever it did, the next turn's beginning is an update of everything: hosts may be off, or lost.
    this.#isUnsettled = true;
    return this.#overLink(cell, () =>
      makeDecided(this.#testbed, {
        ...{ experiment, places, sinceMs },
        update: async () => {
          this.#listener.doing(`${cell.id}: the policy decides`);
          const update = await this.#testbed.up(decidedConfig(experiment, machines, cell));
          this.#places = update.places;
          updateMs.push(update.updateMs);
          return update;
        },
        settle: async () => {
          this.#listener.doing(`${cell.id}: settling after it`);
          await this.#settle();
          // What was seen for a moment alone is no figure: the turn is made again.
          this.#interruption.throwIfAborted();
        },
      }),
    );
  }

  async #move(cell: Cell, updateMs: number[]): Promise<void> {
    const { experiment, machines } = this.#plan;
    this.#listener.doing(`${cell.id}: moving`);
    await this.#overLink(cell, async () => {
      for (const config of moveConfigs(experiment, machines, cell, this.#places)) {
        const update = await this.#testbed.up(config, needsHosts(config) ? undefined : cell.guests);
        this.#places = update.places;
        updateMs.push(update.updateMs);
      }
    });
  }

  /** Does something while the link between the hosts is as the cell has it. */
  async #overLink<T>(cell: Cell, moves: () => Promise<T>): Promise<T> {
    if (cell.linkMiBps === undefined) return moves();
    await this.#testbed.shape(cell.linkMiBps);
    try {
      return await moves();
    } finally {
      await this.#testbed.shape(undefined);
    }
  }

  /** Ends the cell's workloads. A guest that does not answer is found by the next turn's update. */
  async #rest(cell: Cell): Promise<void> {
    for (const guest of cell.guests.filter((name) => this.#works(name))) {
      await this.#testbed.rest(guest).catch((error: Error) => this.#listener.say(error.message));
    }
  }

  async #progress(
    records: readonly MigrationRecord[],
    working: ReadonlyMap<string, Working>,
  ): Promise<Map<string, RunProgress>> {
    const found = new Map<string, RunProgress>();
    for (const record of records) {
      const since = working.get(record.guest);
      if (!since || record.outcome !== "completed") continue;
      const progress = await this.#testbed.progress(record, since).catch((error: Error) => {
        this.#listener.say(error.message);
        return undefined;
      });
      if (progress) found.set(record.guest, progress);
    }
    return found;
  }

  /** The records of a cell's guests that were begun from one moment to another, oldest first. */
  async #records(cell: Cell, from: Date, until: Date): Promise<MigrationRecord[]> {
    const all = await Promise.all(cell.guests.map((guest) => this.#testbed.records(guest)));
    return all
      .flat()
      .filter(
        ({ startedAt }) => Date.parse(startedAt) >= from.getTime() && Date.parse(startedAt) < until.getTime(),
      )
      .sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  }

  /** Writes the lines of a turn in which an earlier run died, once its moves are reconciled. */
  async #adopt(until: Date): Promise<void> {
    const begun = await this.#file.begun();
    const turn = this.#plan.turns.find(({ order }) => order === begun?.order);
    if (!begun || !turn) return;
    const cell = this.#cellOf(turn);
    const written = this.#lines.filter(({ order }) => order === turn.order);
    if (!cell.isDecided && isMade(turn, cell, written)) return this.#file.end();
    const records = await this.#records(cell, new Date(begun.at), until);
    await this.#write(adoptedLines(turn, cell, records, written, begun.loadBefore, new Date()));
  }

  async #write(lines: readonly TurnLine[]): Promise<void> {
    for (const line of lines) await this.#file.append(line);
    this.#lines.push(...lines);
    await this.#file.end();
  }

  #works(guest: string): boolean {
    return this.#plan.experiment.guests.some(
      ({ name, workload }) => name === guest && workload.type !== "idle",
    );
  }

  #start(cell?: Cell): Places {
    return startOf(this.#plan.experiment, this.#plan.machines, cell);
  }

  #cellOf({ cell }: Turn): Cell {
    return this.#cells.get(cell) as Cell;
  }
}
