import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { accidents } from "./accidents.ts";
import { startCounter, verifyDisk } from "./guest-life.ts";
import { GuestUnderTest } from "./guest-under-test.ts";
import { TestProject } from "./project.ts";
import { LabStack } from "./stack.ts";
import { tracesOf } from "./traces.ts";

// A testbed with one guest, and what may befall it: the tests go on from one another. All the while vm1 appends checksummed records to its
// disk, and a process in it counts.

const stackName = "accidents-test";
const bridge = "lab-accidents";
const network = "10.77.21";

let project: TestProject;
let stack: LabStack;
let vm1: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1", memoryMiB: 512, diskGiB: 3, workload: { type: "disk", mibPerSecond: 0.25 } }],
    placement: { vm1: "host1" },
  });
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
});

afterAll(async () => {
  // Whatever a failed test left.
  await stack.destroy();
  await project.remove();
});

// Without a testbed nothing can befall it.
let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.startsWith("up"), "the testbed did not come up"));

test("up makes a testbed with a guest that counts", async () => {
  await stack.deploy();
  await startCounter(stack, "vm1");
  isUp = true;
});

accidents(() => vm1);

test("all hosts are rebooted, one after the other, and the guest goes on elsewhere and comes home", async () => {
  await stack.deploy();
  const before = await vm1.life();
  const args = [stackName, "--each", "reboot", "--wait", "5"];
  const { exitCode, text } = await project.command("bin/maintain.ts", ...args);
  expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
  expect(text).toMatch(/host1 \(1 of 2\): it serves, booted anew.*host2 \(2 of 2\): it serves, booted anew/s);
  expect(text).toMatch(/^vm1: 2 moves, away for \d+\.\d\d s in all$/m);
  await vm1.expectOneCopyAt(stack.config.placement.vm1 ?? "");
  await vm1.expectLifeWentOn(before);
});

test("after all this, no write that the guest's disk acknowledged is lost", async () => {
  const { acknowledged, outdated, checked, lost, problems } = await verifyDisk(stack, "vm1");
  expect({ lost, problems }).toEqual({ lost: 0, problems: [] });
  expect(checked + outdated).toBe(acknowledged);
  expect(checked).toBeGreaterThan(100);
});

test("destroy leaves nothing", async () => {
  expect(await stack.destroy()).toMatchObject({ exitCode: 0 });
  await expect.poll(() => tracesOf(stackName, bridge, project.folder), { timeout: 30_000 }).toEqual([]);
});
