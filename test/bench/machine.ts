import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { project, pulumi } from "./pulumi.ts";

export const machineSchema = z.object({
  cpu: z.string(),
  cores: z.int().positive(),
  memoryMiB: z.int().positive(),
  arch: z.string(),
  kernel: z.string(),
  system: z.string(),
});

export const versionsSchema = z.object({
  project: z.string().describe("the commit; with + when files were changed since"),
  node: z.string(),
  pulumi: z.string().optional().describe("absent: nothing was measured that needs it"),
});

/** The load average of the last minute: on a machine that does something else too, times are longer. */
export const loadNow = (): number => loadavg()[0] ?? 0;

export function machine(): z.infer<typeof machineSchema> {
  const system = /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    arch: arch(),
    kernel: release(),
    system,
  };
}

export async function versions({ withPulumi = true } = {}): Promise<z.infer<typeof versionsSchema>> {
  const git = await execa("git", ["describe", "--always", "--dirty=+"], { cwd: project, reject: false });
  return {
    project:
      git.exitCode === 0
        ? git.stdout
        : JSON.parse(readFileSync(join(project, "package.json"), "utf8")).version,
    node: process.version,
    pulumi: withPulumi ? (await pulumi(["version"])).stdout.trim() : undefined,
  };
}
