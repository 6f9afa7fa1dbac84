import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { json } from "../../moves/results.ts";
import { inputsSchema, type PlacementDecision } from "../../placement/decision.ts";

/** What was decided is kept here until it is done, or a preview decides anew. */
const decisionFile = (stack: string): string => join(".testbed", stack, "decision.json");

/** The last decisions that moved guests, one JSON object a line, oldest first. */
const decisionsFile = (stack: string): string => join("results", `${stack}.decisions.jsonl`);

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
  isBegun: z.boolean().default(false),
});

/** A decision, and whether an update has begun with it: perhaps with a part alone. */
interface KeptDecision {
  decision: PlacementDecision;
  isBegun: boolean;
}

/** Undefined: there is none, or it is of another version of this program. */
export async function readDecision(stack: string): Promise<KeptDecision | undefined> {
  const text = await readFile(decisionFile(stack), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { isBegun, ...decision } = decisionSchema.safeParse(json(text)).data ?? {};
  return "at" in decision ? { decision, isBegun: isBegun ?? false } : undefined;
}

export const writeDecision = (stack: string, decision: PlacementDecision): Promise<void> =>
  replace(decisionFile(stack), `${JSON.stringify(decision, null, 2)}\n`);

/**
 * An update does it. One that moves a guest is kept among the last ones, and stays for the next update: an update with targets does a part
 * of it, and can't tell.
 */
export async function takeDecision(stack: string, decision: PlacementDecision): Promise<void> {
  const { outcome } = decision;
  if (!outcome.isFeasible || outcome.moves.length === 0) return rm(decisionFile(stack), { force: true });
  const file = decisionsFile(stack);
  const before = await readFile(file, "utf8").catch(() => "");
  const line = JSON.stringify(decision);
  const others = before.split("\n").filter((other) => other !== "" && other !== line);
  await replace(file, `${[...others, line].slice(-mostKept).join("\n")}\n`);
  await replace(decisionFile(stack), `${JSON.stringify({ ...decision, isBegun: true }, null, 2)}\n`);
}

/** Whole or not at all, whenever this process ends. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
