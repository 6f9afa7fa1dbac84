import { execa } from "execa";
import pRetry from "p-retry";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MigrationMode } from "../../report/record.ts";
import { readRecords } from "../../report/results.ts";
import { counterFaults, lifeOf, startCounter, verifyDisk } from "./guest-life.ts";
import { TestProject } from "./project.ts";
import { LabStack } from "./stack.ts";
import { containerOf, signal, tracesOf } from "./traces.ts";

// One testbed and the accidents that may befall it: after each, the next `pulumi up` puts things right. The tests go on from one another.

const stackName = "faults-test";
const bridge = "lab-faults";

let project: TestProject;
let stack: LabStack;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(
    project,
    stackName,
    {
      lab: { network: "10.77.23.0/24", bridge },
      hosts: [{ name: "host1" }, { name: "host2" }],
      guests: [{ name: "vm1", memoryMiB: 448, diskGiB: 3, workload: { type: "disk", mibPerSecond: 0.25 } }],
      placement: { vm1: "host1" },
    },
    { storage: "10.77.23.10", host1: "10.77.23.11", host2: "10.77.23.12", vm1: "10.77.23.101" },
  );
  await stack.init();
});

afterAll(async () => {
  await stack.destroy();
  await project.remove();
});

// Without a testbed there is nothing to test.
let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && task.name !== "up", "the testbed did not come up"));

const other = (host: string): string => (host === "host1" ? "host2" : "host1");

async function whereItRuns(): Promise<string> {
  const [host = "nowhere", ...more] = Object.keys(await stack.places("vm1"));
  expect(more).toEqual([]);
  return host;
}

/** The stack's config as it is with the guest where it is, and nothing special about its moves. */
async function atRest(): Promise<string> {
  const host = await whereItRuns();
  stack.config.placement.vm1 = host;
  stack.config.migration = { mode: "live" };
  return host;
}

/** Logged in to, however long it takes to boot. */
const booted = () => pRetry(() => stack.inGuest("vm1", "true"), { retries: 60, minTimeout: 2000, factor: 1 });

async function expectOneCopyAt(host: string): Promise<void> {
  const places = await stack.places("vm1");
  expect(Object.keys(places)).toEqual([host]);
  expect(places[host]).toMatch(/^running/);
  expect(await stack.unfinished()).toEqual([]);
}

test("up", async () => {
  await stack.deploy();
  await startCounter(stack, "vm1");
  isUp = true;
});

describe("the CLI and all its plugins are killed in the middle of a move", () => {
  const sent = `virsh domjobinfo vm1 | grep -qE "Memory processed: *[0-9.]+ MiB"`;
  const begun = "ls /export/testbed/.migrations/*.json";

  const moments: [string, MigrationMode, (from: string, to: string) => Promise<unknown>][] = [
    ["while memory is sent", "live", (from) => stack.until(from, sent)],
    ["right after the intent was written", "offline", () => stack.until("storage", begun)],
    [
      "while the state file is copied",
      "offline",
      (_, to) => stack.until(to, "ls /var/lib/kvm-migration-testbed/moving/*.part"),
    ],
  ];
  test.each(moments)(
    "%s (%s): the next up brings the guest there, with its memory",
    async (_, mode, moment) => {
      const from = await atRest();
      const to = other(from);
      const before = await lifeOf(stack, "vm1");
      stack.config.migration = { mode, ...(mode === "live" && { bandwidthMiBps: 32 }) };
      stack.config.placement.vm1 = to;
      await stack.killUp(() => moment(from, to));

      await stack.deploy();
      await expectOneCopyAt(to);
      const { bootId, pid } = await lifeOf(stack, "vm1");
      expect({ bootId, pid }).toEqual({ bootId: before.bootId, pid: before.pid });
      expect(await counterFaults(stack, "vm1")).toBe("");
    },
  );

  test("while it shuts down (cold): the next up boots it there, from the same disk", async () => {
    const from = await atRest();
    const to = other(from);
    stack.config.migration = { mode: "cold" };
    stack.config.placement.vm1 = to;
    await stack.killUp(() => stack.until("storage", begun));

    await stack.deploy();
    await expectOneCopyAt(to);
    await booted();
    expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
    await startCounter(stack, "vm1");
  });
});

