import * as z from "zod";

const name = z.string().min(1);
const mib = z.int().positive();
const amount = z.number().nonnegative();

const rule = { name, isFirm: z.boolean(), guests: z.array(name).min(1) };

/** A cluster as JSON says it: the fields of cluster.ts, and no others, so that one that is misspelt is not passed over. */
export const clusterSchema = z.strictObject({
  hosts: z
    .array(
      z.strictObject({
        name,
        memoryMiB: mib.optional(),
        reserveMiB: z.int().nonnegative().optional(),
        cpus: z.number().positive().optional(),
        reserveVcpus: amount.optional(),
        busyCpus: amount.optional(),
        isDrained: z.boolean().default(false),
        idleWatts: amount.optional(),
      }),
    )
    .min(1),
  guests: z.array(
    z.strictObject({
      name,
      host: name,
      memoryMiB: mib,
      vcpus: z.int().positive().optional(),
      busyCpus: amount.optional(),
      isPinned: z.boolean().optional(),
      move: z.strictObject({ totalMs: amount, downtimeMs: amount, converges: z.boolean() }).optional(),
    }),
  ),
  rules: z
    .array(
      z.discriminatedUnion("kind", [
        z.strictObject({ ...rule, kind: z.literal("apart") }),
        z.strictObject({ ...rule, kind: z.literal("together") }),
        z.strictObject({ ...rule, kind: z.literal("on"), hosts: z.array(name).min(1) }),
      ]),
    )
    .optional(),
  spare: z.union([z.literal(0), z.literal(1)]).optional(),
});
