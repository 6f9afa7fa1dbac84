import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { experimentSchema } from "../experiments/experiment.ts";
import { configReference } from "../stacks/reference.ts";
import { editorSchema, stackFileSchema } from "../stacks/schema.ts";

/**
 * `npm run schema`: writes what is made from the schemas of stacks' config and of experiments: one for editors beside each, and
 * docs/config.md's reference. A test fails when they are not in step.
 */

const project = join(import.meta.dirname, "..");
export const referenceFile = join(project, "docs", "config.md");

const [begin, end] = ["<!-- made by npm run schema -->", "<!-- until here -->"];

const text = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;

/** The schemas for editors, by their files. */
export const schemaFiles = (): Record<string, string> => ({
  [join(project, "stacks", "stack.schema.json")]: text(stackFileSchema()),
  [join(project, "experiments", "experiment.schema.json")]: text({
    title: "Experiment of kvm-migration-testbed",
    ...editorSchema(experimentSchema),
  }),
});

/** The page with a new reference; what people wrote around it stays. */
export function withReference(page: string): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${referenceFile} has lost the marks "${begin}" and "${end}"`);
  return `${before}${begin}\n\n${configReference()}\n\n${end}${after}`;
}

if (import.meta.main) {
  for (const [file, schema] of Object.entries(schemaFiles())) await writeFile(file, schema);
  await writeFile(referenceFile, withReference(await readFile(referenceFile, "utf8")));
}
