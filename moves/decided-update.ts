import * as z from "zod";
import { failoverRecordSchema } from "./failover-record.ts";
import { powerRecordSchema } from "./power-record.ts";

const name = z.string().min(1);
const cpus = z.number().nonnegative();
const share = z.number().nonnegative();

const hostStateSchema = z.strictObject({
  state: z.enum(["on", "off", "lost"]),
  guests: z.array(name).describe("those that ran there"),
  guestCpus: cpus.optional().describe("CPUs that its guests kept busy, mean of the host's samples"),
  ownCpus: cpus.optional().describe("CPUs that it kept busy itself, without its guests"),
});

/** What a policy decided for one update, and what came of it. Times are of the machine that ran the update. */
export const decidedUpdateSchema = z.strictObject({
  at: z.iso.datetime().describe("when it was begun: UTC"),
  updateMs: z.number().nonnegative().describe("the whole `pulumi up`"),
  seconds: z
    .strictObject({ before: z.number().nonnegative(), after: z.number().nonnegative() })
    .describe("how long was looked at before the update, and after it"),
  policy: z.string(),
  decision: z.iso.datetime().optional().describe("when it was decided; absent: nothing was to be moved"),
  imbalance: z
    .strictObject({ before: share, after: share })
    .describe("as the policy reckoned it: weighted mean of the standard deviations of hosts' shares"),
  decided: z
    .array(z.strictObject({ guest: name, from: name, to: name, reason: z.string() }))
    .describe("guests that were to move, in their order"),
  left: z.array(z.string()).describe("guests and hosts that were left as they were, and why"),
  hosts: z.record(
    name,
    z.strictObject({
      cpus: cpus
        .optional()
        .describe("what it may keep busy; absent: it is not held to less than its machine has"),
      before: hostStateSchema,
      after: hostStateSchema,
      predictedCpu: share.optional().describe("share of its CPUs that was to be busy after the update"),
    }),
  ),
  guests: z.record(
    name,
    z.strictObject({
      from: name,
      to: name,
      unit: z.string().optional().describe("what its workload counts; absent: it idles, or did not count"),
      beforePerSecond: z.number().nonnegative().optional(),
      afterPerSecond: z.number().nonnegative().optional(),
    }),
  ),
  watts: z
    .strictObject({
      from: z.literal("declared"),
      beforeW: z.number().nonnegative(),
      afterW: z.number().nonnegative(),
    })
    .optional()
    .describe("of all hosts that are on; absent: not declared of each, or none was switched"),
  lost: z
    .strictObject({ host: name, at: z.iso.datetime() })
    .optional()
    .describe("the host whose power was cut before the update, and when"),
  failovers: z.array(failoverRecordSchema).describe("guests of it that were started elsewhere"),
  switched: z.array(powerRecordSchema).describe("hosts that were switched off or on"),
});

export type DecidedUpdate = z.infer<typeof decidedUpdateSchema>;
export type HostState = z.infer<typeof hostStateSchema>;
