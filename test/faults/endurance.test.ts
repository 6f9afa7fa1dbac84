import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MigrationRequest } from "../../migration/context/migration-request.ts";
import { migrate } from "../../migration/migrate.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { requestOf } from "../../provider/migration-resource.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack, unchanged } from "../lab/stack.ts";
import { writeReport } from "./table.ts";

// A guest that writes to its disk all the while moves to and fro, live, again and again: nothing may be lost, and nothing may become more.

const stackName = "endurance";
const network = "10.77.25";
const moves = 200;
/** What is opened once, and kept, is open after these. */
const warmUp = 10;

let project: TestProject;
let stack: LabStack;
let vm1: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge: `lab-${stackName}` },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1", memoryMiB: 384, diskGiB: 3, workload: { type: "disk", mibPerSecond: 0.1 } }],
    placement: { vm1: "host1" },
  });
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
  await stack.deploy();
  await startCounter(stack, "vm1");
  // Keys are named from the project's folder, in which Pulumi runs the engine.
  process.chdir(project.folder);
});

afterAll(async () => {
  await closeSessions();
  process.chdir(tmpdir());
  await stack.destroy();
  await project.remove();
});

test(`${moves} live moves to and fro lose nothing, and leave nothing behind`, {
  timeout: 3_600_000,
}, async () => {
  const before = await vm1.life();
  const request = await requestFromState();
  const records: MigrationRecord[] = [];
  const moveOften = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const to = (await vm1.host()) === "host1" ? "host2" : "host1";
      records.push(...(await migrate({ ...request, to }, () => {})).records);
    }
  };
  await moveOften(warmUp);
  const first = await inventory();
  await moveOften(moves);
  const last = await inventory();
  await report(first, last, records);

  expect(records).toHaveLength(warmUp + moves);
  expect(records.filter(({ outcome }) => outcome !== "completed")).toEqual([]);
  expect(records.flatMap(inconsistencies)).toEqual([]);
  await vm1.expectOneCopyAt(warmUp % 2 === 0 ? "host1" : "host2");
  await vm1.expectLifeWentOn(before);
  // It writes so little that all of it is kept.
  const { acknowledged, checked, lost, problems } = await verifyDisk(stack, "vm1");
  expect({ checked, lost, problems }).toEqual({ checked: acknowledged, lost: 0, problems: [] });
  for (const [what, count] of last) {
    const earlier = first.get(what) as number;
    // Memory that was used and given back is not always the system's again at once.
    if (what.endsWith("MiB")) expect(count, what).toBeLessThan(1.25 * earlier + 8);
    else expect(count, what).toBeLessThanOrEqual(earlier);
  }
  expect(await stack.deploy()).toMatch(unchanged);
});

async function requestFromState(): Promise<MigrationRequest> {
  const { deployment } = JSON.parse(await project.ask("stack", "export", "--stack", stackName));
  const outputs = (kind: string) =>
    deployment.resources.find(({ type }: { type: string }) => type.endsWith(kind)).outputs;
  const { hosts, storage } = outputs("testbed:Cluster").common;
  return { ...requestOf(outputs("testbed:Migration")), fleet: { hosts, storage }, history: [] };
}

/** What could become more, on each machine and in this process. */
async function inventory(): Promise<Map<string, number>> {
  const counts: Record<string, string> = {
    processes: "ps -e --no-headers -o comm | grep -cE '^(qemu|virsh|ssh|scp|python3|cat|sleep|bash)'",
    connections: "ss -Htan state established | wc -l",
    "listening ports": "ss -Htln | wc -l",
    definitions: "virsh -q list --all 2>/dev/null | wc -l",
    files:
      "find /var/lib/kvm-migration-testbed /var/lib/libvirt /run/libvirt /etc/libvirt /tmp -type f 2>/dev/null | wc -l",
    "libvirtd's open files": "ls /proc/$(pidof libvirtd)/fd 2>/dev/null | wc -l",
    "libvirtd's memory, MiB":
      "awk '/VmRSS/ { print int($2 / 1024) }' /proc/$(pidof libvirtd)/status 2>/dev/null || echo 0",
  };
  const script = Object.values(counts)
    .map((count) => `echo "$(${count})"`)
    .join("; ");
  // Right after a move, some of its helpers are just ending, and the hosts' connection stays open for 5 s.
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  const found = new Map<string, number>();
  for (const machine of ["host1", "host2", "storage"]) {
    const lines = (await stack.on(machine, script)).split("\n");
    Object.keys(counts).forEach((what, i) => void found.set(`${machine}: ${what}`, Number(lines[i])));
  }
  found.set("this process: open files", (await readdir("/proc/self/fd")).length);
  found.set("this process: memory held, MiB", heldMiB());
  return found;
}

/** What is still there once what nobody needs is collected; what the system lends a process besides says nothing. */
function heldMiB(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 2 ** 20);
}

async function report(
  first: ReadonlyMap<string, number>,
  last: ReadonlyMap<string, number>,
  records: readonly MigrationRecord[],
): Promise<void> {
  const rows = [...first].map(([what, count]) => `| ${what} | ${count} | ${last.get(what)} |`);
  const totals = records.map(({ totalMs }) => totalMs).sort((a, b) => a - b);
  const downtimes = records.flatMap(({ downtimeMs }) => downtimeMs ?? []).sort((a, b) => a - b);
  const span = (sorted: number[]) =>
    `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
  await writeReport("endurance.md", [
    `${records.length} moves; total ms: ${span(totals)}; downtime ms: ${span(downtimes)}`,
    "",
    `| | after ${warmUp} moves | after ${warmUp + moves} |`,
    "| --- | --- | --- |",
    ...rows,
  ]);
}
