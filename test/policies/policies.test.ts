import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack, unchanged } from "../lab/stack.ts";
import { killContainers } from "../lab/traces.ts";

// Three hosts whose guests a policy places: what a preview decides is what an update does. The tests go on from one another.

const stackName = "policies-test";
const network = "10.77.52";
const hosts = ["host1", "host2", "host3"];
const guests = ["vm1", "vm2", "vm3"];

let project: TestProject;
let stack: LabStack;
let vm1: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  const workload = { type: "disk", mibPerSecond: 0.1 } as const;
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge: "lab-policies" },
    hosts: hosts.map((name) => ({ name, memoryMiB: 2048, cpus: 1 })),
    guests: [
      { name: "vm1", memoryMiB: 384, diskGiB: 3, workload },
      { name: "vm2", memoryMiB: 384, diskGiB: 3 },
      { name: "vm3", memoryMiB: 256, diskGiB: 3 },
    ],
    placement: Object.fromEntries(guests.map((name) => [name, "host1"])),
  });
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
});

afterAll(async () => {
  await stack.destroy();
  await project.remove();
});

let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.startsWith("up"), "the testbed did not come up"));

/** Where each guest runs, as the stack says: a host that is off can be asked nothing. */
async function saidPlaces(): Promise<Record<string, string>> {
  const { guests: said } = await stack.outputs();
  return Object.fromEntries(Object.entries(said).map(([name, { host }]) => [name, host]));
}

/** Where each guest runs, seen on the hosts. */
async function places(): Promise<Record<string, string>> {
  const found = await Promise.all(
    guests.map(async (name) => [name, await new GuestUnderTest(stack, name).host()] as const),
  );
  return Object.fromEntries(found);
}

/** Guests that a preview says it would move, with their destinations. */
const movesIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/(vm\d): moves host\d → (host\d)/g)].map(([, guest, to]) => [guest, to]),
  );

const balanced = { kind: "balance", load: "declared", restMinutes: 0 } as const;

test("up puts guests where they are placed", async () => {
  await stack.deploy();
  isUp = true;
  await startCounter(stack, "vm1");
  expect(await places()).toEqual({ vm1: "host1", vm2: "host1", vm3: "host1" });
});

test("what a preview decided is what the update does, and its records say so; then nothing is to be moved", async () => {
  stack.config.policy = balanced;
  stack.config.placement = {};
  const before = await vm1.life();
  const { text } = await stack.preview();
  expect(text).toMatch(/policy balance: 2 moves, .* GiB, about .* in all/);
  const moves = movesIn(text);
  expect(Object.keys(moves)).toHaveLength(2);
  await stack.deploy();
  expect(await places()).toEqual({ vm1: "host1", vm2: "host1", vm3: "host1", ...moves });
  expect(new Set(Object.values(await places())).size).toBe(3);
  await vm1.expectLifeWentOn(before);
  const { policy } = await stack.outputs();
  for (const guest of Object.keys(moves)) {
    const [record] = (await new GuestUnderTest(stack, guest).records())
      .filter((one) => one.guest === guest)
      .slice(-1);
    expect(record).toMatchObject({
      reason: expect.stringContaining("evens out hosts"),
      decision: policy?.at,
    });
  }
  expect(await stack.deploy()).toMatch(unchanged);
});

test("a rule is kept, and a pin wins", async () => {
  const third = (await places()).vm3 as string;
  stack.config.affinity = [{ name: "pair", together: ["vm1", "vm3"] }];
  stack.config.placement = { vm3: third };
  await stack.deploy();
  expect(await places()).toMatchObject({ vm1: third, vm3: third });
  stack.config.affinity = [];
  stack.config.placement = {};
  await stack.deploy();
});

test("a guest that someone moved after the preview is seen: it is decided anew", async () => {
  const before = await places();
  stack.config.placement = { vm2: before.vm1 as string };
  await stack.preview();
  const [from, to] = [before.vm3, hosts.find((name) => !Object.values(before).includes(name)) ?? before.vm1];
  await stack.virsh(
    from as string,
    `migrate --live --p2p --persistent --undefinesource vm3 qemu+ssh://${to}/system`,
  );
  expect(await stack.deploy()).toContain("decided anew: vm3 was found on");
  stack.config.placement = {};
});

test("consolidate empties a host and switches it off; balance needs it again", async () => {
  const before = await vm1.life();
  stack.config.policy = { ...balanced, kind: "consolidate" };
  expect(await stack.deploy()).toMatch(/no guest is there; switching it off[\s\S]*is off/);
  const used = new Set(Object.values(await saidPlaces()));
  expect(used.size).toBeLessThan(3);
  for (const host of used) await stack.on(host, "true");
  expect(await stack.deploy()).toMatch(unchanged);
  stack.config.policy = balanced;
  expect(await stack.deploy()).toMatch(/switching it on[\s\S]*is on[\s\S]*moves host/);
  expect(new Set(Object.values(await places())).size).toBe(3);
  await vm1.expectLifeWentOn(before);
});

test("a keeper finds a host that died, has its guests started elsewhere, and keeps what they wrote", async () => {
  const dead = await vm1.host();
  await killContainers(stackName, dead);
  await stack.write();
  const { text, exitCode } = await project.command(
    "bin/keep.ts",
    stackName,
    "--every",
    "5",
    "--silences",
    "1",
    "--once",
  );
  expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
  expect(text).toMatch(new RegExp(`lose: ${dead} does not answer[\\s\\S]*lose done after`));
  const { vm1: host = "" } = await saidPlaces();
  expect(host).not.toBe(dead);
  for (const alive of hosts.filter((name) => name !== dead))
    expect((await stack.virsh(alive, "list --name")).includes("vm1")).toBe(alive === host);
  expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
});
