import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { type MigrationRecord, recordSchema } from "./record.ts";
import { soundRecord } from "./sound-record.ts";

/** Every record that a stack's migrations ever made, one JSON object a line, oldest first. */
export function resultsFile(stack: string, folder = "results"): string {
  return join(folder, `${stack}.jsonl`);
}

/**
 * Adds a record to a results file, as {@link appendLine} does.
 *
 * @throws UnsoundRecord, and writes nothing, when it does not fit its schema
 */
export const appendRecord = async (file: string, record: MigrationRecord): Promise<void> =>
  appendLine(file, soundRecord(record));

/**
 * Adds a line to a file of JSON lines. When the promise resolves it is on the disk; a crash before that leaves at most a torn last line,
 * which readers pass over and the next append closes. Several processes may append at the same time.
 *
 * @throws when JSON cannot say the value, and writes nothing
 */
export async function appendLine(file: string, value: object): Promise<void> {
  const said = JSON.stringify(value, sayable);
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, "a+");
  try {
    const { size } = await handle.stat();
    const isTorn = size > 0 && (await lastByte(handle, size)) !== "\n";
    // One write to a file opened for appending: lines of two processes do not mix.
    const line = Buffer.from(`${isTorn ? "\n" : ""}${said}\n`);
    const { bytesWritten } = await handle.write(line);
    if (bytesWritten < line.length) throw new Error(`no space for a line of results in ${file}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** JSON would silently write null for these. */
function sayable(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Error(`${key} is ${value}, which a results file cannot hold`);
  }
  if (value === undefined && Array.isArray(this)) {
    throw new Error(`an entry of a list (${key}) is absent, which a results file cannot hold`);
  }
  return value;
}

async function lastByte(handle: Awaited<ReturnType<typeof open>>, size: number): Promise<string> {
  const { buffer } = await handle.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer.toString();
}

/** A line that is no record, and why. */
export interface UnreadableLine {
  /** Counted from 1. */
  line: number;
  problem: string;
  /** The last line without its end: what a crash in the middle of an append leaves. */
  isTorn: boolean;
}

interface Results {
  records: MigrationRecord[];
  unreadable: UnreadableLine[];
}

/**
 * Reads a results file. A line that is no record is reported, not thrown: one bad line must not hide all others.
 *
 * @throws the file system's error when there is no such file
 */
export async function readRecords(file: string): Promise<Results> {
  return parseRecords(await readFile(file, "utf8"));
}

export function parseRecords(text: string): Results {
  const results: Results = { records: [], unreadable: [] };
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const value = json(line);
    const parsed = recordSchema.safeParse(value);
    if (parsed.success) results.records.push(parsed.data);
    else {
      const problem =
        value === undefined ? "it is not JSON" : z.prettifyError(parsed.error).replaceAll(/\s+/g, " ");
      results.unreadable.push({ line: index + 1, problem, isTorn: index === lines.length - 1 });
    }
  }
  return results;
}

/** So much of a results file's end is read for `latestRecords`: a record takes about 3 KiB. */
const tailBytes = 512 * 1024;

/** The last records of a results file, newest first; none, if there is no such file. */
export async function latestRecords(file: string, most = 100): Promise<MigrationRecord[]> {
  const { start, text } = await readFrom(file, (size) => Math.max(0, size - tailBytes));
  // What comes before the first end of a line there is a part of a record.
  const whole = start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  return parseRecords(whole).records.slice(-most).reverse();
}

/** Remembers where a results file ends. Returns what tells the records that were written since, oldest first, however many. */
export async function recordsSince(file: string): Promise<() => Promise<MigrationRecord[]>> {
  const { start } = await readFrom(file, (size) => size);
  return () => recordsFrom(file, start);
}

/** The records of a results file from some place on, oldest first; none, if there is no such file. */
export const recordsFrom = async (file: string, start = 0): Promise<MigrationRecord[]> =>
  parseRecords((await readFrom(file, () => start)).text).records;

/** A file from some place on, by its size; one that is not there is empty. */
async function readFrom(
  file: string,
  startOf: (size: number) => number,
): Promise<{ start: number; text: string }> {
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!handle) return { start: 0, text: "" };
  try {
    const { size } = await handle.stat();
    const start = startOf(size);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - start), position: start });
    return { start, text: buffer.toString("utf8", 0, bytesRead) };
  } finally {
    await handle.close();
  }
}

/**
 * What fits a schema of the lines of a file, oldest first; nothing, if there is no such file. Other lines are passed over: a crash may leave
 * a torn one.
 */
export async function readLines<T>(file: string, schema: z.ZodType<T>): Promise<T[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return text.split("\n").flatMap((line) => schema.safeParse(json(line)).data ?? []);
}

/** What a text says as JSON. Undefined: it is none. */
export function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What a stack has beside its moves: `lab.decisions.jsonl`, and so on. */
const others = /\.(decisions|failovers|keep|power|samples)\.jsonl$/;

/** The stacks that have moves. */
export async function stacksWithResults(folder = "results"): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .flatMap((name) => (name.endsWith(".jsonl") && !others.test(name) ? name.slice(0, -".jsonl".length) : []))
    .sort();
}
