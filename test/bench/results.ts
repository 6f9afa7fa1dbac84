import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { costSchema } from "./cost.ts";
import { labSampleSchema } from "./lab-cycle.ts";
import { machineSchema, versionsSchema } from "./machine.ts";
import { memorySchema } from "./memory.ts";
import { moveCommandSampleSchema } from "./move-command.ts";
import { moveSampleSchema } from "./moves.ts";
import { noChangeSampleSchema } from "./no-change.ts";
import { plannerSchema } from "./planner.ts";
import { project } from "./pulumi.ts";
import { scaleSampleSchema } from "./scale.ts";
import { severalSampleSchema } from "./several.ts";
import { armSampleSchema } from "./with-without.ts";

/** What a run measured: raw samples, from which every table is made. Times are milliseconds. */
export const benchResultsSchema = z.object({
  schema: z.literal(1),
  startedAt: z.iso.datetime().describe("UTC"),
  machine: machineSchema,
  versions: versionsSchema,
  conditions: z
    .object({
      stack: z.string(),
      guest: z.string(),
      hosts: z.array(z.string()),
      options: z.json(),
      conditions: z.json().describe("memory, workload, accelerator, way to the storage"),
    })
    .optional(),
  lab: z.array(labSampleSchema).optional(),
  noChange: z.array(noChangeSampleSchema).optional(),
  cost: costSchema.optional(),
  moves: z.array(moveSampleSchema).optional(),
  command: z.array(moveCommandSampleSchema).optional(),
  prober: z.array(armSampleSchema).optional(),
  sampling: z.array(armSampleSchema).optional(),
  several: z.array(severalSampleSchema).optional(),
  memory: memorySchema.optional(),
  planner: plannerSchema.optional(),
  scale: z.array(scaleSampleSchema).optional(),
});
export type BenchResults = z.infer<typeof benchResultsSchema>;

/** Such as results/bench-2026-03-01T12-00-00Z.json. */
export const resultsPath = ({ startedAt }: Pick<BenchResults, "startedAt">): string =>
  join(project, "results", `bench-${startedAt.replace(/\.\d+/, "").replaceAll(":", "-")}.json`);

/** Writes the file whole or not at all; called after every sample, so that a run that breaks off keeps what it has. */
export async function writeResults(results: BenchResults): Promise<string> {
  const path = resultsPath(results);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(benchResultsSchema.parse(results), null, 2)}\n`);
  await rename(`${path}.new`, path);
  return path;
}
