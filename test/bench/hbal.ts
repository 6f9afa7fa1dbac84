import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { type Cluster, roomMiB } from "../../placement/terms/cluster.ts";

/** What Ganeti's hbal makes of a cluster by memory and vCPUs. */
export interface HbalPlan {
  before: number;
  after: number;
  moves: readonly { guest: string; to: string }[];
  cpuMs: number;
}

/** Such as 3.0.2. Absent: it is not installed. */
export async function hbalVersion(): Promise<string | undefined> {
  const { stdout, failed } = await execa("hbal", ["--version"], { reject: false });
  return failed ? undefined : /\d+(\.\d+)+/.exec(stdout)?.[0];
}

/** @param steps how many moves it may make: with 0 it says how good the cluster is */
export async function hbal(cluster: Cluster, steps?: number): Promise<HbalPlan> {
  const folder = await mkdtemp(join(tmpdir(), "bench-hbal-"));
  try {
    const file = join(folder, "cluster.data");
    await writeFile(file, ganetiText(cluster));
    const limit = steps === undefined ? [] : ["--max-length", `${steps}`];
    const args = ["-t", file, "--ignore-dynu", "-v", ...limit];
    // Bash's own clock, as that of a process counts what its children took.
    const script = 'TIMEFORMAT="cpu %3U %3S"; time "$@"';
    const { stdout, stderr } = await execa("bash", ["-c", script, "bash", "hbal", ...args]);
    const [, user = Number.NaN, system = Number.NaN] = (/cpu ([\d.]+) ([\d.]+)$/.exec(stderr) ?? []).map(
      Number,
    );
    const before = scoreIn(stdout, /Initial (?:cluster )?score[ :=]+([\d.]+)/);
    const moves = [...stdout.matchAll(/^ *\d+\. (\S+) +\S+ +=> (\S+) +([\d.]+) /gm)];
    const after = moves.length === 0 ? before : Number(moves.at(-1)?.[3]);
    return {
      before,
      after,
      moves: moves.map(([, guest = "", to = ""]) => ({ guest, to })),
      cpuMs: (user + system) * 1000,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function scoreIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`hbal named no score, but said:\n${text}`);
  return Number(found);
}

/** Ganeti's text format: guests on shared storage (`ext`), which may go to any host; disks and spindles alike, so that they count for nothing. */
function ganetiText({ hosts, guests }: Cluster): string {
  const policy =
    "64,1,0,0,0,0|64,1,0,0,0,0;1048576,256,1048576,16,8,12|diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext|4.0|32.0";
  const used = new Map<string, number>();
  for (const { host, memoryMiB } of guests) used.set(host, (used.get(host) ?? 0) + memoryMiB);
  const nodes = hosts.map((host, index) => {
    const { name, memoryMiB = 0, cpus } = host;
    const room = roomMiB(host);
    const left = room - (used.get(name) ?? 0);
    return `${name}|${memoryMiB}|${memoryMiB - room}|${left}|100000|100000|${cpus}|${index === 0 ? "M" : "N"}|uuid-1|1`;
  });
  const instances = guests.map(
    ({ name, memoryMiB, vcpus, host }) => `${name}|${memoryMiB}|0|${vcpus}|running|Y|${host}||ext||0`,
  );
  return [
    "g1|uuid-1|preferred||",
    "",
    ...nodes,
    "",
    ...instances,
    "",
    "",
    `|${policy}`,
    `g1|${policy}`,
    "",
  ].join("\n");
}
