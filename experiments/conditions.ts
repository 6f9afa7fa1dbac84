import { readFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { HostOutput } from "../components/outputs.ts";
import type { RunHead } from "../moves/experiment-run.ts";

/** Under which conditions a run is made: the machines as they say of themselves, and the versions of what drives it. */
export async function conditionsOf(
  project: string,
  hosts: Readonly<Record<string, HostOutput>>,
): Promise<RunHead["conditions"]> {
  return {
    controller: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      memoryMiB: Math.round(totalmem() / 2 ** 20),
      kernel: release(),
    },
    hosts: Object.fromEntries(Object.entries(hosts).map(([name, { address: _, ...facts }]) => [name, facts])),
    versions: await versions(project),
  };
}

async function versions(project: string): Promise<Record<string, string>> {
  const json = async (...path: string[]) => JSON.parse(await readFile(join(project, ...path), "utf8"));
  // The commit, and a + when files were changed since; a copy without history has its version alone.
  const git = await execa("git", ["describe", "--always", "--dirty=+"], { cwd: project, reject: false });
  return {
    project: git.exitCode === 0 ? git.stdout : (await json("package.json")).version,
    pulumi: (await json("node_modules", "@pulumi", "pulumi", "package.json")).version,
    node: process.version,
  };
}
