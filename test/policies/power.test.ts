import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack, unchanged } from "../lab/stack.ts";
import { containerOf, killContainers, tracesOf } from "../lab/traces.ts";

// A host with a size of its own, which is emptied and switched off, needed again, lost, and comes back. The tests go on from one another.

const stackName = "power-test";
const bridge = "lab-power-test";
const network = "10.77.51";

let project: TestProject;
let stack: LabStack;
let vm2: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  const workload = { type: "disk", mibPerSecond: 0.25 } as const;
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge },
    hosts: [{ name: "host1" }, { name: "host2", memoryMiB: 1400, cpus: 1, power: { idleW: 95 } }],
    guests: [
      { name: "vm1", memoryMiB: 320, diskGiB: 3 },
      { name: "vm2", memoryMiB: 384, diskGiB: 3, workload },
    ],
    placement: { vm1: "host1", vm2: "host2" },
  });
  vm2 = new GuestUnderTest(stack, "vm2");
  await stack.init();
});

afterAll(async () => {
  // Whatever a failed test left.
  await stack.destroy();
  await project.remove();
});

let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.startsWith("up"), "the testbed did not come up"));

const host2 = async () => (await stack.outputs()).hosts.host2;
/** Whether its container answers; one that is off has none. */
const answers = async () => (await stack.attempt("host2", "true")).exitCode === 0;
const guestsOn = (host: string) => stack.virsh(host, "list --name");

test("up makes a host that has what it was given, and holds it to that", async () => {
  await stack.deploy();
  isUp = true;
  expect(await host2()).toMatchObject({
    memoryMiB: 1400,
    held: "memory held, cpus held",
    watts: { from: "declared", idleW: 95 },
  });
  await startCounter(stack, "vm2");
  // What takes more than that is ended, and the guest is not.
  const { stdout } = await stack.attempt("host2", "head -c 1600M /dev/zero | tail | wc -c");
  expect(stdout.trim()).not.toBe(String(1600 * 2 ** 20));
  await vm2.expectOneCopyAt("host2");
});

test("another size holds without a restart", async () => {
  const before = [await containerOf(stackName, "host2"), await vm2.life()] as const;
  Object.assign(stack.config.hosts[1] ?? {}, { memoryMiB: 1800, cpus: 1.5 });
  await stack.deploy();
  expect(await host2()).toMatchObject({ memoryMiB: 1800, held: "memory held, cpus held" });
  expect(await containerOf(stackName, "host2")).toEqual(before[0]);
  await vm2.expectLifeWentOn(before[1]);
});

test("a host with a stranger's guest is not switched off", async () => {
  await stack.on(
    "host2",
    "echo '<domain type=\"qemu\"><name>stranger</name><memory>1024</memory><os><type>hvm</type></os></domain>' | virsh -q -c qemu:///system define /dev/stdin",
  );
  stack.config.off = ["host2"];
  const { exitCode, text } = await stack.preview();
  expect(exitCode).not.toBe(0);
  expect(text).toContain("host2 is to be off, and has stranger, which is not of this testbed");
  await stack.virsh("host2", "undefine stranger");
});

test("a host that is to be off is emptied and switched off, and its guest lives on", async () => {
  const before = await vm2.life();
  expect(await stack.deploy()).toMatch(
    /vm2: moves host2 → host1.*\(host2 is to be off\)[\s\S]*host2: no guest is there; switching it off[\s\S]*host2: is off/,
  );
  expect(await answers()).toBe(false);
  expect(await guestsOn("host1")).toContain("vm2");
  await vm2.expectLifeWentOn(before);
  expect(await host2()).toMatchObject({ power: "off", memoryMiB: 1800 });
});

test("while it is off nothing asks it: neither up nor a refresh", async () => {
  expect(await stack.deploy()).toMatch(unchanged);
  const { exitCode, text } = await stack.refresh();
  expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
  expect(await stack.deploy()).toMatch(unchanged);
});

test("needed again it is switched on, and its guest comes back alive", async () => {
  const before = await vm2.life();
  stack.config.off = [];
  expect(await stack.deploy()).toMatch(
    /host2: switching it on[\s\S]*host2: is on[\s\S]*vm2: moves host1 → host2/,
  );
  await vm2.expectOneCopyAt("host2");
  await vm2.expectLifeWentOn(before);
  expect(await host2()).toMatchObject({ power: "on", held: "memory held, cpus held" });
  expect(await stack.deploy()).toMatch(unchanged);
});

test("a host that answers is not lost", async () => {
  stack.config.lost = ["host2"];
  const { exitCode, text } = await stack.preview();
  expect(exitCode).not.toBe(0);
  expect(text).toContain("host2 answers over SSH, so its guests may run");
  await vm2.expectOneCopyAt("host2");
});

test("one that died is, and its guest is started elsewhere with all that it had written", async () => {
  await killContainers(stackName, "host2");
  expect(await stack.deploy()).toMatch(
    /host2: is off, as its power\.status says; its guests are started elsewhere[\s\S]*vm2: started on host1, as host2 is lost; proof .*, first answer/,
  );
  expect(await guestsOn("host1")).toContain("vm2");
  expect(await verifyDisk(stack, "vm2")).toMatchObject({ lost: 0, problems: [] });
  const file = project.path("results", `${stackName}.failovers.jsonl`);
  expect(JSON.parse((await readFile(file, "utf8")).trim())).toMatchObject({
    ...{ guest: "vm2", from: "host2", to: "host1", proof: "power" },
    firstAnswerMs: expect.any(Number),
  });
  expect(await stack.deploy()).toMatch(unchanged);
});

test("it comes back with no second copy, and with its guest", async () => {
  stack.config.lost = [];
  await stack.deploy();
  await vm2.expectOneCopyAt("host2");
  expect(await verifyDisk(stack, "vm2")).toMatchObject({ lost: 0, problems: [] });
  expect(await stack.deploy()).toMatch(unchanged);
});

test("destroy leaves nothing, with a host that is off", async () => {
  stack.config.off = ["host2"];
  await stack.deploy();
  expect((await stack.destroy()).exitCode).toBe(0);
  expect(await tracesOf(stackName, bridge, project.folder)).toEqual([]);
});
