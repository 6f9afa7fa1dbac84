import { readFileSync } from "node:fs";
import * as z from "zod";
import { isProgram, programPackages } from "../images/programs.ts";

const mib = z.int().min(1).max(4_194_304);
const perSecond = z.number().positive().max(10_000_000);
const asFast = { otherwise: "as many as it can" };

/**
 * What a guest keeps doing, as a systemd service inside it. `idle` is nothing at all. Every other one counts what it gets done:
 * {@link progressCommand}.
 *
 * - `memory`: writes `mibPerSecond` of whole pages, round and round through `workingSetMiB`: its dirty rate. Counts MiB.
 * - `cpu`: keeps every virtual CPU busy. Counts rounds of the same sum.
 * - `disk`: appends `mibPerSecond` of numbered records, each flushed to the disk before a journal acknowledges it:
 *   {@link verifyWorkloadCommand} tells whether any acknowledged write was lost. Counts records.
 * - `python`: a Python program that makes, sorts and JSON-encodes records, and keeps `workingSetMiB` of them. Counts records.
 * - `mysql`: a MariaDB server with a table, and sysbench as its clients, in transactions of reads and writes. Counts queries.
 * - `office`: LibreOffice, which opens, edits, calculates, saves and exports documents. Counts actions.
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
  z.strictObject({
    type: z.literal("python"),
    workingSetMiB: mib.default(64).describe("MiB of memory that the program's records take"),
    recordsPerSecond: perSecond
      .optional()
      .describe("the number of records made, sorted and encoded each second")
      .meta(asFast),
  }),
  z.strictObject({
    type: z.literal("mysql"),
    bufferPoolMiB: mib.min(8).default(64).describe("MiB of memory for InnoDB's buffer pool"),
    rows: z
      .int()
      .min(1000)
      .max(100_000_000)
      .default(100_000)
      .describe("the number of the table's rows, about 380 bytes of disk each, written at the first boot"),
    clients: z.int().min(1).max(256).default(4).describe("the number of connections that send transactions"),
    queriesPerSecond: perSecond
      .optional()
      .describe("the number of queries that all clients together send each second")
      .meta(asFast),
  }),
  z.strictObject({
    type: z.literal("office"),
    pages: z.int().min(1).max(1000).default(10).describe("the number of the text document's pages"),
    rows: z.int().min(1).max(100_000).default(500).describe("the number of the spreadsheet's rows"),
    actionsPerSecond: perSecond
      .optional()
      .describe(
        "the number of actions each second: opening, an edit, calculating, saving, exporting, closing",
      )
      .meta(asFast),
  }),
]);

export type Workload = z.infer<typeof workloadSchema>;

/** A file inside a guest. */
interface GuestFile {
  path: string;
  /** Octal, as cloud-init and chmod take it. */
  mode: "0644" | "0755";
  content: string;
}

export const workloadUnit = "testbed-workload.service";
const workloadDirectory = "/var/lib/testbed/workload";
const programs = "/usr/local/lib/testbed/workload";
const config = "/etc/testbed/workload.json";
/** In memory, so that nothing is written to the disk of a guest that is being measured; the last quarter of an hour, at most 400 KiB. */
export const progressFile = "/run/testbed/progress.jsonl";

/** Run in a guest: prints JSON ({acknowledged, outdated, checked, lost, problems}; outdated: no longer kept) and fails if a write was lost. */
export const verifyWorkloadCommand = `python3 ${programs}/main.py verify ${workloadDirectory}`;

/**
 * Run in a guest, as any user: prints what its workload got done, a JSON line for each quarter of a second, oldest first:
 * `{"at": 1764931542.113, "monotonic": 81.402, "operations": 103, "unit": "queries"}`. `operations` are those since the line before; `at`
 * is the guest's wall clock in seconds since 1970. What this means for a guest that stands still: docs/workloads.md.
 *
 * @param lines how many, at most. Default: all that are kept, a quarter of an hour.
 */
export const progressCommand = (lines = 4200): string => `tail -n ${lines} ${progressFile}`;

const unitText = `[Unit]
Description=Workload of the migration testbed
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/python3 ${programs}/main.py run ${config}
Restart=on-failure
RestartSec=1
TimeoutStopSec=20

[Install]
WantedBy=multi-user.target
`;

/** What of guests/workload/ a workload takes beside the module that is called as it is. */
const modules: Record<Exclude<Workload["type"], "idle">, readonly string[]> = {
  memory: ["pace.py"],
  cpu: [],
  disk: ["pace.py"],
  python: ["pace.py"],
  mysql: ["mysql.lua"],
  office: ["pace.py"],
};

/**
 * The packages that a workload needs in its guest, of Debian and of Ubuntu alike. What is built here has them in its image; elsewhere the
 * guest installs them, which needs a route to its package archive.
 */
export function workloadPackages({ type }: Workload): readonly string[] {
  return isProgram(type) ? programPackages[type] : [];
}

/** The files that make a workload, for cloud-init or for a copy over SSH; none for an idle guest. */
export function workloadFiles(workload: Workload): GuestFile[] {
  if (workload.type === "idle") return [];
  const settings = {
    ...workload,
    directory: workloadDirectory,
    progress: progressFile,
    packages: workloadPackages(workload),
  };
  const own = ["packages.py", "progress.py", ...modules[workload.type], `${workload.type}.py`];
  return [
    ...["main.py", ...own].map((name) => ({
      path: `${programs}/${name}`,
      mode: "0644" as const,
      content: readFileSync(new URL(`./workload/${name}`, import.meta.url), "utf8"),
    })),
    { path: config, mode: "0644", content: `${JSON.stringify(settings)}\n` },
    { path: `/etc/systemd/system/${workloadUnit}`, mode: "0644", content: unitText },
  ];
}
