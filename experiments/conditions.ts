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

/** The commit, and a + when files were changed since; a copy without history has its version alone. */
export async function projectVersion(project: string): Promise<string> {
  const git = await execa("git", ["describe", "--always", "--dirty=+"], { cwd: project, reject: false });
  return git.exitCode === 0 ? git.stdout : (await packageOf(project)).version;
}

const packageOf = async (...path: string[]) =>
  JSON.parse(await readFile(join(...path, "package.json"), "utf8"));

async function versions(project: string): Promise<Record<string, string>> {
  return {
    project: await projectVersion(project),
    pulumi: (await packageOf(project, "node_modules", "@pulumi", "pulumi")).version,
    node: process.version,
  };
}
