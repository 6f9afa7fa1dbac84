import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type MigrationInputs, migrationResource } from "../../../provider/migration-resource.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { ownDisk } from "../helpers/simulated-fleet.ts";
import { simulate, world } from "../helpers/simulated-session.ts";

// Whatever speaks against a move is said in the preview, and again right before it, when nothing has been touched yet.

vi.mock("../../../ssh/session.ts", () => import("../helpers/simulated-session.ts"));
vi.mock("node:timers/promises", () => import("../helpers/simulated-time.ts"));
vi.mock("../../../moves/results.ts", () => ({
  resultsFile: () => "",
  appendRecord: async () => {},
  latestRecords: async () => [],
}));

const shown: string[] = [];

beforeEach(() => {
  shown.length = 0;
  vi.spyOn(console, "log").mockImplementation((line: string) => void shown.push(line));
  simulate(["host1", "host2", "host3"]);
  host("host1").boot(host("host1").add({ uuid, name: "vm1" }));
});
afterEach(closeSessions);

const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";
const host = (name: string) => world.machine(name);
const guest = () => {
  const domain = host("host1").domains.get(uuid);
  if (!domain) throw new Error("the guest is gone");
  return domain;
};
const inputs = (changes: Partial<MigrationInputs> = {}): MigrationInputs => ({
  guest: "vm1",
  uuid,
  to: "host1",
  options: { mode: "live" },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  platform: { accelerator: "kvm", machine: "pc-q35-7.2", cpuXml: "<cpu/>" },
  fleet: world.fleet,
  drift: "return",
  stack: "lab",
  ...changes,
});

/** What is tried: the preview of a move to host2, and the move. */
async function attempt(changes: Partial<MigrationInputs> = {}) {
  const { outs } = await migrationResource.create(inputs());
  const news = inputs({ to: "host2", ...changes });
  const before = JSON.stringify([world.traces(uuid), world.diskEpoch(uuid)]);
  const untouched = () => expect(JSON.stringify([world.traces(uuid), world.diskEpoch(uuid)])).toBe(before);
  shown.length = 0;
  const preview = await migrationResource.diff(uuid, outs, news).catch((error: Error) => error);
  untouched();
  const lines = shown.filter((line) => line.startsWith("warning: "));
  const update = () => migrationResource.update(uuid, outs, news);
  return { preview, warnings: lines, update, untouched };
}

test("nothing speaks against it: the preview is silent, asks little, and the record has all that was asked", async () => {
  world.log.length = 0;
  const { preview, warnings, update } = await attempt();
  expect(preview).toEqual({ changes: true, replaces: [] });
  expect(warnings).toEqual([]);
  // Without the proofs: nothing is written for a preview.
  expect(world.log.join("\n")).not.toMatch(/token|calling port/);
  const [record] = (await update()).outs.history;
  expect(record?.preflight?.map(({ check, verdict }) => [check, verdict])).toEqual(
    [
      "guest",
      "jobs",
      "name",
      "snapshots",
      "saved memory",
      "devices",
      "disks",
      "memory",
      "host to host",
      "bridge",
      "machine type",
      "CPU",
      "versions",
      "clocks",
      "cache mode",
      "memory copy",
      "image",
      "migration port",
    ].map((check) => [check, "pass"]),
  );
});

