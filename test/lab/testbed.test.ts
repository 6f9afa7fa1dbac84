import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pRetry from "p-retry";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { moveSummary } from "../../moves/summary.ts";
import { mostAtOnce } from "../bench/several.ts";
import { changingHosts } from "./changing-hosts.ts";
import { expectOneStop } from "./downtimes.ts";
import { startCounter, verifyDisk } from "./guest-life.ts";
import { GuestUnderTest } from "./guest-under-test.ts";
import { TestProject } from "./project.ts";
import { LabStack, unchanged } from "./stack.ts";
import { containerOf, killContainers, tracesOf } from "./traces.ts";
import { transitions } from "./transitions.ts";

// One testbed, from its first `pulumi up` to its destroy: the tests go on from one another.
// All the while vm1 appends checksummed records to its disk, and a process in it counts.

const stackName = "e2e-test";
const bridge = "lab-e2e-test";
const network = "10.77.20";

let project: TestProject;
let stack: LabStack;
let vm1: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: `${network}.0/24`, bridge },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [
      {
        name: "vm1",
        memoryMiB: 512,
        diskGiB: 3,
        vnc: { listen: "0.0.0.0", password: "se&cret" },
        workload: { type: "disk", mibPerSecond: 0.25 },
      },
      {
        name: "vm2",
        memoryMiB: 320,
        diskGiB: 3,
        redo: "local",
        workload: { type: "disk", mibPerSecond: 0.25 },
      },
    ],
    placement: { vm1: "host1", vm2: "host2" },
  });
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
});

afterAll(async () => {
  // Whatever a failed test left.
  await stack.destroy();
  await project.remove();
});

// Without a testbed there is nothing to test.
let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.startsWith("up"), "the testbed did not come up"));

const traces = () => tracesOf(stackName, bridge, project.folder);

/** What a restart of anything would change. */
async function everythingRunning(): Promise<unknown> {
  const daemons =
    "systemctl show -p MainPID libvirtd ssh nfs-ganesha; pgrep -a qemu-system | cut -d ' ' -f 1,2,3";
  const hosts = ["storage", "host1", "host2"].map(async (host) => [
    host,
    await containerOf(stackName, host),
    await stack.on(host, daemons),
  ]);
  const { bootId, pid } = await vm1.life();
  return Promise.all([...hosts, bootId, pid]);
}

test("up, when a host cannot reach the export, says so and makes no guest", async () => {
  // No way from host1 to the storage host, though to everything else.
  const folder = `/var/lib/kvm-migration-testbed/${stackName}/hosts/host1/upper/etc/systemd/network`;
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "10-test.network"),
    `[Match]\nName=lo\n[Route]\nDestination=${network}.10/32\nType=unreachable\n`,
  );
  const { exitCode, text } = await stack.up();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/host1: has no route to the storage host at 10\.77\.20\.10 .*mend its routes/);
  expect(text).not.toContain("Domain vm1");
});

test("up goes on from there, to guests that can be logged in to", async () => {
  await stack.on("host1", `rm /etc/systemd/network/10-test.network; ip route del unreachable ${network}.10`);
  await stack.deploy();
  const { hosts, guests, migrations } = await stack.outputs();
  expect(Object.keys(hosts)).toEqual(["host1", "host2"]);
  expect(guests.vm1).toMatchObject({
    host: "host1",
    state: "running",
    address: `${network}.101`,
    vnc: `${network}.11:5901`,
    memoryMiB: 512,
  });
  expect(migrations.vm1).toEqual({ host: "host1", moves: 0 });
  expect(await stack.places("vm1")).toEqual({ host1: "running (booted)" });
  expect(await stack.places("vm2")).toEqual({ host2: "running (booted)" });
  expect(await stack.inGuest("vm1", "hostname")).toBe("vm1");
  await startCounter(stack, "vm1");
  isUp = true;
});

test("with nothing changed, preview changes nothing, and up neither updates nor restarts anything", async () => {
  const before = await everythingRunning();
  expect((await stack.preview()).text).toMatch(unchanged);
  expect(await everythingRunning()).toEqual(before);
  expect(await stack.deploy()).toMatch(unchanged);
  expect(await everythingRunning()).toEqual(before);
});

