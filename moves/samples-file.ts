import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { MigrationRecord } from "./record.ts";
import { appendLine, json, resultsFile } from "./results.ts";
import { type MoveSamples, samplesSchema } from "./samples.ts";

/** `results/lab.samples.jsonl` of `results/lab.jsonl`, of an experiment's run likewise. */
export const samplesFileOf = (file: string): string => file.replace(/(\.jsonl)?$/, ".samples.jsonl");

/** Adds a move's to its stack's. @throws the file system's error */
export const keepSamples = (stack: string, samples: MoveSamples): Promise<void> =>
  appendLine(samplesFileOf(resultsFile(stack)), samples);

type Identity = Pick<MigrationRecord, "uuid" | "startedAt">;

/**
 * The series of some moves, of those that a file has; none, if there is no such file. What is no such line is passed over. A file may be large:
 * it is read line by line, and only what is wanted is kept.
 */
export async function readSamples(file: string, moves: readonly Identity[]): Promise<MoveSamples[]> {
  if (moves.length === 0) return [];
  const wanted = moves.map(({ startedAt }) => JSON.stringify(startedAt));
  const found: MoveSamples[] = [];
  const stream = createReadStream(file, "utf8");
  try {
    for await (const line of createInterface({ input: stream })) {
      if (!wanted.some((moment) => line.includes(moment))) continue;
      const { data } = samplesSchema.safeParse(json(line));
      if (data && moves.some((move) => isOf(move, data))) found.push(data);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return found;
}

/** Whether a series is that of a record. */
export const isOf = (move: Identity, { uuid, startedAt }: MoveSamples): boolean =>
  move.uuid === uuid && move.startedAt === startedAt;
