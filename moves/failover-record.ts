import { join } from "node:path";
import * as z from "zod";
import { appendLine, readLines } from "./results.ts";

const name = z.string().min(1);
const ms = z.number().nonnegative();

/** How long a guest of a lost host was away, by parts, as far as it is known. */
export const failoverRecordSchema = z.strictObject({
  schema: z.literal(1),
  guest: name,
  from: name,
  to: name,
  /** How it is known that the lost host can write to no disk. */
  proof: z.string(),
  /** When that was looked for: ISO 8601, UTC. */
  at: z.iso.datetime(),
  /** From that to the proof. */
  fencingMs: ms,
  /** From the proof to the start of the guest's QEMU. Absent: that is not known. */
  bootMs: ms.optional(),
  /** From there to the first login over SSH. Absent: that is not known. */
  firstAnswerMs: ms.optional(),
});

export type FailoverRecord = z.infer<typeof failoverRecordSchema>;

export const failoverFile = (stack: string, folder = "results"): string =>
  join(folder, `${stack}.failovers.jsonl`);

/** @throws when it does not fit its schema, and writes nothing */
export const appendFailoverRecord = async (file: string, record: FailoverRecord): Promise<void> =>
  appendLine(file, failoverRecordSchema.parse(record));

/** Oldest first, as {@link readLines} has them. */
export const readFailoverRecords = (file: string): Promise<FailoverRecord[]> =>
  readLines(file, failoverRecordSchema);
