import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";

export const memorySampleSchema = z.object({
  kind: z.string(),
  processes: z.int().positive().describe("of this kind, at the same time at most"),
  peakMiB: z.number().describe("the greatest resident memory that one of them ever had (VmHWM)"),
  peakSumMiB: z
    .number()
    .describe("all of them together, at the same time at most (VmRSS): what they share counts for each"),
});
export type MemorySample = z.infer<typeof memorySampleSchema>;

interface Process {
  pid: number;
  parent: number;
  peakKiB: number;
  residentKiB: number;
  command: string;
}

/** What a process is, by its command line. The first that fits. */
const kinds: readonly [kind: string, pattern: RegExp][] = [
  ["dynamic provider (the engine)", /pulumi-resource-pulumi-nodejs|dynamic-provider/],
  ["the program (index.ts)", /cmd\/run|pulumi-language-nodejs-exec/],
  ["Node language host", /pulumi-language-nodejs/],
  ["command plugin", /pulumi-resource-command/],
  ["terraform-provider plugin (bridge)", /pulumi-resource-terraform-provider/],
  ["libvirt provider", /terraform-provider-libvirt/],
  ["Pulumi CLI", /(^|\/)pulumi\0/],
  ["ssh", /(^|\/)ssh\0/],
];

const sampleEveryMs = 50;
const all = "all together";

/** Watches a process and all that it starts, until `stop`; then says how much memory each kind took at most. */
export function watchMemory(root: () => number | undefined): { stop: () => Promise<MemorySample[]> } {
  const peaks = new Map<string, MemorySample>();
  let running = true;
  const watching = (async () => {
    while (running) {
      const pid = root();
      if (pid !== undefined) note(peaks, descendants(await processes(), pid));
      await sleep(sampleEveryMs);
    }
  })();
  return {
    stop: async () => {
      running = false;
      await watching;
      return [...peaks.values()].sort((a, b) => b.peakSumMiB - a.peakSumMiB);
    },
  };
}

function note(peaks: Map<string, MemorySample>, seen: readonly Process[]): void {
  const groups = Map.groupBy(seen, kindOf);
  if (seen.length > 0) groups.set(all, [...seen]);
  for (const [kind, members] of groups) {
    const before = peaks.get(kind) ?? { kind, processes: 0, peakMiB: 0, peakSumMiB: 0 };
    const sumKiB = members.reduce((sum, { residentKiB }) => sum + residentKiB, 0);
    peaks.set(kind, {
      kind,
      processes: Math.max(before.processes, members.length),
      peakMiB: Math.max(before.peakMiB, ...members.map(({ peakKiB }) => peakKiB / 1024)),
      peakSumMiB: Math.max(before.peakSumMiB, sumKiB / 1024),
    });
  }
}

export const kindOf = ({ command }: Pick<Process, "command">): string =>
  kinds.find(([, pattern]) => pattern.test(command))?.[0] ?? "other";

function descendants(all: readonly Process[], root: number): Process[] {
  const children = Map.groupBy(all, ({ parent }) => parent);
  const below = (pid: number): Process[] =>
    (children.get(pid) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return [...all.filter(({ pid }) => pid === root), ...below(root)];
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return read.filter((process) => process !== undefined);
}

/** Undefined for one that has ended meanwhile, and for the kernel's own. */
async function readProcess(pid: number): Promise<Process | undefined> {
  try {
    const [status, command] = await Promise.all([
      readFile(`/proc/${pid}/status`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    const number = (key: string) =>
      Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
    const peakKiB = number("VmHWM");
    if (Number.isNaN(peakKiB) || command === "") return undefined;
    return { pid, parent: number("PPid"), peakKiB, residentKiB: number("VmRSS"), command };
  } catch {
    return undefined;
  }
}
