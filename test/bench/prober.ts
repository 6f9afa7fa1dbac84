import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { migrate } from "../../migration/migrate.ts";
import { recordSchema } from "../../moves/record.ts";
import { subjectOf } from "./bench-stack.ts";
import { loadNow } from "./machine.ts";
import { leaveAt, pauseMs } from "./moves.ts";

export const proberSampleSchema = z.object({
  arm: z.enum(["with", "without"]),
  pair: z.int().positive(),
  record: recordSchema,
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type ProberSample = z.infer<typeof proberSampleSchema>;

/** The engine's moves with a prober and without one, in pairs in which the other one begins each time: each arm goes in both directions. */
export async function measureProber(
  stack: string,
  pairs: number,
  onSample: (sample: ProberSample) => Promise<void>,
): Promise<void> {
  const subject = await subjectOf(stack);
  let { host: from, other: to } = subject;
  for (let pair = 1; pair <= pairs; pair++) {
    for (const arm of pair % 2 === 1 ? (["with", "without"] as const) : (["without", "with"] as const)) {
      await sleep(pauseMs);
      const load = loadNow();
      const { probeIntervalMs: _, ...options } = subject.options;
      const asked = {
        ...subject,
        to,
        options: arm === "with" ? options : { ...options, probeIntervalMs: 0 },
      };
      const { records } = await migrate(asked, () => {});
      await onSample({ arm, pair, record: recordSchema.parse(records[0]), load });
      [from, to] = [to, from];
    }
  }
  await leaveAt(subject, from);
}
