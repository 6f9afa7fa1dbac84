import * as z from "zod";
import { withEmptyStack } from "./empty-stack.ts";
import { loadNow } from "./machine.ts";
import { pulumi, refuseChange } from "./pulumi.ts";

export const noChangeSampleSchema = z.object({
  pair: z.int().positive(),
  testbedMs: z.number(),
  emptyMs: z.number().describe("`up` of a TypeScript stack that declares nothing, on the same CLI and Node"),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type NoChangeSample = z.infer<typeof noChangeSampleSchema>;

/** `pulumi up` when nothing has changed, against that of an empty stack, in turns. */
export function measureNoChange(
  stack: string,
  pairs: number,
  onSample: (sample: NoChangeSample) => Promise<void>,
): Promise<void> {
  return withEmptyStack(async (empty) => {
    const measured = {
      testbedMs: () => unchangedUp(["--stack", stack]),
      emptyMs: () => unchangedUp(empty.args, empty.env),
    };
    for (let pair = 1; pair <= pairs; pair++) {
      const order =
        pair % 2 === 1 ? (["testbedMs", "emptyMs"] as const) : (["emptyMs", "testbedMs"] as const);
      const sample: NoChangeSample = { pair, testbedMs: 0, emptyMs: 0, load: loadNow() };
      for (const which of order) sample[which] = await measured[which]();
      await onSample(sample);
    }
  });
}

async function unchangedUp(args: readonly string[], env?: Record<string, string>): Promise<number> {
  const { wallMs, stdout } = await pulumi(["up", "--yes", ...args], { env });
  refuseChange(stdout);
  return wallMs;
}
