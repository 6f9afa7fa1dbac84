import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { json } from "../../moves/results.ts";
import { inputsSchema, type PlacementDecision } from "../../placement/decision.ts";

/** What a preview decided is kept here until an update does it. */
const decisionFile = (stack: string): string => join(".testbed", stack, "decision.json");

/** The last decisions that moved guests, one JSON object a line, oldest first. */
export const decisionsFile = (stack: string): string => join("results", `${stack}.decisions.jsonl`);

const mostKept = 20;

/** The outcome follows from the inputs; whether it is still the same is seen by deciding again. */
const decisionSchema = z.object({
  schema: z.literal(1),
  at: z.iso.datetime(),
  digest: z.string(),
  inputs: inputsSchema,
  outcome: z.custom<PlacementDecision["outcome"]>(
    (value) => z.looseObject({ isFeasible: z.boolean() }).safeParse(value).success,
  ),
});

/** Undefined: no preview left one, or it is of another version of this program. */
export async function readDecision(stack: string): Promise<PlacementDecision | undefined> {
  const text = await readFile(decisionFile(stack), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  return decisionSchema.safeParse(json(text)).data;
}

export const writeDecision = (stack: string, decision: PlacementDecision): Promise<void> =>
  replace(decisionFile(stack), `${JSON.stringify(decision, null, 2)}\n`);

/** An update does it: the next preview looks afresh. One that moves a guest is kept among the last ones. */
export async function takeDecision(stack: string, decision: PlacementDecision): Promise<void> {
  const { outcome } = decision;
  if (outcome.isFeasible && outcome.moves.length > 0) {
    const file = decisionsFile(stack);
    const before = await readFile(file, "utf8").catch(() => "");
    const lines = [...before.split("\n").filter(Boolean), JSON.stringify(decision)];
    await replace(file, `${lines.slice(-mostKept).join("\n")}\n`);
  }
  await rm(decisionFile(stack), { force: true });
}

/** Whole or not at all, whenever this process ends. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
