import * as z from "zod";
import { latencySchema } from "./latency.ts";

/**
 * What was seen of a move again and again while it went on: results/<stack>.samples.jsonl, a line for each move that was sampled, beside the
 * file of its record. Times are milliseconds since the record's `startedAt`, on the clock of its phases; what came before is negative. Counters
 * only grow: a rate is the difference of two. What was not measured is absent, never zero.
 */

const growing = z.number().nonnegative();
const atMs = z.number();

/** What a host told at a moment. */
export const countersSchema = z.object({
  atMs,
  hostCpuMs: growing.optional().describe("what all its CPUs were busy"),
  sentBytes: growing
    .optional()
    .describe("by the interface that leads to the other host, whoever's they were"),
  receivedBytes: growing.optional().describe("by the same"),
  qemuCpuMs: growing.optional().describe("of the guest's QEMU; absent: it did not run there"),
  vcpuMs: z.array(growing).optional().describe("of each virtual CPU's thread of it"),
  energyJ: growing.optional().describe("what the CPUs' packages drew (RAPL); absent: they do not say"),
});

export const samplesSchema = z.object({
  schema: z.literal(1),
  uuid: z.uuid(),
  startedAt: z.iso.datetime().describe("as in the move's record: with uuid what tells it from all others"),
  guest: z.string(),
  intervalMs: z.number().positive().describe("how often hosts were looked at"),
  stop: z
    .object({ stoppedMs: atMs, resumedMs: atMs })
    .optional()
    .describe("when the guest's CPUs stopped and ran again; absent: they did not stop, or nobody heard both"),
  source: z.array(countersSchema),
  destination: z.array(countersSchema),
  work: z
    .object({
      unit: z.string().describe("what the guest's workload counts, in the plural"),
      done: z.array(z.object({ atMs, operations: growing.describe("in all, since the first") })),
    })
    .optional()
    .describe("of the guest's workload; absent: it has none, or nobody could read its log"),
  latency: z
    .object({
      prober: z.string().describe("machine that asked"),
      probeIntervalMs: z.number().positive().describe("how often"),
      seconds: z.array(
        latencySchema.extend({
          startMs: atMs,
          endMs: atMs.describe(
            "a tenth of a second beside a whole one: the prober tells so often what it sent",
          ),
        }),
      ),
    })
    .optional()
    .describe(
      "how long a client waited for the guest's answers, by when it asked; absent: there was no prober, or it heard nothing",
    ),
  throttle: z
    .array(z.object({ atMs, percent: z.number().min(0).max(100) }))
    .min(1)
    .optional()
    .describe("of the guest's CPUs, by auto-converge, when libvirt was asked; absent: none"),
});

export type Counters = z.infer<typeof countersSchema>;
export type MoveSamples = z.infer<typeof samplesSchema>;
