import { readFile } from "node:fs/promises";
import * as z from "zod";
import {
  type Factors,
  type FailureLine,
  type MoveLine,
  type RunHead,
  type RunLine,
  runLineSchema,
  type UpdateLine,
} from "../../moves/experiment-run.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { type MigrationRecord, recordSchema } from "../../moves/record.ts";

/**
 * What results files hold, together: those of stacks (records alone) and those of experiments' runs (a head, moves, failures). Every line
 * is kept or named among the problems; none is guessed at.
 */
export interface Dataset {
  sources: RecordFile[];
  moves: Move[];
  failures: Failure[];
  /** Updates in which a policy decided. */
  updates: PolicyUpdate[];
  problems: Problem[];
}

export interface RecordFile {
  file: string;
  /** Of an experiment's run. */
  head?: RunHead;
  /** Of the file's lines, moves that are counted. */
  moves: number;
}

/** A move that was made, and where it stands. */
export interface Move extends Omit<Partial<MoveLine>, "record" | "cell" | "kind" | "schema"> {
  /** Counted from 1 over all files; what a page and its tables call it. */
  number: number;
  file: string;
  line: number;
  record: MigrationRecord;
  /** `place`: which one of the head's cells it is, counted from 0. */
  cell?: { id: string; factors: Factors; place?: number };
  /** What does not add up in it: it is in no figure. */
  faults: string[];
}

export interface Failure extends FailureLine {
  file: string;
}

export interface PolicyUpdate extends UpdateLine {
  file: string;
}

interface Problem {
  file: string;
  /** Counted from 1; absent: of the file as a whole. */
  line?: number;
  problem: string;
}

/** The schema that this report reads, of records and of lines. */
const knownSchema = 1;

/**
 * Reads results files.
 *
 * @throws the file system's error when one cannot be read
 */
export async function readDataset(files: readonly string[]): Promise<Dataset> {
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, "utf8") })));
  return datasetOf(texts);
}

export function datasetOf(texts: readonly { file: string; text: string }[]): Dataset {
  const dataset: Dataset = { sources: [], moves: [], failures: [], updates: [], problems: [] };
  const files = texts.map(({ file, text }) => ({ file, lines: linesOf(text) }));
  const places = countedPlaces(files);
  for (const { file, lines } of files) {
    const source: RecordFile = { file, moves: 0 };
    dataset.sources.push(source);
    const problem = (line: number, what: string) => dataset.problems.push({ file, line, problem: what });
    for (const one of lines) {
      const { line, read } = one;
      if (typeof read === "string") problem(line, read);
      else if (read.kind === "experiment") {
        if (source.head) problem(line, "a second head in one file: the first counts");
        source.head ??= read;
      } else if (read.kind === "failure") dataset.failures.push({ ...read, file });
      else if (read.kind === "update") dataset.updates.push({ ...read, file });
      else {
        const { counted, place } = places.get(identityOf(read)) as Place;
        if (counted !== one) problem(line, `the move is in ${place} already: it counts once`);
        else {
          dataset.moves.push(moveOf(read, source, line, dataset.moves.length + 1));
          source.moves += 1;
        }
      }
    }
    if (lines.length === 0) dataset.problems.push({ file, problem: "it is empty" });
    const cells = new Map(source.head?.cells.map((cell, place) => [cell.id, { ...cell, place }]));
    for (const move of dataset.moves) {
      if (move.file !== file || move.cell === undefined) continue;
      const known = cells.get(move.cell.id);
      if (known) move.cell = known;
      else
        problem(move.line, `its cell ${move.cell.id} is not in the file's head: what it varied is not known`);
    }
  }
  return dataset;
}

/** A line that is not blank, with what it holds, or in a sentence why it is passed over. */
interface Line {
  /** Counted from 1. */
  line: number;
  read: ReturnType<typeof readLine>;
}

function linesOf(text: string): Line[] {
  const lines = text.split("\n");
  return lines.flatMap((raw, index) =>
    raw.trim() === "" ? [] : [{ line: index + 1, read: readLine(raw, index === lines.length - 1) }],
  );
}

interface Place {
  counted: Line;
  /** As a person finds it: its file and line. */
  place: string;
}

/**
 * Where each move counts: an experiment's run and its stack's file have the same records, but the run alone says of what cell they are, and which are
 * warm-up or disturbed. So its lines count, whichever file is read first; of several alike the first.
 */
function countedPlaces(files: readonly { file: string; lines: readonly Line[] }[]): Map<string, Place> {
  const places = new Map<string, Place & { isOfExperiment: boolean }>();
  for (const { file, lines } of files) {
    for (const counted of lines) {
      const { line, read } = counted;
      if (typeof read === "string" || read.kind !== "move") continue;
      const identity = identityOf(read);
      const isOfExperiment = read.cell !== undefined;
      const before = places.get(identity);
      if (!before || (isOfExperiment && !before.isOfExperiment)) {
        places.set(identity, { counted, place: `${file}:${line}`, isOfExperiment });
      }
    }
  }
  return places;
}

const identityOf = ({ record }: PlainMove): string => JSON.stringify(record);

type PlainMove = { kind: "move"; record: MigrationRecord } & Partial<MoveLine>;

/** What a line holds, or in a sentence why it is passed over. */
function readLine(raw: string, isLast: boolean): Exclude<RunLine, MoveLine> | PlainMove | string {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return isLast ? "it was never written to its end" : "it is not JSON";
  }
  if (typeof value !== "object" || value === null) return "it is no object";
  const { schema, kind } = value as { schema?: unknown; kind?: unknown };
  if (schema !== knownSchema) {
    const which = typeof schema === "number" ? `of schema ${schema}` : "of no schema that is said";
    return `it is ${which}; what is read here is schema ${knownSchema}`;
  }
  const problem = (error: z.ZodError): string => z.prettifyError(error).replaceAll(/\s+/g, " ");
  if (kind === undefined) {
    const { data: record, error } = recordSchema.safeParse(value);
    return error ? problem(error) : { kind: "move", record };
  }
  const { data: line, error } = runLineSchema.safeParse(value);
  return error ? problem(error) : line;
}

function moveOf(
  { record, cell, kind: _kind, schema: _schema, ...place }: PlainMove,
  { file }: RecordFile,
  line: number,
  number: number,
): Move {
  return {
    ...place,
    number,
    file,
    line,
    record,
    ...(cell !== undefined && { cell: { id: cell, factors: {} } }),
    faults: inconsistencies(record),
  };
}

/** The moves that figures and tests are made of: completed, whole, and neither warm-up nor disturbed. */
export const countedMoves = (dataset: Dataset): Move[] => undisturbed(dataset, "completed");

/** Those, as whole and undisturbed, that were put back where the guest was. */
export const rolledBackMoves = (dataset: Dataset): Move[] => undisturbed(dataset, "rolled-back");

const undisturbed = ({ moves }: Dataset, outcome: Move["record"]["outcome"]): Move[] =>
  moves.filter(
    ({ record, faults, isWarmUp, isInterrupted }) =>
      record.outcome === outcome && faults.length === 0 && !isWarmUp && !isInterrupted,
  );