describe("a change of placement moves the guest, which goes on as if nothing had happened:", () => {
  test("live, as the preview says, telling how far it is", async () => {
    const before = await vm1.life();
    // So slow that how far it is is looked at more than once.
    vm1.place("host2", "live", { bandwidthMiBps: 50 });
    expect((await stack.preview()).text).toContain("vm1: moves host1 → host2, live, 512 MiB of memory");
    expect(await vm1.host()).toBe("host1");
    const said = await stack.deploy();
    // Less than a screen.
    expect(said.split("\n").length).toBeLessThan(40);
    expect(said).toMatch(/vm1: .*pass \d+, \d+ MiB remaining at [\d.]+ MiB\/s/);
    expect(said).toMatch(/vm1: runs on host2; total [\d.]+ s, downtime \d+ ms/);
    await vm1.expectOneCopyAt("host2");
    await vm1.expectLifeWentOn(before);
  });

  test("back offline", async () => {
    const before = await vm1.life();
    expect(await vm1.move("host1", "offline")).toMatch(/copying the state file, \d+ of \d+ MiB/);
    await vm1.expectOneCopyAt("host1");
    await vm1.expectLifeWentOn(before);
  });

  // Two hundred in a row are in test/faults/endurance.test.ts.
  test("and there and back again, live, there by the command for a move alone", async () => {
    const before = await vm1.life();
    const moved = await stack.project.command(
      "bin/move.ts",
      ...["vm1", "host2", "--mode", "live", "--stack", stackName],
    );
    expect(moved.text).toMatch(/│ vm1 +│ +512 │ host1 → host2 │ live /);
    expect(moved.exitCode).toBe(0);
    await vm1.expectOneCopyAt("host2");
    await vm1.move("host1", "live");
    await vm1.expectOneCopyAt("host1");
    await vm1.expectLifeWentOn(before);
  });

  test("and every move leaves a record whose figures add up, in the outputs and in the results file", async () => {
    const records = await vm1.records();
    expect(records.map(({ mode }) => mode)).toEqual(["live", "offline", "live", "live"]);
    for (const record of records) {
      expect(inconsistencies(record)).toEqual([]);
      expect(record).toMatchObject({ outcome: "completed", memoryMiB: 512 });
      expect(record.preflight?.map(({ verdict }) => verdict)).not.toContain("fail");
      expectOneStop(record);
    }
    expect((await stack.outputs()).migrations.vm1).toEqual({
      host: "host1",
      moves: 4,
      last: records.slice(-1).map(moveSummary)[0],
    });
  });
});

test("a cold move boots the guest at the destination, from the same disk", async () => {
  expect(await vm1.move("host2", "cold")).toContain("vm1: boots on host2; waiting until it answers");
  expect(await stack.places("vm1")).toEqual({ host2: "running (booted)" });
  const [record] = (await vm1.records()).slice(-1);
  expect(record).toMatchObject({ mode: "cold", outcome: "completed" });
  expect(record && inconsistencies(record)).toEqual([]);
  if (record) expectOneStop(record);
});

test("guests whose placement changes in one update move one after the other or at the same time, as the config lets a host take part", async () => {
  const both = [vm1, new GuestUnderTest(stack, "vm2")];
  // So slow that they would meet.
  const moveBoth = async (host: string, concurrentPerHost: number) => {
    for (const guest of both) guest.place(host, "live", { concurrentPerHost, bandwidthMiBps: 50 });
    const said = await stack.deploy();
    for (const guest of both) await guest.expectOneCopyAt(host);
    const records = await Promise.all(both.map(async (guest) => (await guest.records()).slice(-1)));
    return { said, records: records.flat() };
  };
  const apart = await moveBoth("host1", 1);
  expect(mostAtOnce(apart.records)).toBe(1);
  expect(apart.said).toMatch(/vm[12]: waits for vm[12] \(a host takes part in 1 at a time\)/);
  expect(apart.records.filter(({ waitedMs }) => waitedMs !== undefined)).toHaveLength(1);

  project.isTerminal = true;
  const together = await moveBoth("host2", 2);
  project.isTerminal = false;
  expect(mostAtOnce(together.records)).toBe(2);
  // Its part of 50; what becomes free when the other one is done is told, and its own.
  expect(together.said).toMatch(/vm[12]: .* remaining at 2[45]\.\d MiB\/s/);
  for (const { records } of [apart, together]) {
    expect(records.map(({ outcome }) => outcome)).toEqual(["completed", "completed"]);
    expect(records.flatMap(inconsistencies)).toEqual([]);
  }
});

