import * as z from "zod";
import { criticalPath, type Leg } from "./critical-path.ts";
import { partOf, partTimes } from "./lab-parts.ts";
import { loadNow } from "./machine.ts";
import { type Span, stateOf, timedUpdate } from "./pulumi.ts";

const legSchema = z.object({
  name: z.string(),
  type: z.string(),
  part: z.string(),
  waitMs: z.number().describe("from when all it waits for was there to the beginning of its turn"),
  tookMs: z.number(),
  endMs: z.number(),
});

export const labSampleSchema = z.object({
  upMs: z.number().describe("the whole of `pulumi up --skip-preview`"),
  reachableMs: z.number().describe("from its start until every guest could be logged in to"),
  destroyMs: z.number().optional(),
  parts: z.array(
    z.object({
      part: z.string(),
      resources: z.int(),
      startMs: z.number(),
      endMs: z.number(),
      longestMs: z.number(),
    }),
  ),
  criticalPath: z.array(legSchema).describe("to the last guest that could be logged in to"),
  spans: z.array(
    z.object({ name: z.string(), type: z.string(), op: z.string(), startMs: z.number(), endMs: z.number() }),
  ),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type LabSample = z.infer<typeof labSampleSchema>;

/** Brings a stack up that has nothing yet. */
export async function measureUp(stack: string): Promise<LabSample> {
  const load = loadNow();
  const { wallMs, spans } = await timedUpdate(["up", "--stack", stack]);
  const last = spans.filter(isReachable).reduce((a, b) => (a.endMs >= b.endMs ? a : b));
  return {
    upMs: wallMs,
    reachableMs: last.endMs,
    parts: partTimes(spans),
    criticalPath: criticalPath(spans, await stateOf(stack), last).map(described),
    spans: spans.map(({ name, type, op, startMs, endMs }) => ({ name, type, op, startMs, endMs })),
    load,
  };
}

/** The resource that ends when a guest answers over SSH. */
const isReachable = ({ name, type }: Span): boolean =>
  type === "command:local:Command" && name.endsWith("-ready");

const described = ({ name, type, freeMs, startMs, endMs }: Leg): z.infer<typeof legSchema> => ({
  name,
  type,
  part: partOf({ name, type }),
  waitMs: startMs - freeMs,
  tookMs: endMs - startMs,
  endMs,
});
