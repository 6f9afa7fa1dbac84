import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { readRecords, resultsFile } from "../../moves/results.ts";
import { subjectOf } from "./bench-stack.ts";
import { withEmptyStack } from "./empty-stack.ts";
import { loadNow } from "./machine.ts";
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
    let { guest, host, other } = await subjectOf(stack);
    for (let pair = 1; pair <= pairs; pair++) {
      const load = loadNow();
      const emptyPhase = async () =>
        (await pulumi(["up", ...empty.args, "--yes", "--skip-preview"], { env: empty.env })).wallMs;
      const before = pair % 2 === 0 ? await emptyPhase() : undefined;
      const move = await timedMove(stack, guest, other);
      [host, other] = [other, host];
      await onSample({ pair, ...move, emptyMs: before ?? (await emptyPhase()), load });
    }
  });
}

async function timedMove(stack: string, guest: string, to: string) {
  const startedMs = performance.now();
  await execa("npm", ["run", "-s", "move", "--", guest, to, "--stack", stack], {
    cwd: project,
    env: { NO_COLOR: "1" },
    stdin: "ignore",
  });
  const wallMs = performance.now() - startedMs;
  const { records } = await readRecords(join(project, resultsFile(stack)));
  const record = records.at(-1);
  if (
    record?.outcome !== "completed" ||
    record.to !== to ||
    Date.parse(record.startedAt) < Date.now() - wallMs
  )
    throw new Error(
      `npm run move did not move ${guest} to ${to}: the last record is ${JSON.stringify(record)}`,
    );
  const { beforehandMs = 0, waitedMs = 0, totalMs } = record;
  return { wallMs, engineMs: beforehandMs + waitedMs + totalMs };
}
