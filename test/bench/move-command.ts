import { execa } from "execa";
import * as z from "zod";
import { type Subject, subjectOf } from "./bench-stack.ts";
import { withEmptyStack } from "./empty-stack.ts";
import { loadNow } from "./machine.ts";
import { lastMove } from "./moves.ts";
import { project, pulumi } from "./pulumi.ts";

// What a move by `npm run move` takes beside the move: a person waits for that, too.

export const moveCommandSampleSchema = z.object({
  pair: z.int().positive(),
  wallMs: z.number().describe("the whole of `npm run move`"),
  engineMs: z.number().describe("of it: its record's beforehandMs, waitedMs and totalMs"),
  emptyMs: z.number().describe("`up --skip-preview`, one phase, of an empty TypeScript stack"),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type MoveCommandSample = z.infer<typeof moveCommandSampleSchema>;

/** Moves the stack's guest to and fro by `npm run move`, in turns with one phase of an empty stack. */
export function measureMoveCommand(
  stack: string,
  pairs: number,
  onSample: (sample: MoveCommandSample) => Promise<void>,
): Promise<void> {
  return withEmptyStack(async (empty) => {
    const subject = await subjectOf(stack);
    let { host: from, other: to } = subject;
    const emptyPhase = async () =>
      (await pulumi(["up", ...empty.args, "--yes", "--skip-preview"], { env: empty.env })).wallMs;
    for (let pair = 1; pair <= pairs; pair++) {
      const load = loadNow();
      const before = pair % 2 === 0 ? await emptyPhase() : undefined;
      const wallMs = await timedMove(subject, to);
      const { beforehandMs = 0, waitedMs = 0, totalMs } = await lastMove(subject, from, to);
      const engineMs = beforehandMs + waitedMs + totalMs;
      await onSample({ pair, wallMs, engineMs, emptyMs: before ?? (await emptyPhase()), load });
      [from, to] = [to, from];
    }
  });
}

async function timedMove({ stack, guest }: Pick<Subject, "stack" | "guest">, to: string): Promise<number> {
  const startedMs = performance.now();
  await execa("npm", ["run", "-s", "move", "--", guest, to, "--stack", stack], {
    cwd: project,
    env: { NO_COLOR: "1" },
    stdin: "ignore",
  });
  return performance.now() - startedMs;
}
