import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { unchanged } from "../lab/stack.ts";
import { readUefiVariable, writeUefiVariable } from "../lab/uefi-variable.ts";
import {
  folder,
  guestAddresses,
  makeExistingThings,
  type Place,
  placeOf,
  pool,
  removeExistingThings,
  vlanBridge,
} from "./existing-things.ts";
import { readInventory } from "./inventory.ts";
import { expectAsFound, type MachineState, statesOf } from "./machine-state.ts";
import { MetalStack } from "./stack.ts";

// On machines of one's own (METAL_INVENTORY): an export with its mounts and pool, and a VLAN with its bridges, that are there already. One
// of two guests in the VLAN starts by UEFI, and goes there, back and there. The tests go on from one another.

const inventory = readInventory(process.env.METAL_INVENTORY as string);
const [first, second] = inventory.hosts.map(({ name }) => name) as [string, string];
const guestAddress = Object.fromEntries(
  guestAddresses.map((cidr, at) => [`vm${at + 1}`, cidr.split("/")[0] as string]),
);

let place: Place;
let project: TestProject;
let stack: MetalStack;
let vm1: GuestUnderTest;
let found: Map<string, MachineState>;

beforeAll(async () => {
  place = placeOf(inventory);
  // Stays when the test is killed: what undoes it is in there.
  project = await TestProject.make(await mkdtemp(join(tmpdir(), "testbed-metal-")));
  stack = new MetalStack(project, "metal-existing", {
    ...inventory,
    storage: { ...inventory.storage, export: folder, pool, existing: true },
    guests: { ...inventory.guests, addresses: guestAddresses },
  });
  const { guests } = stack.config;
  if (inventory.uefi) Object.assign(guests[0] ?? {}, { firmware: "uefi" });
  vm1 = new GuestUnderTest(stack, "vm1");
  await stack.init();
  // A preview logs in to all machines, and so takes down the keys of new ones.
  const { exitCode, text } = await stack.preview();
  if (exitCode !== 0) throw new Error(text);
  await makeExistingThings(stack, place);
  found = await statesOf(stack);
});

afterAll(async () => {
  if (!isDestroyed) await stack.destroyRest();
  await removeExistingThings(stack, place);
  await project.remove();
});

let isDestroyed = false;

test("an uplink that carries a VLAN is not put into a new bridge", async () => {
  const { exitCode, text } = await stack.up();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/carries \S+, which would be cut off if it joined a new bridge/);
  for (const host of place.hosts) {
    const links = await stack.on(host, "ls /sys/class/net");
    expect(links.split("\n")).not.toContain(inventory.bridge.name);
  }
});

test("guests are made where storage is already, one with UEFI and one with BIOS", async () => {
  stack.config.bridge = { name: vlanBridge };
  await stack.deploy();
  const { hosts, guests } = await stack.outputs();
  for (const host of Object.values(hosts)) {
    expect(host).toMatchObject({ accelerator: inventory.accelerator, nfsTransport: "kernel" });
  }
  expect(guests).toMatchObject({ vm1: { host: first }, vm2: { host: second } });
  if (inventory.uefi) await writeUefiVariable(stack, "vm1", "kept");
  await startCounter(stack, "vm1");
  expect(await stack.inGuest("vm2", "ls -d /sys/firmware/efi 2>/dev/null || echo BIOS")).toBe("BIOS");
  expect((await stack.preview()).text).toMatch(unchanged);
});

/** One opens a connection to the other. */
const reaches = (from: string, to: string) =>
  stack.inGuest(from, `timeout 30 bash -c 'read -r said < /dev/tcp/${guestAddress[to]}/22 && echo "$said"'`);

async function expectBothReached(): Promise<void> {
  expect(await reaches("vm1", "vm2")).toMatch(/^SSH-/);
  expect(await reaches("vm2", "vm1")).toMatch(/^SSH-/);
}

test("guests of both hosts reach each other in the VLAN, and nothing else is on its bridge", async () => {
  await expectBothReached();
  for (const host of place.hosts) {
    const ports = await stack.on(host, `ls /sys/class/net/${vlanBridge}/brif | sort | xargs`);
    expect(ports).toMatch(/^testbed-tagged vnet\d+$/);
  }
});

describe("a guest whose UEFI variables are on the export moves in the VLAN", () => {
  const wentTo = async (host: string) => {
    await vm1.expectOneCopyAt(host);
    if (inventory.uefi) expect(await readUefiVariable(stack, "vm1")).toBe("kept");
    await expectBothReached();
  };

  test("live, and who is connected to it stays so", async () => {
    const before = await vm1.life();
    const session = execa("ssh", stack.logins.guest("vm1", "echo connected; head -n 1"), { stdin: "pipe" });
    await new Promise((resolve, reject) => {
      session.stdout.once("data", resolve);
      session.catch(reject);
    });
    await vm1.move(second, "live");
    session.stdin.write("still there\n");
    expect((await session).stdout).toBe("connected\nstill there");
    await wentTo(second);
    await vm1.expectLifeWentOn(before);
  });

  test("offline back, with its memory", async () => {
    const before = await vm1.life();
    await vm1.move(first, "offline");
    await wentTo(first);
    await vm1.expectLifeWentOn(before);
  });

  test("cold there, with its disk", async () => {
    await vm1.move(second, "cold");
    await stack.reachable("vm1", { retries: 800 });
    await wentTo(second);
    expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  });
});

test("and the records add up", async () => {
  const records = await vm1.records();
  expect(records.map(({ mode, outcome }) => [mode, outcome])).toEqual(
    ["live", "offline", "cold"].map((mode) => [mode, "completed"]),
  );
  for (const record of records) {
    expect(record).toMatchObject({ accelerator: inventory.accelerator, nfsTransport: "kernel" });
    expect(inconsistencies(record)).toEqual([]);
  }
});

test("destroy leaves the export, the mounts, the pool, the VLAN and what others have there", async () => {
  const { exitCode, text } = await stack.destroy();
  isDestroyed = exitCode === 0;
  expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
  await expectAsFound(stack, found);
  for (const machine of stack.machines) {
    expect(await stack.on(machine, `ls -A ${folder}; cat ${folder}/theirs`)).toBe("theirs\ntheirs");
  }
  expect(await stack.on(place.storage, `virsh -q pool-info ${pool}`)).toMatch(/^State: +running$/m);
});