describe("what was done to the guest by hand is found before anything is touched", () => {
  const add = (device: string) => {
    guest().xml = guest().xml.replace("</disk>", `</disk>${device}`);
  };

  test.each(["live", "offline", "cold"] as const)("a snapshot that libvirt knows of (%s)", async (mode) => {
    guest().snapshots = ["before-upgrade"];
    const { preview, update, untouched } = await attempt({ options: { mode } });
    const reason =
      /snapshots: vm1 has snapshot before-upgrade on host1, .*virsh snapshot-delete vm1 before-upgrade/;
    expect((preview as Error).message).toMatch(reason);
    await expect(update()).rejects.toThrow(reason);
    untouched();
  });

  test.each([
    [
      "block",
      `<source dev="/dev/vg/data"/>`,
      /disk vdc would not be .*block device \/dev\/vg\/data is host1's own/,
    ],
    ["volume", `<source pool="p" volume="v"/>`, /volume v of pool p is host1's own/],
  ])("a disk of the host's own (%s)", async (type, source, reason) => {
    add(`<disk type="${type}">${source}<target dev="vdc"/></disk>`);
    const { warnings, update, untouched } = await attempt({ options: { mode: "offline" } });
    expect(warnings.join()).toMatch(reason);
    await expect(update()).rejects.toThrow(reason);
    untouched();
  });

  test("a snapshot's file in place of its own disk, which is not to be detached", async () => {
    guest().xml = guest().xml.replace(
      /<disk.*?<\/disk>/s,
      `<disk type="block"><driver cache="none"/><source dev="/dev/vg/S"/><target dev="vda"/></disk>`,
    );
    const { warnings } = await attempt();
    expect(warnings.join()).toMatch(
      /the guest's own disk would not be .*blockcommit vm1 vda --active --shallow/,
    );
    expect(warnings.join()).not.toContain("detach");
  });

  test("a device of the host's own stops a move with memory, and is named before one without", async () => {
    guest().xml = guest().xml.replace("</devices>", `<hostdev type="pci"/></devices>`);
    const { preview } = await attempt();
    expect((preview as Error).message).toMatch(/devices: the guest has hostdev pci, which belongs to host1/);
    const { warnings } = await attempt({ options: { mode: "cold" } });
    expect(warnings.join()).toMatch(
      /devices: the guest has hostdev pci: it starts only where the same is there/,
    );
  });

  test.each(["live", "offline", "cold"] as const)(
    "a card on a link that the destination has not (%s)",
    async (mode) => {
      guest().xml = guest().xml.replace(
        "</devices>",
        `<interface type="direct"><source dev="eno1"/></interface></devices>`,
      );
      const { warnings, update, untouched } = await attempt({ options: { mode } });
      const reason =
        /bridge: the guest's network card is .*on eno1, and host2 has no network device of that name/;
      expect(warnings.join()).toMatch(reason);
      await expect(update()).rejects.toThrow(reason);
      untouched();
    },
  );

  test("a card on one of libvirt's networks, which is asked for at the destination", async () => {
    guest().xml = guest().xml.replace(
      "</devices>",
      `<interface type="network"><source network="default"/></interface></devices>`,
    );
    host("host2").networks = ["default"];
    const { warnings, update } = await attempt();
    expect(warnings.join()).toMatch(/host2 has a network of libvirt.s of that name, and whether/);
    const [record] = (await update()).outs.history;
    expect(record?.preflight?.find(({ check }) => check === "bridge")).toMatchObject({
      verdict: "warn",
      detail: expect.stringContaining("host2 has a network of libvirt's of that name, and whether"),
    });
  });

  test("a display's port that is taken at the destination", async () => {
    guest().xml = guest().xml.replace(
      "</devices>",
      `<graphics type="vnc" port="5901" autoport="no"/></devices>`,
    );
    host("host2").takenPorts = [5901];
    const { warnings, update, untouched } = await attempt({ options: { mode: "cold" } });
    expect(warnings.join()).toMatch(/display port: TCP port 5901 of host2, .*is taken/);
    await expect(update()).rejects.toThrow("display port: TCP port 5901 of host2");
    untouched();
  });

  test("a disk that QEMU may not write to at the destination", async () => {
    host("host2").noAccess = "Permission_denied";
    const { update, untouched } = await attempt();
    await expect(update()).rejects.toThrow(/cannot be written to on host2 by QEMU's user: Permission denied/);
    untouched();
  });
});

test("an offline move needs room for its state file at both ends, and no port", async () => {
  const { update } = await attempt({ options: { mode: "offline" } });
  const [record] = (await update()).outs.history;
  const names = record?.preflight?.map(({ check }) => check);
  expect(names).toEqual(expect.arrayContaining(["disk space on host1", "disk space on host2", "image"]));
  expect(names).not.toContain("migration port");
  expect(names).not.toContain("cache mode");
});

describe("an overlay of the host's own", () => {
  const redo = { path: ownDisk("vm1"), basePath: "/export/testbed/base.qcow2", baseFormat: "qcow2" } as const;

  beforeEach(() => {
    simulate(["host1", "host2", "host3"]);
    world.isLocal = true;
    host("host1").makeDisk("vm1");
    host("host1").boot(host("host1").add({ uuid, name: "vm1" }));
  });

  test("needs room at the destination, and the base image from both", async () => {
    const { update } = await attempt({ redo });
    const [record] = (await update()).outs.history;
    const checks = new Map(record?.preflight?.map(({ check, detail }) => [check, detail]));
    expect(checks.get("overlay")).toBe(
      "host2 has 50000 MiB free for /var/lib/kvm-migration-testbed/disks, the overlay needs 1 MiB",
    );
    expect(checks.get("image")).toBe("what host1 wrote into /export/testbed, host2 read there");
  });

  test("does not move where there is none, beside a state file if there is one", async () => {
    host("host2").spaceMiB = 576;
    const { warnings, update, untouched } = await attempt({ redo, options: { mode: "offline" } });
    expect(warnings.join()).toContain(
      "the overlay needs 1 MiB and the state file up to 576 MiB: make room there",
    );
    await expect(update()).rejects.toThrow("overlay: host2 has 576 MiB free");
    untouched();
  });

  test("does not move by a transport that carries memory alone", async () => {
    const { preview } = await attempt({ redo, options: { mode: "live", transport: "tunnelled" } });
    expect((preview as Error).message).toContain("options: transport tunnelled carries memory alone");
  });
});

describe("what this update may still put right is a warning in the preview, and stops the move", () => {
  test.each<[string, () => void, Partial<MigrationInputs>, RegExp]>([
    [
      "memory",
      () => Object.assign(host("host2"), { availableMiB: 500 }),
      {},
      /memory: host2 has 500 MiB available, 576 MiB are needed: free memory there/,
    ],
    [
      "a bridge",
      () => Object.assign(host("host2"), { bridges: { virbr0: 1500 } }),
      {},
      /bridge: host2 has no bridge br0, on which the guest is \(it has virbr0\): `pulumi up --refresh` makes it/,
    ],
    [
      "another guest's name",
      () => void host("host2").add({ uuid: "99999999-9999-4999-8999-999999999999", name: "vm1" }),
      {},
      /name: host2 has another guest named vm1 \(uuid 99999999/,
    ],
    [
      "SSH from host to host",
      () => void world.refusals.set("host1", "ssh"),
      {},
      /host to host: host1 does not reach libvirt on host2 over SSH: .*Is sshd running there/,
    ],
    [
      "a job",
      () => Object.assign(guest(), { job: "Snapshot" }),
      {},
      /jobs: a job of libvirt's works on vm1 on host1 \(Snapshot\): wait for its end/,
    ],
    [
      "room for the state file",
      () => Object.assign(host("host1"), { spaceMiB: 100 }),
      { options: { mode: "offline" } },
      /disk space on host1: host1 has 100 MiB free for \/var\/lib\/kvm-migration-testbed\/moving, the state file needs up to 576 MiB/,
    ],
  ])("%s", async (_what, spoil, changes, reason) => {
    spoil();
    const { preview, warnings, update, untouched } = await attempt(changes);
    expect(preview).toMatchObject({ changes: true });
    expect(warnings.join("\n")).toMatch(reason);
    expect(warnings[0]).toMatch(/^warning: vm1 could not move to host2 as things are now: /);
    await expect(update()).rejects.toThrow("Guest vm1 cannot move to host2; nothing was changed.\n");
    await expect(update()).rejects.toThrow(reason);
    untouched();
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });
});

describe("what no update changes while the guest runs is an error in the preview", () => {
  test.each<[string, () => void, Partial<MigrationInputs>, RegExp]>([
    [
      "the CPU",
      () => Object.assign(host("host2"), { cpuVerdict: "missing features: avx512f" }),
      {},
      /CPU: host2 cannot run the guest's CPU model .*avx512f\. Shut the guest down/,
    ],
    [
      "the machine type",
      () => Object.assign(host("host2"), { machineTypes: ["pc-q35-6.2"] }),
      {},
      /machine type: host2 does not know the guest's machine type pc-q35-7\.2: install a QEMU there that does \(7\.2 or newer\)/,
    ],
    [
      "the disk's cache mode",
      () => Object.assign(guest(), { xml: guest().xml.replace('cache="none"', 'cache="writeback"') }),
      {},
      /cache mode: vda writeback: the destination would not see/,
    ],
    [
      "post-copy without userfaultfd",
      () => Object.assign(host("host2"), { userfaultfd: "Operation not permitted" }),
      { options: { mode: "live", onTimeout: "postcopy" } as MigrationInputs["options"] },
      /post-copy: QEMU may not use userfaultfd on host2 \(Operation not permitted\).*vm\.unprivileged_userfaultfd=1/,
    ],
  ])("%s", async (_what, spoil, changes, reason) => {
    spoil();
    const { preview, update, untouched } = await attempt(changes);
    expect(preview).toMatchObject({ message: expect.stringMatching(reason) });
    await expect(update()).rejects.toThrow(reason);
    untouched();
  });
});

describe("a move by mode auto", () => {
  const auto = { options: { mode: "auto", bandwidthMiBps: 100 } } as const;
  const forbid = () => Object.assign(host("host2"), { userfaultfd: "Operation not permitted" });
  // What was measured for another test is forgotten by then.
  beforeEach(() => sleep(60_000));

  test.each([
    ["what it can send is known", auto],
    ["nothing was ever sent", { options: { mode: "auto" } } as const],
  ])(
    "is a move of a running guest: the preview says what speaks against that (%s)",
    async (_what, changes) => {
      Object.assign(guest(), { xml: guest().xml.replace('cache="none"', 'cache="writeback"') });
      const { preview } = await attempt(changes);
      expect(preview).toMatchObject({ message: expect.stringContaining("cache mode: vda writeback") });
    },
  );

  test("that would be hybrid needs post-copy, and the preview says so", async () => {
    world.isHot = true;
    forbid();
    const { preview, update, untouched } = await attempt(auto);
    const reason = "post-copy: QEMU may not use userfaultfd on host2";
    expect(preview).toMatchObject({ message: expect.stringContaining(reason) });
    await expect(update()).rejects.toThrow(reason);
    untouched();
  });

  test("that would be live does not", async () => {
    forbid();
    const { preview, warnings } = await attempt(auto);
    expect(preview).toMatchObject({ changes: true });
    expect(warnings).toEqual([]);
  });
});

describe("what only trying can tell is known right before the move", () => {
  const refuse = (machine: string, program: string) => () => void world.refusals.set(machine, program);
  test.each<[string, () => void, Partial<MigrationInputs>, RegExp]>([
    [
      "something else is mounted at the destination",
      () => delete host("host2").files.mounted,
      {},
      /image: what host1 wrote into \/export\/testbed, host2 cannot read: .*No such file.* see what is mounted on both \(findmnt \/export\/testbed\)/,
    ],
    [
      "the source cannot write",
      refuse("host1", "put"),
      {},
      /image: host1 could not write a file into \/export\/testbed: put: No space left on device/,
    ],
    [
      "an NFS server that lets nobody write, after its time",
      () => void Object.assign(world, { graceAnswers: Number.POSITIVE_INFINITY }),
      {},
      /image: host1 could not write .*temporarily unavailable\. The NFS server answers, but still lets nobody write: see its log/,
    ],
    [
      "a firewall",
      refuse("host1", "call"),
      {},
      /migration port: host1 does not reach TCP port 49215 of host2 .*open TCP ports 49152 to 49215 there to host1/,
    ],
    [
      "no free port",
      refuse("host2", "listen"),
      {},
      /migration port: none of host2's TCP ports 49152 to 49215 is free/,
    ],
    [
      "the port of the config is taken",
      refuse("host2", "listen"),
      { options: { mode: "live", port: 50000 } },
      /migration port: host2's TCP port 50000 \(migration\.port\) is taken/,
    ],
  ])("%s", async (_what, spoil, changes, reason) => {
    spoil();
    const { preview, warnings, update, untouched } = await attempt(changes);
    expect(preview).toMatchObject({ changes: true });
    expect(warnings).toEqual([]);
    await expect(update()).rejects.toThrow(reason);
    untouched();
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });
});

test("an NFS server that was just started is waited for, and that is said once", async () => {
  const { update } = await attempt();
  world.graceAnswers = 3;
  await update();
  expect(shown.filter((line) => line.includes("NFS server"))).toEqual([
    "vm1: the NFS server lets nobody write yet, as after its start; waiting up to 100 s",
  ]);
  expect(world.traces(uuid)).toEqual(["host2: running"]);
});

test("a doubt is a warning, and the move goes on with it in its record", async () => {
  Object.assign(host("host1"), { bridges: { br0: 9000 } });
  const { warnings, update } = await attempt();
  expect(warnings).toEqual([
    expect.stringContaining("vm1: bridge: br0 has an MTU of 9000 on host1 and of 1500 on host2"),
  ]);
  const [record] = (await update()).outs.history;
  expect(record).toMatchObject({ outcome: "completed" });
  expect(record?.preflight?.find(({ check }) => check === "bridge")?.verdict).toBe("warn");
});

test("a host that does not say what it was asked stops the move, with nothing touched", async () => {
  world.refusals.set("host2", "memory");
  const { preview, update, untouched } = await attempt();
  const reason = "Host host2 was asked for free memory and did not say it. Nothing was changed.";
  expect(preview).toMatchObject({ message: expect.stringContaining(reason) });
  await expect(update()).rejects.toThrow(reason);
  untouched();
});

test("a token that a dead run left goes with the next one", async () => {
  host("storage").files.set(`/export/testbed/.token-${uuid}-dead`, { text: "x" });
  const { outs } = await migrationResource.create(inputs());
  await migrationResource.update(uuid, outs, inputs({ to: "host2" }));
  expect(world.traces(uuid)).toEqual(["host2: running"]);
});
