import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Life, startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack, unchanged } from "../lab/stack.ts";
import { containerOf, killContainers, signal } from "../lab/traces.ts";
import type { Fault } from "./fault.ts";
import { faults } from "./faults.ts";
import {
  type HostCase,
  type HostMoment,
  type HostSeen,
  hostCaseName,
  hostCases,
  hosts,
} from "./host-cases.ts";
import { selectBy } from "./selection.ts";
import { intents } from "./storage-faults.ts";
import { FaultTable, thisProgram } from "./table.ts";

// A host that is switched off or on, or lost, by an update that is struck in the middle. After each a plain `pulumi up` puts things right
// without hands: the host is as the stack says, its guest has one copy, and no write that was acknowledged is lost.

const { FAULTS_ONLY: only, FAULTS_PART: part, FAULTS_SEEN: seenFile } = process.env;
const table = await FaultTable.open(hosts, seenFile, await thisProgram());
const selected = selectBy(hostCaseName, hostCases, { only, part, seen: table.names });

const number = Number(part?.split("/")[0] ?? 0);
const stackName = `host-faults-${number}`;
const network = `10.77.${60 + number}`;

let project: TestProject;
let stack: LabStack;
let guest: GuestUnderTest<LabStack>;

beforeAll(async () => {
  if (selected.length === 0) return;
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge: `lab-hosts-${number}` },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1", memoryMiB: 384, diskGiB: 3, workload: { type: "disk", mibPerSecond: 0.1 } }],
    placement: { vm1: "host2" },
  });
  guest = new GuestUnderTest(stack, "vm1");
  await stack.init();
});

afterAll(async () => {
  if (selected.length === 0) return;
  await stack.destroy();
  await project.remove();
});

test.skipIf(selected.length > 0)("all selected cases were seen before", () => {});
test.each(selected.map((one) => [hostCaseName(one), one] as const))("%s", async (_, one) => {
  const seen = await survive(one).catch(async (error: unknown) => {
    await table.addFailure(one, error);
    throw error;
  });
  await table.add(one, seen);
});

/** Both hosts are on, and the guest is on the second one. */
async function begin(): Promise<Life> {
  Object.assign(stack.config, { off: [], lost: [] });
  await stack.deploy();
  await guest.expectOneCopyAt("host2");
  await stack.reachable("vm1");
  return guest.life().catch(async () => {
    await startCounter(stack, "vm1");
    return guest.life();
  });
}

async function survive(one: HostCase): Promise<HostSeen> {
  let before = await begin();
  if (one.act === "on") {
    stack.config.off = ["host2"];
    await stack.deploy();
    before = await guest.life();
  }
  if (one.act === "lost") await killContainers(stackName, "host2");
  Object.assign(stack.config, {
    off: one.act === "off" ? ["host2"] : [],
    lost: one.act === "lost" ? ["host2"] : [],
  });
  const { exitCode } = await stack.strikeUp(
    () => moments[one.moment](one),
    (cli) => strike(one, cli),
  );

  await stack.deploy();
  await stack.reachable("vm1");
  expect(await isOn("host2")).toBe(one.act === "on");
  if (one.act === "on") await guest.expectOneCopyAt("host2");
  // The other host can be asked nothing, and has nothing that runs.
  else expect(await stack.virsh("host1", "list --name")).toContain("vm1");
  expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  expect(await stack.deploy()).toMatch(unchanged);

  const isKept = (await stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id")) === before.bootId;
  expect(isKept).toBe(one.act !== "lost" && one.fault !== "power");
  if (isKept) await guest.expectLifeWentOn(before);
  return {
    struckUp: exitCode === 0 ? "succeeded" : exitCode === -1 ? "was killed" : "failed",
    memory: isKept ? "kept" : one.act === "lost" ? "booted anew" : "lost",
  };
}

async function strike({ fault }: HostCase, cli: number): Promise<void> {
  if (fault !== "power") {
    const { strike: does }: Fault = faults[fault];
    return void (await does?.({ stack, guest: "vm1", from: "host1", to: "host2" }, cli));
  }
  // Of those that are on.
  signal(cli, "SIGKILL");
  for (const host of ["host1", "host2", "storage"])
    if (await isOn(host)) await killContainers(stackName, host);
}

const moments: Record<HostMoment, (one: HostCase) => Promise<unknown>> = {
  noted: ({ act }) =>
    stack.until("storage", `grep -q "${act === "lost" ? "lost" : "switched off"}" ${intents}.off/host2`),
  dark: () => until(async () => !(await isOn("host2"))),
  lit: () => until(() => isOn("host2")),
  booting: () => stack.until("host1", "virsh -q -c qemu:///system list --name | grep -qx vm1"),
};

/** Whether the container's first process is there. */
const isOn = async (host: string): Promise<boolean> => {
  const { init } = await containerOf(stackName, host);
  if (Number.isNaN(init)) return false;
  try {
    return process.kill(init, 0);
  } catch {
    return false;
  }
};

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error("the moment did not come within 120 s");
    await sleep(20);
  }
}
