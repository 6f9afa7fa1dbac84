import { readdir, readFile } from "node:fs/promises";
import { execa } from "execa";

const stateFolder = "/var/lib/kvm-migration-testbed";

const read = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");

async function pids(): Promise<number[]> {
  return (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
}

/** A container host as start.sh wrote it down. */
export async function containerOf(lab: string, host: string): Promise<{ init: number; supervisor: number }> {
  const [, init, , supervisor] = (await read(`${stateFolder}/${lab}/hosts/${host}/alive`)).trim().split(" ");
  return { init: Number(init), supervisor: Number(supervisor) };
}

/** Kills hosts as a power cut would: none of their processes can tidy up. */
export async function killContainers(lab: string, ...hosts: string[]): Promise<void> {
  for (const host of hosts) {
    const { init, supervisor } = await containerOf(lab, host);
    signal(supervisor, "SIGKILL");
    signal(init, "SIGKILL");
  }
}

/** The processes of this lab's hosts (by the file system that is their root), and those that runs of Pulumi in this project started. */
async function processesOf(lab: string, project: string): Promise<string[]> {
  const isRoot = new RegExp(` / / .*upperdir=${stateFolder}/${lab}/`);
  const seen = await Promise.all(
    (await pids()).map(async (pid) => ({
      pid,
      command: (await read(`/proc/${pid}/cmdline`)).replaceAll("\0", " ").slice(0, 200),
      mounts: await read(`/proc/${pid}/mountinfo`),
      environment: await read(`/proc/${pid}/environ`),
    })),
  );
  return seen
    .filter(
      ({ command, mounts, environment }) =>
        isRoot.test(mounts) || command.includes(`testbed-${lab}-`) || environment.includes(project),
    )
    .map(({ pid, command }) => `process ${pid} ${command}`);
}

/** The processes whose environment has all these settings. */
async function startedWith(settings: readonly string[]): Promise<number[]> {
  const own = await Promise.all(
    (await pids()).map(async (pid) => {
      const environment = (await read(`/proc/${pid}/environ`)).split("\0");
      return settings.every((setting) => environment.includes(setting)) ? [pid] : [];
    }),
  );
  return own.flat();
}

/** The processes that runs of this project's Pulumi started and that are still there. */
export const startedBy = (project: string): Promise<number[]> =>
  startedWith([`KVM_MIGRATION_TESTBED=${project}`]);

/** Those that one such run started, by their commands. */
export async function processesOfRun(cli: number, project: string): Promise<string[]> {
  const own = await startedWith([`KVM_MIGRATION_TESTBED=${project}`, `KVM_MIGRATION_TESTBED_CLI=${cli}`]);
  const commands = await Promise.all(own.map((pid) => read(`/proc/${pid}/cmdline`)));
  return commands.filter(Boolean).map((command) => command.replaceAll("\0", " "));
}

/** Everything of a lab that can be found on this machine, a line each; empty when it has left nothing. */
export async function tracesOf(lab: string, bridge: string, project: string): Promise<string[]> {
  const { stdout: links } = await execa("ip", ["-o", "link"]);
  const files = await Promise.all(
    [stateFolder, "/run/systemd/nspawn/propagate", "/run/systemd/nspawn/unix-export"].map(async (folder) =>
      (await readdir(folder).catch(() => [])).map((name) => `${folder}/${name}`),
    ),
  );
  return [
    ...links.split("\n").filter((line) => line.includes(bridge) || line.includes(`testbed-${lab}-`)),
    ...(await read("/proc/mounts")).split("\n").filter((line) => line.includes(`/${lab}/`)),
    ...files.flat().filter((file) => file.endsWith(`/${lab}`) || file.includes(`testbed-${lab}-`)),
    ...(await processesOf(lab, project)),
  ];
}

/** A process and all that descend from it. */
export async function processTree(root: number): Promise<number[]> {
  const parents = new Map<number, number[]>();
  for (const pid of await pids()) {
    const parent = Number(/^PPid:\s*(\d+)/m.exec(await read(`/proc/${pid}/status`))?.[1] ?? 0);
    parents.set(parent, [...(parents.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => [pid, ...(parents.get(pid) ?? []).flatMap(below)];
  return below(root);
}

/** Kills a process and all that descend from it, at once: none of them can tidy up, or see the others die. */
export async function killTree(root: number): Promise<void> {
  let frozen = 0;
  for (;;) {
    const tree = await processTree(root);
    for (const pid of tree) signal(pid, "SIGSTOP");
    // Frozen, they start no others: two looks alike are the whole tree.
    if (tree.length === frozen) {
      for (const pid of tree) signal(pid, "SIGKILL");
      return;
    }
    frozen = tree.length;
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
