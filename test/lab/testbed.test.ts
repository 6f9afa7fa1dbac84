import { readdir } from "node:fs/promises";
import pRetry from "p-retry";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MigrationMode } from "../../report/record.ts";
import { inconsistencies, recordSchema } from "../../report/record.ts";
import { readRecords } from "../../report/results.ts";
import { counterFaults, type Life, lifeOf, startCounter, verifyDisk } from "./guest-life.ts";
import { TestProject } from "./project.ts";
import { LabStack } from "./stack.ts";
import { containerOf, tracesOf } from "./traces.ts";

// One testbed, from its first `pulumi up` to its destroy, with the accidents of its life: the tests go on from one another.
// All the while a guest appends checksummed records to its disk, and a process in it counts.

const stackName = "e2e-test";
const bridge = "lab-e2e-test";

let project: TestProject;
let stack: LabStack;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(
    project,
    stackName,
    {
      lab: { network: "10.77.20.0/24", bridge },
      hosts: [{ name: "host1" }, { name: "host2" }],
      guests: [
        {
          name: "vm1",
          memoryMiB: 512,
          diskGiB: 3,
          vnc: { listen: "0.0.0.0", password: "se&cret" },
          workload: { type: "disk", mibPerSecond: 0.25 },
        },
      ],
      placement: { vm1: "host1" },
      migration: { mode: "live" },
    },
    { storage: "10.77.20.10", host1: "10.77.20.11", host2: "10.77.20.12", vm1: "10.77.20.101" },
  );
  await stack.init();
});

afterAll(async () => {
  await stack.destroy();
  await project.remove();
});

// Without a testbed there is nothing to test.
let isUp = false;
beforeEach(({ skip, task }) =>
  skip(!isUp && !task.name.startsWith("up brings"), "the testbed did not come up"),
);

async function move(mode: MigrationMode, to: string): Promise<string> {
  stack.config.migration = { ...stack.config.migration, mode };
  stack.config.placement.vm1 = to;
  return stack.deploy();
}

/** What a restart of anything would change. */
async function everythingRunning(): Promise<unknown> {
  const daemons =
    "systemctl show -p MainPID libvirtd ssh nfs-ganesha; pgrep -a qemu-system | cut -d ' ' -f 1,2,3";
  const hosts = ["storage", "host1", "host2"].map(async (host) => [
    host,
    await containerOf(stackName, host),
    await stack.on(host, daemons),
  ]);
  return Promise.all([...hosts, lifeOf(stack, "vm1").then(({ bootId, pid }) => ({ bootId, pid }))]);
}

const unchanged = /^Resources:\n +\d+ unchanged$/m;

/** The guest never stopped living: the same boot, the same process, which counted on. */
function expectLifeWentOn(before: Life, after: Life): void {
  expect({ bootId: after.bootId, pid: after.pid }).toEqual({ bootId: before.bootId, pid: before.pid });
  expect(after.count).toBeGreaterThan(before.count);
  expect(after.uptimeS).toBeGreaterThan(before.uptimeS);
}

test("up brings hosts, storage and a guest that can be logged in to", async () => {
  await stack.deploy();
  const { hosts, guests, migrations } = await stack.outputs();
  expect(Object.keys(hosts)).toEqual(["host1", "host2"]);
  expect(guests.vm1).toMatchObject({
    host: "host1",
    state: "running",
    vnc: "10.77.20.11:5901",
    memoryMiB: 512,
  });
  expect(migrations.vm1).toEqual({ host: "host1", moves: 0, history: [] });
  expect(await stack.places("vm1")).toEqual({ host1: "running (booted)" });
  expect(await stack.inGuest("vm1", "hostname")).toBe("vm1");
  await startCounter(stack, "vm1");
  isUp = true;
});

describe("with nothing changed", () => {
  test("preview changes nothing, and up neither updates nor restarts anything", async () => {
    const before = await everythingRunning();
    expect((await stack.preview()).text).toMatch(unchanged);
    expect(await everythingRunning()).toEqual(before);
    expect(await stack.deploy()).toMatch(unchanged);
    expect(await everythingRunning()).toEqual(before);
  });
});

describe("a change of placement moves the guest", () => {
  test("live, and back offline: it goes on as if nothing had happened", async () => {
    const before = await lifeOf(stack, "vm1");
    const said = await move("live", "host2");
    expect(said).toMatch(/vm1: .*pass \d+, \d+ MiB remaining at [\d.]+ MiB\/s/);
    expect(await stack.places("vm1")).toEqual({ host2: "running (migrated)" });
    const between = await lifeOf(stack, "vm1");
    expectLifeWentOn(before, between);
    await move("offline", "host1");
    expect(Object.keys(await stack.places("vm1"))).toEqual(["host1"]);
    expectLifeWentOn(between, await lifeOf(stack, "vm1"));
    expect(await counterFaults(stack, "vm1")).toBe("");
  });

  test("ten times live in a row", async () => {
    const before = await lifeOf(stack, "vm1");
    for (let i = 1; i <= 10; i++) await move("live", i % 2 ? "host2" : "host1");
    expectLifeWentOn(before, await lifeOf(stack, "vm1"));
    expect(await counterFaults(stack, "vm1")).toBe("");
  });

  test("cold: it boots there, from the same disk", async () => {
    const before = await lifeOf(stack, "vm1");
    await move("cold", "host2");
    expect(await stack.places("vm1")).toEqual({ host2: "running (booted)" });
    // The machine runs; the system in it still boots.
    const bootId = () => stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id");
    expect(await pRetry(bootId, { retries: 60, minTimeout: 2000, factor: 1 })).not.toBe(before.bootId);
  });

  test("and every move leaves a record whose figures add up", async () => {
    const { migrations } = await stack.outputs();
    const { records, unreadable } = await readRecords(project.path("results", `${stackName}.jsonl`));
    expect(unreadable).toEqual([]);
    expect(migrations.vm1).toMatchObject({ host: "host2", moves: 13 });
    expect(migrations.vm1?.history).toEqual(records.toReversed());
    expect(migrations.vm1?.last).toEqual(records.at(-1));
    for (const record of records) {
      expect(recordSchema.parse(record)).toEqual(record);
      expect(inconsistencies(record)).toEqual([]);
      expect(record.outcome).toBe("completed");
    }
    expect(records.map(({ mode }) => mode)).toEqual(["live", "offline", ...Array(10).fill("live"), "cold"]);
  });

  test("and no write that the disk acknowledged is lost", async () => {
    const { acknowledged, checked, lost, problems } = await verifyDisk(stack, "vm1");
    expect({ lost, problems }).toEqual({ lost: 0, problems: [] });
    expect(checked).toBe(acknowledged);
    expect(acknowledged).toBeGreaterThan(100);
  });
});

describe("destroy", () => {
  test("leaves nothing of the testbed on this machine", async () => {
    expect((await tracesOf(stackName, bridge, project.folder)).length).toBeGreaterThan(0);
    expect(await stack.destroy()).toMatchObject({ exitCode: 0 });
    // Processes that were told to end take a moment.
    await expect.poll(() => tracesOf(stackName, bridge, project.folder), { timeout: 60_000 }).toEqual([]);
    await expect.poll(() => readdir(project.path("tmp")), { timeout: 60_000 }).toEqual([]);
  });
});
