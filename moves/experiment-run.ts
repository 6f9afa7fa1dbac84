import * as z from "zod";
import { decidedUpdateSchema } from "./decided-update.ts";
import { recordSchema } from "./record.ts";

/**
 * The results file of one run of an experiment: results/experiments/<experiment>/<run>.jsonl. Its first line is the head, each further line
 * one move that was made, or that could not be, or one update in which a policy decided. A figure that was not measured is absent, never zero.
 */

const perSecond = z.number().nonnegative();

/** What an experiment varies, by the factor's name: `{memoryMiB: 512, workload: "mysql", mode: "live"}`. */
const factorsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const runHeadSchema = z.object({
  schema: z.literal(1),
  kind: z.literal("experiment"),
  experiment: z.string().describe("the name of its file in experiments/"),
  run: z.string().describe("which run of it: when it began, as 20260101T120000Z"),
  title: z.string(),
  seed: z.int().nonnegative().describe("of the order's shuffling: the same seed gives the same order"),
  startedAt: z.iso.datetime().describe("UTC"),
  asked: z.json().describe("the experiment as its file and the command line asked for it"),
  cells: z.array(z.object({ id: z.string(), factors: factorsSchema })).min(1),
  repeats: z.int().positive().describe("of each cell, warm-up not counted"),
  conditions: z.object({
    controller: z.object({
      cpu: z.string(),
      cores: z.int().positive(),
      memoryMiB: z.int().positive(),
      kernel: z.string(),
    }),
    hosts: z.record(
      z.string(),
      z.object({
        accelerator: z.enum(["kvm", "tcg"]),
        nfsTransport: z.enum(["kernel", "userspace"]),
        cpuModel: z.string(),
        memoryMiB: z.int().positive(),
        qemu: z.string(),
        libvirt: z.string(),
        kernel: z.string(),
      }),
    ),
    versions: z.record(z.string(), z.string()).describe("of this project, Pulumi and Node"),
  }),
});

const place = {
  schema: z.literal(1),
  cell: z.string().describe("the id of one of the head's cells"),
  /** Counted from 1 in its cell; warm-up moves are numbered apart. */
  repeat: z.int().positive(),
  block: z.int().positive().describe("each block has every cell once, in an order of its own"),
  order: z.int().positive().describe("counted from 1 over the whole run"),
  version: z
    .string()
    .optional()
    .describe(
      "of this project, that made it: the commit, with a + where files were changed since; absent: made before lines had it",
    ),
  isWarmUp: z.boolean().optional().describe("made to get everything going, and left out of all figures"),
  isInterrupted: z
    .boolean()
    .optional()
    .describe("the run was interrupted in it: it is left out of all figures, and made again"),
};

/** What a guest's workload did, by its own count. */
export const progressSchema = z.object({
  unit: z.string().describe("what it counts, in the plural: queries, documents, MiB"),
  beforePerSecond: perSecond.describe("mean before the first action"),
  duringPerSecond: perSecond.describe("mean from the first action to the last"),
  slowestPerSecond: perSecond.describe("its slowest second, from the first action to the last"),
});

const moveLineSchema = z.object({
  ...place,
  kind: z.literal("move"),
  loadBefore: z
    .record(z.string(), z.number().nonnegative())
    .describe(
      "one-minute load average just before, by machine; the one that runs the experiment: controller",
    ),
  updateMs: z.number().nonnegative().optional().describe("the whole `pulumi up`, by the controller's clock"),
  progress: progressSchema.optional(),
  record: recordSchema,
});

/** A move that made no record: the update failed before it began. */
const failureLineSchema = z.object({
  ...place,
  kind: z.literal("failure"),
  at: z.iso.datetime(),
  error: z.string(),
});

/** An update in which a policy decided who moves. Its moves are lines of their own, of the same order. */
const updateLineSchema = z.object({
  ...place,
  kind: z.literal("update"),
  update: decidedUpdateSchema,
});

export const runLineSchema = z.discriminatedUnion("kind", [
  runHeadSchema,
  moveLineSchema,
  failureLineSchema,
  updateLineSchema,
]);

export type RunHead = z.infer<typeof runHeadSchema>;
export type MoveLine = z.infer<typeof moveLineSchema>;
export type FailureLine = z.infer<typeof failureLineSchema>;
export type UpdateLine = z.infer<typeof updateLineSchema>;
export type RunLine = z.infer<typeof runLineSchema>;
export type Factors = z.infer<typeof factorsSchema>;
