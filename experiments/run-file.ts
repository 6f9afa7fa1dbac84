import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { type RunHead, type RunLine, runLineSchema } from "../moves/experiment-run.ts";
import { appendLine, type UnreadableLine } from "../moves/results.ts";
import { runCsv } from "../report/export/moves-csv.ts";
import type { TurnLine } from "./remaining.ts";

/** What one run of an experiment has written: results/experiments/<experiment>/<run>.jsonl. */
export interface Run {
  head: RunHead;
  lines: TurnLine[];
  /** Lines that cannot be read: a crash leaves a torn last one. Its turn is made again. */
  unreadable: UnreadableLine[];
}

interface LatestRun extends Run {
  isOpen: boolean;
}

/**
 * A turn whose moves are about to be made, written down beforehand: if a run dies between a move's end and its line, the next run finds the
 * move's record by this, and tells it from records of other turns.
 */
const begunSchema = z.object({
  order: z.int().positive(),
  /** By this machine's clock, as the records' `startedAt`. */
  at: z.iso.datetime(),
  loadBefore: z.record(z.string(), z.number().nonnegative()),
});
export type Begun = z.infer<typeof begunSchema>;

/** The files of one run. */
export class RunFile {
  readonly path: string;
  readonly #begun: string;
  readonly #open: string;
  readonly #csv: string;

  constructor(folder: string, run: string) {
    this.path = join(folder, `${run}.jsonl`);
    this.#begun = join(folder, `${run}.begun.json`);
    this.#open = join(folder, `${run}.open`);
    this.#csv = join(folder, `${run}.csv`);
  }

  /**
   * Adds a line; it is on the disk when the promise resolves.
   *
   * @throws when it does not fit its schema, and writes nothing: every reader would pass it over
   */
  async append(line: RunLine): Promise<void> {
    const { data, error } = runLineSchema.safeParse(line);
    if (data) return appendLine(this.path, data);
    const { kind } = line;
    const what = kind === "move" ? `guest ${line.record.guest}'s move to ${line.record.to}` : `its ${kind}`;
    throw new Error(
      `A line of ${this.path} (${what}) does not fit its schema and was not written: ${z.prettifyError(error).replaceAll(/\s+/g, " ")}. What it tells of has been done all the same; the experiment can be continued once the cause is fixed`,
    );
  }

  /** @returns undefined when there is no such run, or when it was killed before its head was written */
  async read(): Promise<Run | undefined> {
    const text = await readFile(this.path, "utf8").catch(unlessMissing);
    return text === undefined ? undefined : parseRun(text);
  }

  async begin(begun: Begun): Promise<void> {
    // Whole or not at all.
    await writeFile(`${this.#begun}.new`, `${JSON.stringify(begun)}\n`, { flush: true });
    await rename(`${this.#begun}.new`, this.#begun);
  }

  async begun(): Promise<Begun | undefined> {
    const text = await readFile(this.#begun, "utf8").catch(unlessMissing);
    return text === undefined ? undefined : begunSchema.parse(JSON.parse(text));
  }

  async end(): Promise<void> {
    await rm(this.#begun, { force: true });
  }

  /** A run is open from its beginning until all is done and its testbed is taken down. */
  async open(): Promise<void> {
    await mkdir(dirname(this.#open), { recursive: true });
    await writeFile(this.#open, "");
  }

  isOpen(): boolean {
    return existsSync(this.#open);
  }

  async close(): Promise<void> {
    await rm(this.#open, { force: true });
  }

  /** Writes the lines once more, as CSV. Returns the file's path. */
  async writeCsv(): Promise<string> {
    const run = await this.read();
    if (run) {
      await writeFile(`${this.#csv}.new`, runCsv(run.head, run.lines));
      await rename(`${this.#csv}.new`, this.#csv);
    }
    return this.#csv;
  }
}

/** Reads what a run has written. A bad line is reported, not thrown. */
export function parseRun(text: string): Run | undefined {
  const unreadable: UnreadableLine[] = [];
  const read: RunLine[] = [];
  const all = text.split("\n");
  for (const [index, line] of all.entries()) {
    if (line.trim() === "") continue;
    const parsed = runLineSchema.safeParse(json(line));
    if (parsed.success) read.push(parsed.data);
    else {
      const problem =
        json(line) === undefined ? "it is not JSON" : z.prettifyError(parsed.error).replaceAll(/\s+/g, " ");
      unreadable.push({ line: index + 1, problem, isTorn: index === all.length - 1 });
    }
  }
  const head = read.find((line) => line.kind === "experiment");
  const lines = read.filter((line) => line.kind !== "experiment");
  return head && { head, lines, unreadable };
}

/** The names of an experiment's runs, oldest first: they are the times at which they began. */
async function runNames(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(unlessMissing)) ?? [];
  return names.flatMap((name) => (name.endsWith(".jsonl") ? name.slice(0, -".jsonl".length) : [])).sort();
}

/** The latest run that has a head: one that was killed before that has made nothing. */
export async function latestRun(folder: string): Promise<LatestRun | undefined> {
  for (const run of (await runNames(folder)).toReversed()) {
    const file = new RunFile(folder, run);
    const found = await file.read();
    if (found) return { ...found, isOpen: file.isOpen() };
  }
  return undefined;
}

/** `20260101T120000Z` */
export const runName = (now: Date): string => now.toISOString().replaceAll(/[-:]|\.\d+/g, "");

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
