import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { signal, startedBy } from "./traces.ts";

// A run of tests that is killed, or whose machine loses its power, leaves its labs behind; the next run clears them away.

const stateFolder = "/var/lib/kvm-migration-testbed";
const stopScript = join(import.meta.dirname, "..", "..", "lab", "stop.sh");
const prefix = "testbed-test-";

/** A folder for one test, whose name tells which process it belongs to. Those of processes that are gone go, with their labs. */
export async function makeTestFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    if (name.startsWith(prefix) && !(await isRunning(pidOf(name)))) await clear(join(tmpdir(), name));
  }
  return mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
}

const pidOf = (name: string) => Number(name.slice(prefix.length).split("-")[0]);

const read = (file: string) => readFile(file, "utf8").catch(() => "");

/** Another process may have got the id since. */
async function isRunning(pid: number): Promise<boolean> {
  return (await read(`/proc/${pid}/cmdline`)).includes("vitest");
}

async function clear(folder: string): Promise<void> {
  for (const pid of await startedBy(folder)) signal(pid, "SIGKILL");
  const labs = await readdir(stateFolder).catch(() => []);
  for (const lab of labs) {
    // A program of the test's may be in a folder of its own below.
    const owner = (await read(join(stateFolder, lab, "owner"))).trim();
    if (owner === folder || owner.startsWith(`${folder}/`)) await stopLab(lab);
  }
  await rm(folder, { recursive: true, force: true });
}

async function stopLab(lab: string): Promise<void> {
  const hosts = join(stateFolder, lab, "hosts");
  for (const host of await readdir(hosts, { withFileTypes: true }).catch(() => [])) {
    const place = await read(join(hosts, host.name, "place"));
    const [, bridge = "", address = "", exported = "none"] =
      /bridge (\S+), address (\S+), export (\S+)/.exec(place) ?? [];
    await execa("bash", [stopScript], {
      env: {
        LAB: lab,
        LAB_HOST: host.name,
        LAB_BRIDGE: bridge,
        LAB_ADDRESS: address,
        LAB_EXPORT: exported === "none" ? "" : exported,
        LAB_KNOWN_HOSTS: "",
      },
    });
  }
}
