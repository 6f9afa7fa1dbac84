import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { project, pulumi } from "./pulumi.ts";

/** How Pulumi is called for it. */
export interface EmptyStack {
  args: string[];
  env: Record<string, string>;
}

/** What `pulumi new typescript` begins with, without its example. */
const emptyProgram = 'import * as pulumi from "@pulumi/pulumi";\n\nexport const stack = pulumi.getStack();\n';

/**
 * A project with this one's runtime settings and packages, its own backend, and a program that declares nothing; up already.
 *
 * @param program another one in its place
 */
export async function withEmptyStack<T>(
  use: (stack: EmptyStack) => Promise<T>,
  program = emptyProgram,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "testbed-bench-"));
  try {
    const { runtime } = parse(await readFile(join(project, "Pulumi.yaml"), "utf8"));
    const files = {
      "Pulumi.yaml": stringify({ name: "empty", runtime, main: "index.ts" }),
      "package.json": `${JSON.stringify({ name: "empty", type: "module", private: true })}\n`,
      "index.ts": program,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await symlink(join(project, "node_modules"), join(folder, "node_modules"));
    const env = { PULUMI_BACKEND_URL: pathToFileURL(folder).href, PULUMI_CONFIG_PASSPHRASE: "" };
    const args = ["--cwd", folder, "--stack", "empty"];
    await pulumi(["--cwd", folder, "stack", "init", "empty"], { env });
    await pulumi(["up", ...args, "--yes", "--skip-preview"], { env });
    return await use({ args, env });
  } finally {
    await rm(folder, { recursive: true });
  }
}