test("a guest whose overlay is its host's own moves with it, live, offline and cold, and leaves none behind", async () => {
  const vm2 = new GuestUnderTest(stack, "vm2");
  const disks = "/var/lib/kvm-migration-testbed/disks";
  for (const [host, other, mode] of [
    ["host1", "host2", "live"],
    ["host2", "host1", "offline"],
    ["host1", "host2", "cold"],
  ] as const) {
    vm2.place(host, mode);
    await stack.deploy();
    await vm2.expectOneCopyAt(host);
    expect(await stack.on(host, `ls ${disks}`)).toMatch(/^vm2-[-0-9a-f]+\.qcow2$/);
    expect(await stack.on(other, `ls -A ${disks} 2>/dev/null || true`)).toBe("");
    const [record] = (await vm2.records()).slice(-1);
    expect(record).toMatchObject({ mode, outcome: "completed", redo: "local" });
    expect(record?.phases.map(({ name }) => name)).toContain("storage");
    expect(record?.storageMiB).toBeGreaterThan(1);
    expect(record && inconsistencies(record)).toEqual([]);
    await stack.reachable("vm2");
    expect(await verifyDisk(stack, "vm2")).toMatchObject({ lost: 0, problems: [] });
  }
  vm1.place(await vm1.host(), "live");
});

test("a change of memory and CPUs restarts a guest where it is; one that was switched off by hand is started", async () => {
  const { guests } = await stack.outputs();
  Object.assign(stack.config.guests[0] as object, { memoryMiB: 448, vcpus: 2 });
  await stack.virsh("host1", "destroy vm2");
  const { text } = await stack.preview();
  expect(text).toMatch(/vm1: (memoryMiB, vcpus|vcpus, memoryMiB) changed; it will be restarted where it is/);
  expect(text).toContain("vm2: it is off; it will be started");
  expect(await vm1.host()).toBe("host2");
  await stack.deploy();
  await vm1.expectOneCopyAt("host2");
  expect(await stack.places("vm2")).toEqual({ host1: "running (booted)" });
  const after = await stack.outputs();
  expect(after.guests.vm1).toMatchObject({ uuid: guests.vm1?.uuid, memoryMiB: 448 });
  expect(after.guests.vm2).toMatchObject({ uuid: guests.vm2?.uuid, state: "running" });
  await stack.reachable("vm1");
  expect(await stack.inGuest("vm1", "nproc")).toBe("2");
  await startCounter(stack, "vm1");
});

test("a guest that is taken out of the config is deleted wherever it runs, with its disk", async () => {
  const before = await vm1.life();
  // It is not where it was made; it is looked for everywhere.
  expect(await stack.places("vm2")).toEqual({ host1: "running (booted)" });
  stack.config.guests.pop();
  delete stack.config.placement.vm2;
  await stack.deploy();
  expect(await stack.places("vm2")).toEqual({});
  expect(await stack.on("storage", "ls /export/testbed")).not.toContain("vm2");
  for (const host of ["host1", "host2"]) {
    expect(await stack.on(host, "find / -xdev -name '*vm2*' -not -path '/var/log/*'")).toBe("");
  }
  await vm1.expectLifeWentOn(before);
});

transitions(() => stack);
changingHosts(() => vm1);

test("after all this, no write that the guest's disk acknowledged is lost", async () => {
  const { acknowledged, outdated, checked, lost, problems } = await verifyDisk(stack, "vm1");
  expect({ lost, problems }).toEqual({ lost: 0, problems: [] });
  expect(checked + outdated).toBe(acknowledged);
  expect(checked).toBeGreaterThan(100);
});

test("destroy leaves nothing, even after an up that was killed, with some of the containers dead", async () => {
  expect(await traces()).not.toEqual([]);
  const host = await vm1.stay();
  await killContainers(stackName, "storage", host);
  const serving = () => stack.on("storage", "systemctl is-active nfs-ganesha");
  await stack.killUp(() => pRetry(serving, { retries: 600, minTimeout: 100, factor: 1 }));
  await killContainers(stackName, "storage");
  expect(await stack.destroy()).toMatchObject({ exitCode: 0 });
  await expect.poll(traces, { timeout: 30_000 }).toEqual([]);
  expect(await readdir(project.path(".testbed"))).not.toContain(stackName);
  // The Terraform plugin's sockets: nobody but that process would remove them, and it was killed.
  // The folder of SSH's sockets is for all runs of this user; none of them is left.
  const files = await readdir(project.path("tmp"), { recursive: true });
  expect(files.filter((name) => !/^(plugin\d+|kvm-testbed-ssh-\d+)$/.test(name))).toEqual([]);
});
