import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configReference } from "./reference.ts";
import { stackFileSchema } from "./schema.ts";

/**
 * `npm run schema`: writes what is made from the config's schema, stacks/stack.schema.json and docs/config.md's reference.
 * A test fails when they are not in step.
 */

const project = join(import.meta.dirname, "..");
export const schemaFile = join(project, "stacks", "stack.schema.json");
export const referenceFile = join(project, "docs", "config.md");

const [begin, end] = ["<!-- made by npm run schema -->", "<!-- until here -->"];

export function schemaText(): string {
  return `${JSON.stringify(stackFileSchema(), null, 2)}\n`;
}

/** The page with a new reference; what people wrote around it stays. */
export function withReference(page: string): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${referenceFile} has lost the marks "${begin}" and "${end}"`);
  return `${before}${begin}\n\n${configReference()}\n\n${end}${after}`;
}

if (import.meta.main) {
  await writeFile(schemaFile, schemaText());
  await writeFile(referenceFile, withReference(await readFile(referenceFile, "utf8")));
}