describe("a guest that someone moved by hand", () => {
  async function moveByHand(): Promise<{ from: string; to: string }> {
    const from = await atRest();
    await stack.deploy();
    const to = other(from);
    await stack.virsh(from, `migrate --live --persistent --undefinesource vm1 qemu+ssh://${to}/system`);
    return { from, to };
  }

  test("shows in a refresh, and stops an up that is told to", async () => {
    const { from, to } = await moveByHand();
    expect((await stack.refresh()).text).toContain(`found on ${to}`);

    stack.config.migration = { mode: "live", drift: "error" };
    const { exitCode, text } = await stack.up();
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      `runs on ${to}, where someone moved it by hand; the stack's config places it on ${from}`,
    );
    await expectOneCopyAt(to);
  });

  test("is kept where it is by an up that adopts, and by those after it", async () => {
    const to = await whereItRuns();
    stack.config.migration = { mode: "live", drift: "adopt" };
    await stack.deploy();
    expect(await stack.deploy()).toMatch(/^Resources:\n +\d+ unchanged$/m);
    await expectOneCopyAt(to);
  });

  test("is moved back by default", async () => {
    const { from, to } = await moveByHand();
    const { text } = await stack.preview();
    expect(text).toContain(`vm1: was moved by hand; moves back ${to} → ${from}`);
    await expectOneCopyAt(to);
    await stack.deploy();
    await expectOneCopyAt(from);
  });
});

test("a move that is not done in time is given up, and the guest stays as it is", async () => {
  const from = await atRest();
  const before = await lifeOf(stack, "vm1");
  stack.config.placement.vm1 = other(from);
  stack.config.migration = { mode: "live", bandwidthMiBps: 1, timeoutMs: 3000 };
  const { exitCode, text } = await stack.up();
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(new RegExp(`Moving guest vm1 from ${from} .* failed; it runs on ${from}`));
  await expectOneCopyAt(from);
  expect(await lifeOf(stack, "vm1")).toMatchObject({ bootId: before.bootId, pid: before.pid });
  const { records } = await readRecords(project.path("results", `${stackName}.jsonl`));
  expect(records.at(-1)).toMatchObject({
    outcome: "rolled-back",
    error: expect.stringContaining("after 3 s"),
  });
});

test("a guest that was switched off by hand is started where it is; new hardware is said before it is given", async () => {
  const host = await atRest();
  const { uuid } = (await stack.outputs()).guests.vm1 ?? {};
  await stack.virsh(host, "destroy vm1");
  if (stack.config.guests[0]) stack.config.guests[0].memoryMiB = 512;
  expect((await stack.preview()).text).toContain("vm1: memoryMiB changed; it will be restarted where it is");
  expect(await stack.places("vm1")).toEqual({ [host]: "shut off (destroyed)" });
  await stack.deploy();
  await expectOneCopyAt(host);
  expect((await stack.outputs()).guests.vm1).toMatchObject({ uuid, memoryMiB: 512, state: "running" });
  expect(await stack.virsh(host, "dominfo vm1")).toMatch(/Max memory: +524288 KiB/);
});

test("a host that does not answer is an error, not a place where the guest is not", async () => {
  const host = await atRest();
  const silent = other(host);
  await booted();
  const bootId = () => stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  const link = ["link", "set", `vb-testbed-${stackName}-${silent}`];
  await execa("ip", [...link, "down"]);
  const { exitCode, text } = await stack.up();
  await execa("ip", [...link, "up"]);
  expect(exitCode).not.toBe(0);
  expect(text).toContain(stack.addresses[silent]);
  await stack.deploy();
  await expectOneCopyAt(host);
  expect(await bootId()).toBe(before);
});

test("hosts whose containers were killed come back with the next up, and the guest with its disk", async () => {
  const host = await atRest();
  for (const name of ["storage", host]) {
    const { init, supervisor } = await containerOf(stackName, name);
    signal(supervisor, "SIGKILL");
    signal(init, "SIGKILL");
  }
  await stack.deploy();
  await expectOneCopyAt(host);
  await booted();
  expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
});

test("destroy leaves nothing, even when the containers are dead", async () => {
  const { init, supervisor } = await containerOf(stackName, "host1");
  signal(supervisor, "SIGKILL");
  signal(init, "SIGKILL");
  expect(await stack.destroy()).toMatchObject({ exitCode: 0 });
  // Processes that were told to end take a moment.
  await expect.poll(() => tracesOf(stackName, bridge, project.folder), { timeout: 60_000 }).toEqual([]);
});
