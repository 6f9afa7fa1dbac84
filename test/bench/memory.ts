import * as z from "zod";
import { subjectOf } from "./bench-stack.ts";
import { withEmptyStack } from "./empty-stack.ts";
import { type MemorySample, memorySampleSchema, watchMemory } from "./process-memory.ts";
import { pulumi, type RunOptions } from "./pulumi.ts";

export const memorySchema = z.object({
  move: z.array(memorySampleSchema).describe("while `up` moves the guest there, and back"),
  emptyStack: z.array(memorySampleSchema).describe("in `up` of a stack that declares nothing"),
});
export type Memory = z.infer<typeof memorySchema>;

/** Peak memory of Pulumi and its processes, in a move and in an update of an empty stack. */
export async function measureMemory(stack: string): Promise<Memory> {
  const { guest, host, other } = await subjectOf(stack);
  const move = await watched(async (run) => {
    for (const to of [other, host]) {
      await pulumi(["config", "set", "--stack", stack, "--path", `testbed:placement.${guest}`, to]);
      await run(["up", "--stack", stack, "--yes"]);
    }
  });
  const emptyStack = await withEmptyStack(({ args, env }) =>
    watched(async (run) => {
      await run(["up", ...args, "--yes"], { env });
    }),
  );
  return { move, emptyStack };
}

/** Watches what is run, and all that it starts. */
async function watched(
  action: (run: (args: readonly string[], options?: RunOptions) => Promise<void>) => Promise<void>,
): Promise<MemorySample[]> {
  let cli: number | undefined;
  const watch = watchMemory(() => cli);
  try {
    await action(async (args, options) => {
      await pulumi(args, {
        ...options,
        onStart: (pid) => {
          cli = pid;
        },
      });
      cli = undefined;
    });
  } finally {
    await watch.stop();
  }
  return watch.stop();
}
