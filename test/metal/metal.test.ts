import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import pRetry from "p-retry";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readFailoverRecords } from "../../moves/failover-record.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import type { StackInput } from "../../stacks/config.ts";
import { startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { unchanged } from "../lab/stack.ts";
import { readInventory } from "./inventory.ts";
import { expectAsFound, type MachineState, statesOf } from "./machine-state.ts";
import { MetalStack } from "./stack.ts";

// One testbed on machines of one's own (METAL_INVENTORY), from its first `pulumi up` to its destroy. The tests go on from one another.

const inventory = readInventory(process.env.METAL_INVENTORY as string);
const [first, second] = inventory.hosts.map(({ name }) => name) as [string, string];

let project: TestProject;
let stack: MetalStack;
let vm1: GuestUnderTest;
let found: Map<string, MachineState>;

beforeAll(async () => {
  // Stays when the test is killed: what undoes it is in there.
  project = await TestProject.make(await mkdtemp(join(tmpdir(), "testbed-metal-")));
  stack = new MetalStack(project, "metal-test", inventory);
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
  // A preview logs in to all machines, and so takes down the keys of new ones.
  const { exitCode, text } = await stack.preview();
  if (exitCode !== 0) throw new Error(text);
  found = await statesOf(stack);
});

afterAll(async () => {
  if (isDestroyed) return project.remove();
  await stack.destroyRest();
  await project.remove();
});

let isUp = false;
let isDestroyed = false;
const isBeforeUp = ({ name, suite }: { name: string; suite?: { name: string } | undefined }) =>
  name.startsWith("up brings") || suite?.name.startsWith("a mistake") === true;
beforeEach(({ skip, task }) => skip(!isUp && !isBeforeUp(task), "the testbed did not come up"));

// Within this time only if nothing waits, up to its own limit, for a machine that is not there.
describe("a mistake is told before anything is done:", { timeout: 300_000 }, () => {
  /** The inventory with something changed at its second host. */
  const atSecond = (change: object): Partial<StackInput> => ({
    hosts: inventory.hosts.map((host) => (host.name === second ? { ...host, ...change } : host)),
  });
  const knownHosts = () => project.path(".testbed", stack.name, "known_hosts");
  const makeKey = async (name: string) => {
    const file = project.path(name);
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    return file;
  };
  const refused = async (change: Partial<StackInput>, why: string | RegExp) => {
    const { config } = stack;
    const original = { ...config };
    Object.assign(config, change);
    try {
      const { exitCode, text } = await stack.preview();
      expect(text).toMatch(why);
      expect(exitCode).not.toBe(0);
    } finally {
      Object.assign(config, original);
    }
  };

  test("a host that is off, or whose SSH port is filtered", () =>
    // An address for documentation, which nobody has (RFC 5737).
    refused(atSecond({ address: "192.0.2.1", port: 22 }), "@192.0.2.1 port 22) does not answer"));
  test("a port on which nobody listens", () =>
    refused(atSecond({ address: "127.0.0.1", port: 1 }), `port 1) does not answer`));
  test("an uplink that is not there", () =>
    refused({ bridge: { name: "lab-mistake", uplink: "nosuch0" } }, `${first} has no interface nosuch0`));
  test("a user who may not log in", () =>
    refused(atSecond({ user: "nobody-there" }), "its host key is right, but logging in failed"));
  test("a private key that is not let in", async () =>
    refused({ ssh: { ...inventory.ssh, privateKeyFile: await makeKey("stranger") } }, "logging in failed"));

  test.skipIf(inventory.ssh.knownHosts !== "accept-new")("a host key that is not the known one", async () => {
    const known = await readFile(knownHosts(), "utf8");
    const [type, key] = (await readFile(`${await makeKey("impostor")}.pub`, "utf8")).split(" ");
    const entries = known.split("\n").flatMap((line) => line.split(" ")[0] || []);
    await writeFile(knownHosts(), [...new Set(entries)].map((entry) => `${entry} ${type} ${key}\n`).join(""));
    await refused({}, "has another host key than the one in").finally(() => writeFile(knownHosts(), known));
  });
});

test("up brings hosts, storage and two guests that can be logged in to", async () => {
  await stack.deploy();
  const { hosts, guests } = await stack.outputs();
  for (const host of Object.values(hosts)) {
    expect(host).toMatchObject({ accelerator: inventory.accelerator, nfsTransport: inventory.nfsTransport });
  }
  expect(guests).toMatchObject({ vm1: { host: first }, vm2: { host: second } });
  await startCounter(stack, "vm1");
  isUp = true;
});

describe("a guest moves", () => {
  test("live, and goes on as if nothing had happened", async () => {
    const before = await vm1.life();
    await vm1.move(second, "live");
    await vm1.expectOneCopyAt(second);
    await vm1.expectLifeWentOn(before);
  });

  test("offline back, with its memory", async () => {
    const before = await vm1.life();
    await vm1.move(first, "offline");
    await vm1.expectOneCopyAt(first);
    await vm1.expectLifeWentOn(before);
  });

  test.skipIf(!inventory.reboot)("is started elsewhere when its host is lost, and goes back", async () => {
    const boot = () => stack.on(first, "cat /proc/sys/kernel/random/boot_id");
    const before = await boot();
    // Nobody reaches the host, and its copy of the guest still writes, or tries to.
    await closeOff(first);
    Object.assign(stack.config, { lost: [first] });
    expect(await stack.deploy()).toContain("its writes to the export are refused");
    expect(await stack.virsh(second, "list --name")).toContain("vm1");
    await restartClosedOff(first);
    await booted();
    expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
    const failovers = await readFailoverRecords(project.path("results", `${stack.name}.failovers.jsonl`));
    expect(failovers).toMatchObject([{ guest: "vm1", from: first, to: second, proof: "export" }]);

    await changed(boot, before);
    Object.assign(stack.config, { lost: [] });
    await vm1.move(first, "live");
    await vm1.expectOneCopyAt(first);
    expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  });

  test("cold there, with its disk", async () => {
    await vm1.move(second, "cold");
    await vm1.expectOneCopyAt(second);
    await booted();
    expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  });

  test("and the records say under what conditions, and add up", async () => {
    const records = await vm1.records();
    expect(records.map(({ mode, outcome }) => [mode, outcome])).toEqual([
      ["live", "completed"],
      ["offline", "completed"],
      ...(inventory.reboot ? [["live", "completed"]] : []),
      ["cold", "completed"],
    ]);
    for (const record of records) {
      const { accelerator, nfsTransport } = inventory;
      expect(record).toMatchObject({ accelerator, nfsTransport });
      expect(inconsistencies(record)).toEqual([]);
    }
  });
});

test("up with nothing changed does nothing", async () => {
  expect(await stack.deploy()).toMatch(unchanged);
});

test.skipIf(!inventory.reboot)("after a power cut of all machines, up makes all whole", async () => {
  const boots = (machine: string) => stack.on(machine, "cat /proc/sys/kernel/random/boot_id");
  const before = await Promise.all(stack.machines.map(boots));
  // As a power cut would: an orderly end waits minutes for guests whose storage goes away at the same time.
  // Not at once: the way to one may lead over another.
  const cut = "systemd-run --quiet --on-active=15 systemctl reboot --force --force";
  await Promise.all(stack.machines.map((machine) => stack.on(machine, cut)));
  await Promise.all(stack.machines.map((machine, i) => changed(() => boots(machine), before[i] as string)));
  await stack.deploy();
  await vm1.expectOneCopyAt(second);
  await booted();
  expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  expect(await stack.deploy()).toMatch(unchanged);
});

test("destroy leaves each machine as it was found, but for packages", async () => {
  const { exitCode, text } = await stack.destroy();
  isDestroyed = exitCode === 0;
  expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
  await expectAsFound(stack, found);
});

/** Waits until something is told again, and is another. */
const changed = (ask: () => Promise<string>, before: string) =>
  pRetry(
    async () => {
      if ((await ask()) === before) throw new Error("not restarted yet");
    },
    { retries: 300, minTimeout: 2000, factor: 1 },
  );

/** Where a host that is closed off waits for the storage host to restart it. */
const restartPort = 10_022;

/** A host that nobody can log in to, whose guests have no network, and which still mounts the export. An hour later it restarts by itself. */
async function closeOff(host: string): Promise<void> {
  const restart = "systemctl reboot --force --force";
  await stack.on(
    host,
    `systemd-run --quiet --on-active=3600 ${restart}
systemd-run --quiet --unit=testbed-restart --socket-property=ListenStream=${restartPort} ${restart}
for guest in /sys/class/net/${inventory.bridge.name}/brif/vnet*; do ip link set "\${guest##*/}" nomaster; done
systemd-run --quiet --on-active=2 systemctl stop ssh.socket ssh.service`,
  );
  const refused = async () => {
    if ((await stack.attempt(host, "true")).exitCode === 0) throw new Error(`${host} still lets us in`);
  };
  await pRetry(refused, { retries: 30, minTimeout: 1000, factor: 1 });
}

async function restartClosedOff(host: string): Promise<void> {
  const { address, migrationAddress = address } = inventory.hosts.find(({ name }) => name === host) ?? {};
  await stack.on("storage", `bash -c ': > /dev/tcp/${migrationAddress}/${restartPort}'`);
}

/** Logged in to, however long it takes to boot. */
const booted = () => stack.reachable("vm1", { retries: 800 });
