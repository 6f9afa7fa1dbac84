import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { watchMemory } from "./process-memory.ts";
import { project, refuseChange } from "./pulumi.ts";

export const watchedRunSchema = z.object({
  wallMs: z.number(),
  cpuMs: z
    .number()
    .describe("of Pulumi and all that it started on this machine, a lab's containers included"),
  peakMiB: z.number().describe("all its processes together at most (VmRSS): what they share counts for each"),
  sshProcesses: z
    .int()
    .describe("processes of OpenSSH's ssh that were started here: connections, shells, long commands"),
  connections: z.int().describe("SSH connections that the engine opened"),
  commands: z.int().describe("scripts that the engine ran on hosts over them"),
});
export type WatchedRun = z.infer<typeof watchedRunSchema>;

export interface WatchedOptions {
  env?: Readonly<Record<string, string>>;
  /** It is to find nothing to do. Default: it may find something. */
  isUnchanged?: boolean;
}

/**
 * Runs bin/pulumi, and counts what it costs: the CPU time of its control group, so that of processes that it does not wait for, too;
 * memory by its processes; the processes `ssh` by a stand-in that notes each and becomes it; and what the engine notes itself. Throws with what Pulumi said when it fails.
 */
export async function watchedRun(
  args: readonly string[],
  { env = {}, isUnchanged = false }: WatchedOptions = {},
): Promise<WatchedRun> {
  const folder = await mkdtemp(join(tmpdir(), "testbed-bench-run-"));
  const group = await makeGroup();
  const [processes, commands] = ["processes", "commands"].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  for (const file of [processes, commands]) await writeFile(file, "");
  await writeFile(join(folder, "ssh"), standIn(processes, await realSsh()));
  await chmod(join(folder, "ssh"), 0o755);
  let pid: number | undefined;
  const watch = watchMemory(() => pid);
  try {
    const startedMs = performance.now();
    // Joins the group before it becomes the CLI, so that all that it starts is in there.
    const joined = `echo $$ > '${group.folder}/cgroup.procs' && exec sh bin/pulumi "$@"`;
    const child = execa("sh", ["-c", joined, "sh", ...args], {
      cwd: project,
      env: {
        ...env,
        NO_COLOR: "1",
        KVM_MIGRATION_TESTBED_COMMANDS: commands,
        PATH: `${folder}:${process.env.PATH}`,
      },
      stdin: "ignore",
      reject: false,
      all: true,
    });
    pid = child.pid;
    const { failed, all } = await child;
    const wallMs = performance.now() - startedMs;
    if (failed) throw new Error(`pulumi ${args.join(" ")} failed:\n${all}`);
    if (isUnchanged) refuseChange(all);
    const memory = (await watch.stop()).find(({ kind }) => kind === "all together");
    const linesOf = async (file: string) => (await readFile(file, "utf8")).split("\n").filter(Boolean);
    const noted = await linesOf(commands);
    const connections = noted.filter((line) => JSON.parse(line).doing === "connecting").length;
    return {
      ...{ wallMs, cpuMs: await group.cpuMs(), peakMiB: memory?.peakSumMiB ?? Number.NaN },
      ...{ sshProcesses: (await linesOf(processes)).length, connections },
      ...{ commands: noted.length - connections },
    };
  } finally {
    await watch.stop();
    await group.remove();
    await rm(folder, { recursive: true });
  }
}

/** A short line is written whole, whoever else writes at the same time. */
const standIn = (noted: string, ssh: string): string => `#!/bin/sh
echo ssh >> '${noted}'
exec '${ssh}' "$@"
`;

async function realSsh(): Promise<string> {
  const { stdout } = await execa("sh", ["-c", "command -v ssh"]);
  return stdout;
}

interface Group {
  folder: string;
  cpuMs(): Promise<number>;
  remove(): Promise<void>;
}

/** A control group of either version, in which CPU time is counted. */
async function makeGroup(): Promise<Group> {
  const version1 = "/sys/fs/cgroup/cpuacct";
  const isFirst = existsSync(version1);
  const folder = join(isFirst ? version1 : "/sys/fs/cgroup", `testbed-bench-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const usage = async () => {
    if (isFirst) return Number(await readFile(join(folder, "cpuacct.usage"), "utf8")) / 1e6;
    const stat = await readFile(join(folder, "cpu.stat"), "utf8");
    return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / 1e3;
  };
  const before = await usage();
  return {
    folder,
    cpuMs: async () => (await usage()) - before,
    // A lab's containers stay, and in it; a later run finds them there, and counts from there.
    remove: () => rmdir(folder).catch(() => {}),
  };
}
