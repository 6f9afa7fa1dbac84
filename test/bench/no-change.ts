import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { loadNow } from "./machine.ts";
import { project, pulumi } from "./pulumi.ts";

export const noChangeSampleSchema = z.object({
  pair: z.int().positive(),
  testbedMs: z.number(),
  emptyMs: z.number().describe("`up` of a TypeScript stack that declares nothing, on the same CLI and Node"),
  load: z.number().describe("the machine's load average (1 min) before"),
});
export type NoChangeSample = z.infer<typeof noChangeSampleSchema>;

/** `pulumi up` when nothing has changed, against that of an empty stack, in turns. */
export async function measureNoChange(
  stack: string,
  pairs: number,
  onSample: (sample: NoChangeSample) => void,
): Promise<NoChangeSample[]> {
  const empty = await makeEmptyStack();
  const up = async (args: readonly string[], env?: Record<string, string>) => {
    const { wallMs, stdout } = await pulumi(["up", "--yes", ...args], { env });
    if (/\d+ (created|updated|deleted|replaced)/.test(stdout))
      throw new Error(`something did change:\n${stdout}`);
    return wallMs;
  };
  const measured = {
    testbedMs: () => up(["--stack", stack]),
    emptyMs: () => up(["--cwd", empty.folder, "--stack", "empty"], empty.env),
  };
  try {
    const samples: NoChangeSample[] = [];
    for (let pair = 1; pair <= pairs; pair++) {
      const order =
        pair % 2 === 1 ? (["testbedMs", "emptyMs"] as const) : (["emptyMs", "testbedMs"] as const);
      const sample: NoChangeSample = { pair, testbedMs: 0, emptyMs: 0, load: loadNow() };
      for (const which of order) sample[which] = await measured[which]();
      samples.push(sample);
      onSample(sample);
    }
    return samples;
  } finally {
    await rm(empty.folder, { recursive: true });
  }
}

/** A project with this one's runtime settings and packages, its own backend, and a program that declares nothing. */
async function makeEmptyStack() {
  const folder = await mkdtemp(join(tmpdir(), "testbed-bench-"));
  const { runtime } = parse(await readFile(join(project, "Pulumi.yaml"), "utf8"));
  const files = {
    "Pulumi.yaml": stringify({ name: "empty", runtime, main: "index.ts" }),
    "package.json": `${JSON.stringify({ name: "empty", type: "module", private: true })}\n`,
    // What `pulumi new typescript` begins with.
    "index.ts": 'import * as pulumi from "@pulumi/pulumi";\n\nexport const stack = pulumi.getStack();\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await symlink(join(project, "node_modules"), join(folder, "node_modules"));
  const env = { PULUMI_BACKEND_URL: pathToFileURL(folder).href, PULUMI_CONFIG_PASSPHRASE: "" };
  await pulumi(["--cwd", folder, "stack", "init", "empty"], { env });
  await pulumi(["--cwd", folder, "up", "--stack", "empty", "--yes", "--skip-preview"], { env });
  return { folder, env };
}
