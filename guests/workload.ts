import { readFileSync } from "node:fs";
import * as z from "zod";

/**
 * What a guest keeps doing, as a systemd service of plain Python inside it. `idle` is nothing at all.
 *
 * - `memory`: writes `mibPerSecond` of whole pages, round and round through `workingSetMiB`: its dirty rate.
 * - `cpu`: keeps every virtual CPU busy.
 * - `disk`: appends `mibPerSecond` of numbered records, each flushed to the disk before a journal acknowledges it:
 *   {@link verifyWorkloadCommand} tells whether any acknowledged write was lost.
 */
export const workloadSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("idle") }),
  z.strictObject({
    type: z.literal("memory"),
    mibPerSecond: z.number().positive().describe("MiB of memory written each second"),
    workingSetMiB: z.int().positive().describe("MiB of memory that is written to, round and round"),
  }),
  z.strictObject({ type: z.literal("cpu") }),
  z.strictObject({
    type: z.literal("disk"),
    mibPerSecond: z.number().positive().describe("MiB appended and flushed to the disk each second"),
  }),
]);

export type Workload = z.infer<typeof workloadSchema>;

/** A file inside a guest. */
export interface GuestFile {
  path: string;
  /** Octal, as cloud-init and chmod take it. */
  mode: "0644" | "0755";
  content: string;
}

export const workloadUnit = "testbed-workload.service";
export const workloadDirectory = "/var/lib/testbed/workload";
const script = "/usr/local/lib/testbed/workload.py";
const config = "/etc/testbed/workload.json";

/** Run in a guest: prints JSON ({acknowledged, checked, lost, problems}) and fails if a write was lost. */
export const verifyWorkloadCommand = `python3 ${script} verify ${workloadDirectory}`;

const unitText = `[Unit]
Description=Workload of the migration testbed

[Service]
ExecStart=/usr/bin/python3 ${script} run ${config}
Restart=on-failure
RestartSec=1
TimeoutStopSec=5

[Install]
WantedBy=multi-user.target
`;

/** The files that make a workload, for cloud-init or for a copy over SSH; none for an idle guest. */
export function workloadFiles(workload: Workload): GuestFile[] {
  if (workload.type === "idle") return [];
  const settings = workload.type === "disk" ? { ...workload, directory: workloadDirectory } : workload;
  return [
    { path: script, mode: "0755", content: readFileSync(new URL("./workload.py", import.meta.url), "utf8") },
    { path: config, mode: "0644", content: `${JSON.stringify(settings)}\n` },
    { path: `/etc/systemd/system/${workloadUnit}`, mode: "0644", content: unitText },
  ];
}

/** What a guest needs beside its workload: kernel, systemd, SSH, page cache for the image's programs. */
const guestOverheadMiB = 192;

/** Why a guest of this size cannot run this workload; nothing if it can. */
export function workloadMisfit(workload: Workload, memoryMiB: number): string | undefined {
  if (workload.type !== "memory") return undefined;
  const mostMiB = memoryMiB - guestOverheadMiB;
  if (workload.workingSetMiB <= mostMiB) return undefined;
  return `a working set of ${workload.workingSetMiB} MiB does not fit into a guest of ${memoryMiB} MiB: at most ${Math.max(0, mostMiB)} MiB, as the system needs ${guestOverheadMiB} MiB`;
}
