import { join } from "node:path";
import * as z from "zod";
import { appendLine, readLines } from "./results.ts";

const name = z.string().min(1);
const amount = z.number().nonnegative();

/** What is drawn, and how that is known. One kind says nothing of another, and none is added to another. */
const wattsSchema = z.union([
  z
    .strictObject({ from: z.literal("declared"), beforeW: amount, afterW: amount })
    .describe("of all hosts that are on, by what is declared of them and how busy they are"),
  z.strictObject({ from: z.literal("rapl"), beforeW: amount }).describe("of this host's CPU packages alone"),
  z
    .strictObject({ from: z.literal("bmc"), beforeW: amount })
    .describe("of this host, whole, as its meter says, right before it goes off"),
  z
    .strictObject({ from: z.literal("bmc"), afterW: amount })
    .describe("the same, after it was switched on and answers"),
]);

/** A host that was switched, and what that cost and gave. */
export const powerRecordSchema = z.strictObject({
  schema: z.literal(1),
  host: name,
  did: z.enum(["off", "on"]),
  /** When it was done: ISO 8601, UTC. */
  at: z.iso.datetime(),
  /** From the first look at it to that. */
  tookMs: amount,
  reason: z.string().optional(),
  /** When its policy decided that. */
  decision: z.iso.datetime().optional(),
  /** What emptied it, oldest first. Absent: it was switched on, and guests come after that. */
  moves: z
    .array(z.strictObject({ guest: name, to: name, totalMs: amount, downtimeMs: amount.optional() }))
    .optional(),
  /** Empty: nothing is known. */
  watts: z.array(wattsSchema),
});

export type PowerRecord = z.infer<typeof powerRecordSchema>;
export type Watts = z.infer<typeof wattsSchema>;

export const powerFile = (stack: string, folder = "results"): string => join(folder, `${stack}.power.jsonl`);

/** @throws when it does not fit its schema, and writes nothing */
export const appendPowerRecord = async (file: string, record: PowerRecord): Promise<void> =>
  appendLine(file, powerRecordSchema.parse(record));

/** Oldest first, as {@link readLines} has them. */
export const readPowerRecords = (file: string): Promise<PowerRecord[]> => readLines(file, powerRecordSchema);
