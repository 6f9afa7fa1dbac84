import { subjectOf } from "./bench-stack.ts";
import { type MemorySample, watchMemory } from "./process-memory.ts";
import { pulumi } from "./pulumi.ts";

/** Peak memory of Pulumi and its processes while `up` moves the guest there, and back. */
export async function measureMemory(stack: string): Promise<MemorySample[]> {
  const { guest, host, other } = await subjectOf(stack);
  let cli: number | undefined;
  const watch = watchMemory(() => cli);
  try {
    for (const to of [other, host]) {
      await pulumi(["config", "set", "--stack", stack, "--path", `testbed:placement.${guest}`, to]);
      await pulumi(["up", "--stack", stack, "--yes"], {
        onStart: (pid) => {
          cli = pid;
        },
      });
    }
  } finally {
    cli = undefined;
  }
  return watch.stop();
}
