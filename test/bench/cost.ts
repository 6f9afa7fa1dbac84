import * as z from "zod";
import { subjectOf } from "./bench-stack.ts";
import { drawn } from "./drawn.ts";
import { withEmptyStack } from "./empty-stack.ts";
import { pulumi } from "./pulumi.ts";
import { watchedRun, watchedRunSchema } from "./watched-run.ts";

export const costSchema = z.object({
  unchanged: watchedRunSchema.describe("`up` of the stack with nothing changed"),
  move: watchedRunSchema.describe("`up` with one live move"),
  emptyStack: watchedRunSchema.describe("`up` of a stack that declares nothing"),
});
export type Cost = z.infer<typeof costSchema>;

/** What an update starts and takes, one of each: not timed beside others, as counting takes its part. */
export async function measureCost(stack: string): Promise<Cost> {
  const { guest, host, other } = await subjectOf(stack);
  const up = (isUnchanged = false) => watchedRun(["up", "--stack", stack, "--yes"], { isUnchanged });
  const place = (at: string) =>
    pulumi(["config", "set", "--stack", stack, "--path", `testbed:placement.${guest}`, at]);
  const unchanged = await up(true);
  await place(other);
  const move = await up();
  await place(host);
  await up();
  const emptyStack = await withEmptyStack(({ args, env }) => watchedRun(["up", ...args, "--yes"], { env }));
  return { unchanged, move, emptyStack };
}

export function costTable({ unchanged, move, emptyStack }: Cost): string {
  const rows = Object.entries({
    "up unchanged": unchanged,
    "up with a move": move,
    "empty stack": emptyStack,
  });
  return [
    "What an update takes and starts, its preview included",
    drawn(
      ["", "wall s", "CPU s", "peak MiB", "ssh processes", "connections", "scripts on hosts"],
      rows.map(([name, { wallMs, cpuMs, peakMiB, sshProcesses, connections, commands }]) => [
        name,
        ...[wallMs, cpuMs].map((ms) => (ms / 1000).toFixed(1)),
        ...[peakMiB, sshProcesses, connections, commands].map((count) => count.toFixed(0)),
      ]),
    ),
  ].join("\n");
}
