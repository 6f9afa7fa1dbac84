import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { migrate } from "../../migration/migrate.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import { type MigrationRecord, recordSchema } from "../../moves/record.ts";
import { subjectOf } from "./bench-stack.ts";
import { loadNow } from "./machine.ts";
import { leaveAt, pauseMs } from "./moves.ts";
import { type Comparison, compare, type Pair } from "./statistics.ts";

/** A move with something that looks at it, or the same move without. */
export const armSampleSchema = z.object({
  arm: z.enum(["with", "without"]),
  pair: z.int().positive(),
  record: recordSchema,
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type ArmSample = z.infer<typeof armSampleSchema>;

/**
 * The engine's moves with something and without it, in pairs in which the other one begins each time: each arm goes in both directions.
 *
 * @param optionsOf a move's options in each arm, made of those of the stack
 */
export async function measureArms(
  stack: string,
  pairs: number,
  optionsOf: (arm: ArmSample["arm"], options: MigrationOptions) => MigrationOptions,
  onSample: (sample: ArmSample) => Promise<void>,
): Promise<void> {
  const subject = await subjectOf(stack);
  let { host: from, other: to } = subject;
  for (let pair = 1; pair <= pairs; pair++) {
    for (const arm of pair % 2 === 1 ? (["with", "without"] as const) : (["without", "with"] as const)) {
      await sleep(pauseMs);
      const load = loadNow();
      const asked = { ...subject, to, options: optionsOf(arm, subject.options) };
      const { records, samples } = await migrate(asked, () => {});
      await samples;
      await onSample({ arm, pair, record: recordSchema.parse(records[0]), load });
      [from, to] = [to, from];
    }
  }
  await leaveAt(subject, from);
}

/** Pairs of which both moves were made: a run that broke off may have half a pair at its end. */
const pairsOf = (samples: readonly ArmSample[]) =>
  [...Map.groupBy(samples, ({ pair }) => pair).values()].flatMap((members) => {
    const arm = (name: ArmSample["arm"]) => members.find((member) => member.arm === name)?.record;
    const [ours, reference] = [arm("with"), arm("without")];
    return ours && reference ? [{ ours, reference }] : [];
  });

/** A figure of the moves with it against those without, pair by pair; a pair in which one has it not is left out. */
export const comparedArms = (
  samples: readonly ArmSample[],
  of: (record: MigrationRecord) => number | undefined,
): Comparison =>
  compare(
    pairsOf(samples).flatMap((pair): Pair[] => {
      const [ours, reference] = [of(pair.ours), of(pair.reference)];
      return ours === undefined || reference === undefined ? [] : [{ ours, reference }];
    }),
  );
