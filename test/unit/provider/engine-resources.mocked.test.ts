import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { rememberOff } from "../../../fleet/host-off.ts";
import { forgetLooks } from "../../../fleet/shared-view.ts";
import type { DomainSpec } from "../../../libvirt/domain-xml.ts";
import type { MigrationRecord } from "../../../moves/record.ts";
import { isSound } from "../../../moves/sound-record.ts";
import { type DomainInputs, type DomainOutputs, domainResource } from "../../../provider/domain-resource.ts";
import {
  type MigrationInputs,
  type MigrationOutputs,
  migrationResource,
} from "../../../provider/migration-resource.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { domainSpec } from "../helpers/domain-spec.ts";
import { overlayText, ownDisk } from "../helpers/simulated-fleet.ts";
import { SshSession, simulate, world } from "../helpers/simulated-session.ts";
import { setTimeout as sleep } from "../helpers/simulated-time.ts";

// What Pulumi asks of the two resources, on machines that are simulated.

vi.mock("../../../ssh/session.ts", () => import("../helpers/simulated-session.ts"));
vi.mock("node:timers/promises", () => import("../helpers/simulated-time.ts"));
vi.mock("../../../moves/results.ts", async (original) => ({
  ...(await original<typeof import("../../../moves/results.ts")>()),
  resultsFile: (stack: string) => `results/${stack}.jsonl`,
  appendRecord: async (file: string, record: MigrationRecord) => {
    if (unwritable.why) throw new Error(unwritable.why);
    kept.push([file, record.outcome]);
  },
  appendLine: async (file: string, { startedAt }: { startedAt: string }) => {
    if (unwritable.why) throw new Error(unwritable.why);
    kept.push([file, startedAt]);
  },
  latestRecords: async () => [],
}));

/** Records, and series, that were put into results files. */
const kept: [string, string][] = [];
/** Why none can be put there; absent: they can. */
const unwritable: { why?: string } = {};
/** What the person was shown. */
const shown: string[] = [];

beforeEach(() => {
  kept.length = 0;
  delete unwritable.why;
  shown.length = 0;
  vi.spyOn(console, "log").mockImplementation((line: string) => void shown.push(line));
  simulate(["host1", "host2", "host3"]);
});
afterEach(closeSessions);
afterEach(forgetLooks);

const { uuid } = domainSpec;
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** As Pulumi keeps it: plain data whose keys have an order of their own. */
const stored = <T>(outputs: T): T =>
  JSON.parse(JSON.stringify(outputs), (_key, value) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** `virsh migrate`'s flags that leave a guest defined where it then runs, and there alone. */
type Tidy = "--persistent" | "--undefinesource";

/** What someone did by hand: `virsh migrate`, and nothing else of us heard of it. */
function moveByHand(to: string, flags: readonly Tidy[] = ["--persistent", "--undefinesource"]): void {
  const [from = ""] = world.runningOn(uuid);
  const guest = world.machine(from).domains.get(uuid);
  if (!guest) throw new Error("the guest runs nowhere");
  const source = { ...guest };
  world.machine(from).domains.delete(uuid);
  if (!flags.includes("--undefinesource") && guest.persistent) world.machine(from).add(guest);
  Object.assign(world.machine(to).add(guest), source, { persistent: flags.includes("--persistent") });
}

const domainOn = (host: string) => world.machine(host).domains.get(uuid);

describe("a domain", () => {
  const spec = domainSpec;
  const inputs = (changes: Partial<DomainInputs> = {}): DomainInputs => ({
    spec,
    host: "host1",
    fleet: world.fleet,
    ...changes,
  });
  const create = async (): Promise<DomainOutputs> => stored((await domainResource.create(inputs())).outs);
  const diff = (olds: DomainOutputs, changes: Partial<DomainInputs> = {}) =>
    domainResource.diff(uuid, olds, inputs(changes));

  test("is defined and booted on its host", async () => {
    const { id, outs } = await domainResource.create(inputs());
    expect(id).toBe(uuid);
    expect(outs).toMatchObject({ bootedOn: "host1", boots: 1, state: "running" });
    expect(world.runningOn(uuid)).toEqual(["host1"]);
    expect(domainOn("host1")?.xml).toContain(`<memory unit="MiB">512</memory>`);
    expect(shown).toEqual(["vm1: booting it on host1"]);
  });

  test("of a run that died before it could say so is found, not booted again", async () => {
    await create();
    moveByHand("host2");
    expect((await domainResource.create(inputs())).outs.bootedOn).toBe("host2");
    expect(world.boots).toBe(1);
  });

  test("is looked for together with others that are made at the same time", async () => {
    const made = Array.from({ length: 8 }, (_, i) => ({
      ...spec,
      name: `vm${i}`,
      uuid: `${uuid.slice(0, -2)}${10 + i}`,
    }));
    await Promise.all(made.map((one) => domainResource.create(inputs({ spec: one }))));
    const looks = world.log.filter((line) => line.includes("looking for all guests"));
    expect(world.boots).toBe(8);
    // One that was under way, and the next for all others: each at three hosts.
    expect(looks).toHaveLength(2 * 3);
  });

  test("is not made where another guest has its name", async () => {
    world.machine("host3").add({ uuid: "99999999-9999-4999-8999-999999999999", name: "vm1" });
    await expect(domainResource.create(inputs())).rejects.toThrow(
      /Host host3 has a guest named vm1 already .*Nothing was changed/,
    );
    expect(domainOn("host1")).toBeUndefined();
  });

  test("that is as it should be has no changes, wherever it runs", async () => {
    const olds = await create();
    expect(await diff(olds)).toMatchObject({ changes: false, replaces: [] });
    moveByHand("host3");
    expect(await diff(olds, { host: "host2" })).toMatchObject({ changes: false });
    expect(shown.slice(1)).toEqual([]);
  });

  test("that crashed and is kept as it was is no guest that is off: it is started nowhere until a person has ended it", async () => {
    const olds = await create();
    Object.assign(domainOn("host1") ?? {}, { state: "crashed", reason: "panicked" });
    const crashed = /Guest vm1 has crashed on host1 \(panicked\), .*virsh destroy vm1\), and run again/;
    expect(await diff(olds)).toMatchObject({ changes: false });
    expect(shown.at(-1)).toMatch(crashed);
    await expect(domainResource.update(uuid, olds, inputs())).rejects.toThrow(crashed);
    const more = inputs({ spec: { ...spec, memoryMiB: 1024 } });
    await expect(domainResource.update(uuid, olds, more)).rejects.toThrow(crashed);
    expect(world.boots).toBe(1);
    world.byHand("host1", ["destroy", uuid]);
    expect((await domainResource.update(uuid, olds, inputs())).outs).toMatchObject({ boots: 2 });
    expect(world.violations).toEqual([]);
  });

  describe("that is off and that a person had a hand in", () => {
    const change = (from: string, to: string) => {
      const domain = domainOn("host1");
      if (!domain?.xml.includes(from)) throw new Error(`the definition has no ${from}`);
      domain.xml = domain.xml.replace(from, to);
    };
    const refused =
      /declared to write to \/e\/vm1\.qcow2, and on host1 it is defined with \/e\/vm1\.S, .*Nothing was changed/;

    test("is not started on an older disk than it has written to, and the preview says so", async () => {
      const olds = await create();
      change("/e/vm1.qcow2", "/e/vm1.S");
      world.cutPower("host1");
      const { xml } = domainOn("host1") as { xml: string };
      await expect(diff(olds)).rejects.toThrow(refused);
      await expect(domainResource.update(uuid, olds, inputs())).rejects.toThrow(refused);
      const more = { spec: { ...spec, memoryMiB: 1024 } };
      await expect(diff(olds, more)).rejects.toThrow(refused);
      await expect(domainResource.update(uuid, olds, inputs(more))).rejects.toThrow(refused);
      expect(domainOn("host1")).toMatchObject({ state: "inactive", xml });
    });

    test("is started with what it was given, and gets no new hardware in its place", async () => {
      const olds = await create();
      change(
        "</disk>",
        `</disk><disk type="file"><source file="/srv/rescue.iso"/><target dev="sda"/><readonly/></disk>`,
      );
      world.cutPower("host1");
      const more = { spec: { ...spec, memoryMiB: 1024 } };
      await expect(diff(olds, more)).rejects.toThrow(/was given by hand disk sda \(\/srv\/rescue\.iso\)/);
      await domainResource.update(uuid, olds, inputs());
      expect(domainOn("host1")?.xml).toContain("/srv/rescue.iso");
      expect(shown.at(-1)).toBe("vm1: it keeps what it was given by hand: disk sda (/srv/rescue.iso)");
    });

    test("is started as it is, and named, whatever was changed; and a new definition says what it sets back", async () => {
      const olds = await create();
      change(`<source bridge="br0"/>`, `<source bridge="br1"/>`);
      world.cutPower("host1");
      const bridge = "bridge of source of network card 52:54:00:10:55:ef br1 instead of br0";
      await diff(olds);
      expect(shown).toContain(`vm1: it keeps what it was given by hand: ${bridge}`);
      await domainResource.update(uuid, olds, inputs());
      expect(domainOn("host1")?.xml).toContain("br1");
      expect(shown.at(-1)).toBe(`vm1: it keeps what it was given by hand: ${bridge}`);
      const more = { spec: { ...spec, memoryMiB: 1024 } };
      const told = `vm1: its new definition sets back what was changed by hand: ${bridge}`;
      await diff(olds, more);
      expect(shown).toContain(told);
      shown.length = 0;
      await domainResource.update(uuid, olds, inputs(more));
      expect(shown).toContain(told);
      expect(domainOn("host1")?.xml).toContain(`<source bridge="br0"/>`);
    });

    test.each([
      ["<watchdog model='i6300esb'/></devices>", "</devices>", "watchdog i6300esb"],
      ["<cputune><shares>9</shares></cputune><devices>", "<devices>", "cputune"],
      ["</source><iotune><total_iops_sec>9</total_iops_sec></iotune>", "</source>", "iotune of disk vda"],
    ])("keeps what nobody thought of: %s", async (to, from, what) => {
      const olds = await create();
      const domain = domainOn("host1") as { xml: string };
      domain.xml = domain.xml.replace(
        `<source file="/e/vm1.qcow2"/>`,
        `<source file="/e/vm1.qcow2"></source>`,
      );
      change(from, to);
      world.cutPower("host1");
      const { xml } = domain;
      await domainResource.update(uuid, olds, inputs());
      expect(domainOn("host1")?.xml).toBe(xml);
      expect(shown.at(-1)).toBe(`vm1: it keeps what it was given by hand: ${what}`);
      const more = { spec: { ...spec, memoryMiB: 1024 } };
      await expect(domainResource.update(uuid, olds, inputs(more))).rejects.toThrow(`by hand ${what}, which`);
      expect(domainOn("host1")?.xml).toBe(xml);
    });

    test("goes on from its saved memory, and is not called booted", async () => {
      const olds = await create();
      world.cutPower("host1");
      Object.assign(domainOn("host1") ?? {}, { isSaved: true });
      const { outs } = await domainResource.update(uuid, olds, inputs());
      expect(outs).toMatchObject({ boots: 1, state: "running" });
      expect(shown.at(-1)).toBe("vm1: is off; starting it on host1, from its saved memory");
    });

    test("does not go on from a saved memory that is older than its disk", async () => {
      const storage = { ...spec.storage, overlayPath: "/export/testbed/vm1.qcow2" };
      const onExport = inputs({ spec: { ...spec, storage } });
      const olds = stored<DomainOutputs>((await domainResource.create(onExport)).outs);
      const byHand = (host: string, ...command: string[]) =>
        world.byHand(host, command, domainOn("host1")?.xml);
      byHand("host1", "managedsave", uuid);
      for (const command of [
        ["define", "/dev/stdin"],
        ["start", uuid],
        ["destroy", uuid],
        ["undefine", uuid],
      ]) {
        byHand("host2", ...command);
      }
      const { outs } = await domainResource.update(uuid, olds, onExport);
      expect(outs).toMatchObject({ boots: 2, state: "running" });
      expect(world.violations).toEqual([]);
      expect(shown).toContain(
        "vm1: its memory was saved on host1, and its disk was written to since; discarding that memory",
      );
    });

    test("is removed with its snapshots, and the file that is not ours is named", async () => {
      const olds = await create();
      change("/e/vm1.qcow2", "/e/vm1.S");
      world.cutPower("host1");
      Object.assign(domainOn("host1") ?? {}, { snapshots: ["S"] });
      await domainResource.delete(uuid, olds);
      expect(domainOn("host1")).toBeUndefined();
      expect(shown.at(-1)).toMatch(/^vm1: \/e\/vm1\.S, .*which this stack did not make, stays$/);
    });

    test("is not made anew on a disk that another image lies over", async () => {
      world.machine("storage").files.set("/export/testbed/vm1.S", { text: "over /e/vm1.qcow2" });
      await expect(domainResource.create(inputs())).rejects.toThrow(
        /defined nowhere, and would be started on \/e\/vm1\.qcow2; but \/export\/testbed\/vm1\.S on storage lies over it/,
      );
      expect(domainOn("host1")).toBeUndefined();
    });
  });

  test("with inputs that are not known yet changes, and no host is asked", async () => {
    const olds = await create();
    world.log.length = 0;
    const changes = { spec: { ...spec, cpuXml: unknown } };
    expect(await diff(olds, changes)).toEqual({ changes: true });
    expect(world.log).toEqual([]);
  });

  test("whose hardware changes is restarted where it is, and the preview says so", async () => {
    const olds = await create();
    moveByHand("host2");
    const larger = { spec: { ...spec, memoryMiB: 768 }, vncPassword: "new" };
    expect(await diff(olds, larger)).toMatchObject({ changes: true, replaces: [] });
    expect(shown.at(-1)).toBe("vm1: memoryMiB, VNC password changed; it will be restarted where it is");

    const { outs } = await domainResource.update(uuid, olds, inputs(larger));
    expect(outs).toMatchObject({ bootedOn: "host2", boots: 2, state: "running" });
    expect(world.runningOn(uuid)).toEqual(["host2"]);
    expect(domainOn("host2")?.xml).toContain(`<memory unit="MiB">768</memory>`);
  });

  describe("when hosts came or went, and all of them together can run something else", () => {
    const better = { ...spec, cpuXml: "<cpu>newer</cpu>", machine: "pc-q35-8.2" };
    const { host3: _added, ...before } = simulate(["host1", "host2", "host3"]).fleet.hosts;
    const createBefore = async () =>
      stored(
        (await domainResource.create(inputs({ spec: better, fleet: { ...world.fleet, hosts: before } })))
          .outs,
      );

    test("runs on with what it has, says so once, and is as it should be", async () => {
      const olds = await createBefore();
      expect(await diff(olds)).toMatchObject({ changes: true, replaces: [] });
      expect(shown.at(-1)).toBe(
        "vm1: what all hosts can run has changed; it keeps its CPU model (kvm, pc-q35-8.2) until it is started anew",
      );
      const { outs } = await domainResource.update(uuid, olds, inputs());
      expect(outs).toMatchObject({ spec: better, boots: 1 });
      expect(Object.keys(outs.fleet.hosts)).toContain("host3");
      expect(world.boots).toBe(1);
      shown.length = 0;
      expect(await diff(stored(outs))).toMatchObject({ changes: false });
      expect(shown).toEqual([]);
    });

    test("keeps it also while a move that a dead run began is to be ended", async () => {
      const olds = await createBefore();
      leaveIntent();
      const { outs } = await domainResource.update(uuid, olds, inputs());
      expect(outs.spec).toEqual(better);
    });

    test("gets the new one when it was off", async () => {
      const olds = await createBefore();
      world.cutPower("host1");
      const { outs } = await domainResource.update(uuid, olds, inputs());
      expect(outs).toMatchObject({ spec, boots: 2 });
      expect(outs.spec).not.toHaveProperty("cpuXml");
      expect(domainOn("host1")?.xml).toContain("pc-q35-7.2");
    });

    test("gets the new one with a restart that has another cause, and the preview says so", async () => {
      const olds = await createBefore();
      const larger = { spec: { ...spec, memoryMiB: 768 } };
      expect(await diff(olds, larger)).toMatchObject({ changes: true });
      expect(shown.at(-1)).toBe("vm1: cpuXml, machine, memoryMiB changed; it will be restarted where it is");
      const { outs } = await domainResource.update(uuid, olds, inputs(larger));
      expect(outs.spec).toEqual(larger.spec);
      expect(domainOn("host1")?.xml).toContain("pc-q35-7.2");
    });
  });

  describe("with UEFI", () => {
    const firmware = { loader: "/fw/CODE.fd", template: "/fw/VARS.fd", nvramPath: "/e/vm1-uefi.fd" };
    const uefi = inputs({ spec: { ...spec, firmware } });
    const variables = () => world.machine("storage").files.get("/e/vm1-uefi.fd");
    const make = async () => stored<DomainOutputs>((await domainResource.create(uefi)).outs);

    test("has variables of its own on the storage host before it is defined, and keeps them for life", async () => {
      const olds = await make();
      expect(variables()?.text).toBe("empty /fw/VARS.fd");
      world.machine("storage").files.set("/e/vm1-uefi.fd", { text: "written by the guest" });
      const larger = inputs({ spec: { ...spec, firmware, memoryMiB: 768 } });
      await domainResource.update(uuid, olds, larger);
      expect(world.boots).toBe(2);
      expect(variables()?.text).toBe("written by the guest");
      await domainResource.delete(uuid, stored({ ...olds, ...larger }));
      expect(variables()).toBeUndefined();
    });

    test("does not count its own variables as given to it by hand", async () => {
      const olds = await make();
      world.cutPower("host1");
      await domainResource.update(uuid, olds, uefi);
      expect(shown.join()).not.toContain("by hand");
    });

    test("is not defined on a host without UEFI's files", async () => {
      world.machine("host1").hasUefi = false;
      await expect(domainResource.create(uefi)).rejects.toThrow(/\/fw\/VARS\.fd is missing/);
      expect(domainOn("host1")).toBeUndefined();
    });

    test("cannot have BIOS later, nor the other way round, and the preview says so", async () => {
      const olds = await make();
      await expect(diff(olds)).rejects.toThrow(
        /cannot have firmware: bios: it was made with firmware: uefi, .*Nothing was changed/,
      );
      await expect(domainResource.update(uuid, olds, inputs())).rejects.toThrow(/cannot have firmware: bios/);
      const { firmware: _none, ...bios } = olds.spec;
      await expect(diff({ ...olds, spec: bios }, uefi)).rejects.toThrow(/cannot have firmware: uefi/);
    });
  });

  test("that is given a CPU model by name, or no longer, is restarted; one that keeps it is not, whatever all hosts can run", async () => {
    const olds = await create();
    const named = { ...spec, cpu: "Westmere" };
    expect(await diff(olds, { spec: named })).toMatchObject({ changes: true, replaces: [] });
    expect(shown.at(-1)).toBe("vm1: cpu changed; it will be restarted where it is");
    const { outs } = await domainResource.update(uuid, olds, inputs({ spec: named }));
    expect(outs).toMatchObject({ spec: named, boots: 2 });
    expect(domainOn("host1")?.xml).toContain(`<model fallback="forbid">Westmere</model>`);

    const kept = stored(outs);
    expect(await diff(kept, { spec: named })).toMatchObject({ changes: false });
    expect(await diff(kept, { spec: { ...named, machine: "pc-q35-8.2" } })).toMatchObject({ changes: false });
    expect(shown.at(-1)).not.toContain("restarted");
    const common = { ...spec, cpuXml: "<cpu>all</cpu>" };
    expect(await diff(kept, { spec: common })).toMatchObject({ changes: true });
    expect(shown.at(-1)).toBe("vm1: cpu, cpuXml changed; it will be restarted where it is");
    const back = await domainResource.update(uuid, kept, inputs({ spec: common }));
    expect(back.outs.spec).toEqual(common);
    expect(domainOn("host1")?.xml).not.toContain("Westmere");
  });

  test.each([
    ["uuid", { uuid: "99999999-9999-4999-8999-999999999999" }],
    ["name", { name: "vm9" }],
  ])("with another %s is another guest, made once the old one is gone", async (_what, change) => {
    const olds = await create();
    expect(await diff(olds, { spec: { ...spec, ...change } })).toMatchObject({
      replaces: ["spec"],
      deleteBeforeReplace: true,
    });
  });

  test("that went off is started with the definition it has", async () => {
    const olds = await create();
    world.cutPower("host1");
    expect(await diff(olds)).toMatchObject({ changes: true });
    expect(shown.at(-1)).toBe("vm1: it is off; it will be started");
    const { outs } = await domainResource.update(uuid, olds, inputs());
    expect(outs).toMatchObject({ bootedOn: "host1", boots: 2, state: "running" });
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });

  test("is not started by a run that has lost its lock: another one may be about to start it elsewhere", async () => {
    const said = new Set<string>();
    for (let step = 0; ; step++) {
      simulate(["host1", "host2", "host3"]);
      const olds = await create();
      world.cutPower("host1");
      world.plan("loses its lock", step);
      const outcome = await domainResource.update(uuid, olds, inputs()).catch((error: Error) => error);
      await closeSessions();
      if (world.isFatePending) break;
      if (!(outcome instanceof Error)) continue;
      said.add(outcome.message);
      expect(world.boots).toBe(1);
      expect(world.runningOn(uuid)).toEqual([]);
    }
    expect([...said].join()).toMatch(/^The lock of guest vm1 on storage was lost/);
  });

  test("is refreshed: running, off, or gone and to be made again on its disk", async () => {
    const olds = await create();
    // Each refresh has a process of its own, which has seen nothing yet.
    const refresh = () => {
      forgetLooks();
      return domainResource.read(uuid, olds);
    };
    moveByHand("host2");
    expect(await refresh()).toEqual({ id: uuid, props: olds });
    world.cutPower("host2");
    expect((await refresh()).props).toMatchObject({ state: "off" });
    world.machine("host2").domains.clear();
    expect(await refresh()).toEqual({ id: "", props: {} });
  });

  test("is never taken for gone when a host does not answer", async () => {
    const olds = await create();
    moveByHand("host2");
    await closeSessions();
    world.unreachable.add("host2");
    const unreachable = "Host host2 cannot be reached over SSH";
    await expect(domainResource.read(uuid, olds)).rejects.toThrow(unreachable);
    await expect(diff(olds)).rejects.toThrow(unreachable);
    await expect(domainResource.update(uuid, olds, inputs())).rejects.toThrow(unreachable);
    await expect(domainResource.delete(uuid, olds)).rejects.toThrow(unreachable);
    await expect(domainResource.create(inputs())).rejects.toThrow(unreachable);
    expect(world.boots).toBe(1);
    expect(world.runningOn(uuid)).toEqual(["host2"]);
  });

  test("is looked for on a host that has left the config", async () => {
    const olds = await create();
    const { host1: _left, ...hosts } = world.fleet.hosts;
    const smaller = { fleet: { ...world.fleet, hosts }, host: "host2" };
    await domainResource.update(uuid, olds, inputs(smaller));
    expect(world.runningOn(uuid)).toEqual(["host1"]);
    expect(world.boots).toBe(1);
  });

  test("whose move a dead run left unfinished is left to the migration, unless its hardware must change", async () => {
    const olds = await create();
    leaveIntent();
    expect(await diff(olds)).toMatchObject({ changes: false });
    expect(await domainResource.read(uuid, olds)).toEqual({ id: uuid, props: olds });
    expect((await domainResource.update(uuid, olds, inputs())).outs).toMatchObject({ boots: 1 });
    const larger = inputs({ spec: { ...spec, memoryMiB: 768 } });
    await expect(domainResource.update(uuid, olds, larger)).rejects.toThrow(
      "a run died while moving it from host1 to host2 (offline). Nothing was changed.",
    );
    expect(world.boots).toBe(1);
  });

  test("is removed wherever it is, with all that a dead run left", async () => {
    const olds = await create();
    moveByHand("host3");
    world.machine("host2").add({ uuid, name: "vm1" });
    world
      .machine("host2")
      .files.set(`/var/lib/kvm-migration-testbed/moving/${uuid}.state`, { text: "saved" });
    world.machine("host3").files.set("/var/log/libvirt/qemu/vm1-console.log", { text: "login:" });
    leaveIntent();
    const place = `${world.fleet.storage.intentDirectory}/queue/${uuid}`;
    world.machine("storage").files.set(place, { text: "{}" });
    await domainResource.delete(uuid, olds);
    expect(world.traces(uuid)).toEqual([]);
    expect([...world.machine("host3").files.keys()]).not.toContain("/var/log/libvirt/qemu/vm1-console.log");
  });

  test("that is gone already is removed without complaint", async () => {
    const olds = await create();
    world.machine("host1").domains.clear();
    await expect(domainResource.delete(uuid, olds)).resolves.toBeUndefined();
  });
});

describe("a domain whose overlay is its host's own", () => {
  const path = ownDisk("vm1");
  const spec = (localGiB?: number): DomainSpec => ({
    ...domainSpec,
    storage: { ...domainSpec.storage, ...(localGiB !== undefined && { overlayPath: path, localGiB }) },
  });
  const inputs = (localGiB: number | undefined = 4): DomainInputs => ({
    spec: spec(localGiB),
    host: "host1",
    fleet: world.fleet,
  });
  const create = async (): Promise<DomainOutputs> => stored((await domainResource.create(inputs())).outs);
  const disks = () => world.machines.filter(({ files }) => files.has(path)).map(({ name }) => name);

  beforeEach(() => {
    world.isLocal = true;
  });

  test("gets one where it is made, and none is left when it is removed", async () => {
    const outs = await create();
    expect(disks()).toEqual(["host1"]);
    expect(world.violations).toEqual([]);
    world.machine("host3").files.set(`${path}.4f1b.part`, { text: "half" });
    await domainResource.delete(uuid, outs);
    expect(world.traces(uuid)).toEqual([]);
  });

  test("is made anew on its old disk, where that is", async () => {
    const outs = await create();
    const { host1, host2 } = { host1: world.machine("host1"), host2: world.machine("host2") };
    host2.files.set(path, host1.files.get(path) as { text: string });
    host1.files.delete(path);
    host1.domains.clear();
    expect(await domainResource.read(uuid, outs)).toMatchObject({ id: "" });
    expect((await domainResource.create(inputs())).outs).toMatchObject({ bootedOn: "host2" });
    expect(disks()).toEqual(["host2"]);
    expect(world.violations).toEqual([]);
  });

  test("is never started on an empty one in place of what it wrote", async () => {
    const outs = await create();
    world.cutPower("host1");
    world.machine("host1").files.delete(path);
    const start = () => domainResource.update(uuid, outs, inputs());
    await expect(start()).rejects.toThrow(/is defined on host1, and its overlay .* is on no host/);
    world.machine("host2").files.set(path, { text: overlayText(1) });
    await expect(start()).rejects.toThrow(/its overlay .* is on host2\. .*virsh undefine vm1/);
    world.machine("host1").domains.clear();
    world.machine("host3").files.set(path, { text: overlayText(1) });
    await expect(start()).rejects.toThrow(/defined nowhere, and its overlay .* is on host2 and host3/);
    expect(world.boots).toBe(1);
  });

  test.each([["defined on both hosts"], ["defined on one of them"]])(
    "is never started on the older of two, %s",
    async (where) => {
      const outs = await create();
      world.cutPower("host1");
      world.machine("host2").files.set(path, { text: overlayText(7) });
      const { xml } = domainOn("host1") as { xml: string };
      if (where === "defined on both hosts")
        Object.assign(world.machine("host2").add({ uuid, name: "vm1" }), { xml });
      await expect(domainResource.update(uuid, outs, inputs())).rejects.toThrow(
        /is defined on host1, and its overlay .* is on host1 and host2\. Nothing was changed\. See which of them is right/,
      );
      expect(world.boots).toBe(1);
      world.machine("host1").files.delete(path);
      world.machine("host1").domains.clear();
      expect((await domainResource.update(uuid, outs, inputs())).outs).toMatchObject({ bootedOn: "host2" });
    },
  );

  test("keeps it, and its size: the preview says why another one is refused", async () => {
    const outs = await create();
    expect(await domainResource.diff(uuid, outs, inputs(8))).toMatchObject({ changes: false });
    const shared = { ...inputs(), spec: spec() };
    const refused = /cannot have redo: shared: it was made with redo: local, .*Nothing was changed/;
    await expect(domainResource.diff(uuid, outs, shared)).rejects.toThrow(refused);
    await expect(domainResource.update(uuid, outs, shared)).rejects.toThrow(refused);
    expect(world.boots).toBe(1);
  });
});

/** What a run leaves that died when it had begun a move from host1 to host2. */
function leaveIntent(): void {
  const intent = {
    schema: 1,
    guest: "vm1",
    uuid,
    from: "host1",
    to: "host2",
    mode: "offline",
    phase: "begun",
    startedAt: "2026-01-01T00:00:00.000Z",
  };
  const path = `${world.fleet.storage.intentDirectory}/${uuid}.json`;
  world.machine("storage").files.set(path, { text: JSON.stringify(intent) });
}

describe("a migration", () => {
  beforeEach(() => {
    const host = world.machine("host1");
    host.boot(host.add({ uuid, name: "vm1" }));
  });

  const inputs = (changes: Partial<MigrationInputs> = {}): MigrationInputs => ({
    guest: "vm1",
    uuid,
    to: "host1",
    options: { mode: "live" },
    conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
    fleet: world.fleet,
    drift: "return",
    stack: "lab",
    ...changes,
  });
  const create = async (changes?: Partial<MigrationInputs>): Promise<MigrationOutputs> =>
    stored((await migrationResource.create(inputs(changes))).outs);
  const diff = (olds: MigrationOutputs, changes: Partial<MigrationInputs> = {}) =>
    migrationResource.diff(uuid, olds, inputs(changes));
  const update = async (olds: MigrationOutputs, changes: Partial<MigrationInputs> = {}) =>
    stored((await migrationResource.update(uuid, olds, inputs(changes))).outs);
  /** `pulumi up`: an update only where the diff says so. */
  async function up(
    olds: MigrationOutputs,
    changes: Partial<MigrationInputs> = {},
  ): Promise<MigrationOutputs> {
    return (await diff(olds, changes)).changes ? update(olds, changes) : olds;
  }

  test("of a guest that is in its place does nothing", async () => {
    const { id, outs } = await migrationResource.create(inputs());
    expect(id).toBe(uuid);
    expect(outs).toMatchObject({ host: "host1", placed: "host1", applied: "host1", moves: 0, history: [] });
    expect(await diff(stored(outs))).toEqual({ changes: false, replaces: [] });
    expect(kept).toEqual([]);
  });

  test("of a guest that runs where it should takes one look at each machine, and no lock", async () => {
    world.log.length = 0;
    await create();
    expect(world.log).toHaveLength(4);
  });

  test("of a guest that was just made there asks nothing, once; of one made elsewhere it does", async () => {
    const made = { ...domainSpec, uuid: unknown, name: "vm2" };
    await domainResource.create({ spec: made, host: "host1", fleet: world.fleet });
    world.log.length = 0;
    const own = { uuid: unknown, guest: "vm2" };
    expect(await create(own)).toMatchObject({ host: "host1", moves: 0 });
    expect(world.log).toHaveLength(0);
    await create(own);
    expect(world.log).toHaveLength(4);

    const other = { ...made, uuid: `${unknown.slice(0, -1)}a`, name: "vm3" };
    await domainResource.create({ spec: other, host: "host2", fleet: world.fleet });
    const asked = { uuid: other.uuid, guest: "vm3", to: "host1" };
    // It is to be moved; its disk is none of those that are simulated.
    await expect(create(asked)).rejects.toThrow("Guest vm3 cannot move to host1");
  });

  test("to a host that is to be switched on first asks nothing there in the preview", async () => {
    const storage = { ...world.fleet.storage, intentDirectory: "/export/testbed/.asleep" };
    const fleet = { ...world.fleet, storage };
    const olds = await create({ fleet });
    rememberOff(storage, ["host2"]);
    world.unreachable.add("host2");
    expect(await diff(olds, { to: "host2", fleet })).toMatchObject({ changes: true });
    expect(shown.at(-1)).toBe(
      "vm1: moves host1 → host2, live, 512 MiB of memory: host2 is off, and is asked once it is on",
    );
  });

  test("beside others says so in the preview and in the record, and others alone are no reason to do anything", async () => {
    const olds = await create();
    expect(await diff(olds, { others: 2 })).toEqual({ changes: false, replaces: [] });
    await diff(olds, { to: "host2", others: 2 });
    expect(shown.at(-1)).toContain(" passes, beside 2 other moves;");
    const news = await update(olds, { to: "host2", others: 2 });
    expect(news.history[0]?.predicted).toMatchObject({ others: 2 });
  });

  test("follows the config, says so in the preview, and keeps the record", async () => {
    const olds = await create();
    expect(await diff(olds, { to: "host2" })).toEqual({ changes: true, replaces: [] });
    expect(shown.at(-1)).toMatch(
      /^vm1: moves host1 → host2, live, 512 MiB of memory: about [\d.]+ s \([\d.]+ to [\d.]+\), downtime about \d+ ms \(\d+ to \d+\), \d passes; a rough guess/,
    );
    expect(world.runningOn(uuid)).toEqual(["host1"]);
    const news = await update(olds, { to: "host2" });
    expect(world.runningOn(uuid)).toEqual(["host2"]);
    expect(news).toMatchObject({ host: "host2", placed: "host2", applied: "host2", moves: 1 });
    expect(news.history.map(({ outcome, from, to }) => [outcome, from, to])).toEqual([
      ["completed", "host1", "host2"],
    ]);
    expect(kept).toEqual([["results/lab.jsonl", "completed"]]);
    expect(await diff(news, { to: "host2" })).toEqual({ changes: false, replaces: [] });
  });

  test("from a drained host says why in the preview, and back without a word of drift", async () => {
    const olds = await create();
    const drain = { to: "host2", drained: ["host1"], reason: "host1 is drained" };
    const drained = await up(olds, drain);
    expect(shown[0]).toContain("vm1: moves host1 → host2, live, 512 MiB of memory (host1 is drained): about");
    expect(await diff(drained, drain)).toEqual({ changes: false, replaces: [] });
    shown.length = 0;
    const back = await up(drained);
    expect(shown[0]).toMatch(/^vm1: moves host2 → host1, live, 512 MiB of memory: (?!.*guess)about/);
    expect(back).toMatchObject({ host: "host1", moves: 2 });
  });

  test("that a policy decided is recorded with its reason and its decision, and asked for once", async () => {
    const olds = await create({ decision: "2026-03-01T12:00:00.000Z" });
    const policy = { to: "host2", reason: "host1 is emptied", decision: "2026-03-01T12:20:00.000Z" };
    const moved = await up(olds, policy);
    expect(moved.history[0]).toMatchObject({ reason: policy.reason, decision: policy.decision });
    // It is at home there now, and the next decision has nothing to say of it.
    const next = { to: "host2", decision: "2026-03-01T12:40:00.000Z" };
    expect(await diff(moved, next)).toEqual({ changes: false, replaces: [] });
    expect(isSound(moved.history[0] as MigrationRecord)).toBe(true);
  });

  test("that is predicted to cost more than it may is refused before anything is touched", async () => {
    const olds = await create();
    const slo = { maxDowntimeMs: 1, maxTotalMs: 1, onBreach: "record" as const };
    await expect(diff(olds, { to: "host2", slo })).rejects.toThrow(
      /^The move of guest vm1 from host1 to host2 is predicted to take a downtime of \d+ ms \(migration.slo.maxDowntimeMs is 1\) and \d+ ms in all \(migration.slo.maxTotalMs is 1\)\. Nothing was changed\./,
    );
    // What stays has no move that could cost too much.
    expect(await diff(olds, { slo })).toMatchObject({ changes: true });
  });

  describe("that cost more than it may", () => {
    const strict = { maxTotalMs: 1 } as const;
    const told = /^vm1: its move took \d+ ms in all \(migration.slo.maxTotalMs is 1\)/;

    // A simulated move may be over within a millisecond: each command of these takes two.
    beforeEach(() => {
      const { open } = SshSession;
      const slow = vi.spyOn(SshSession, "open").mockImplementation(async (target) => {
        const session = await open(target);
        const run = session.run.bind(session);
        session.run = async (...args) => {
          await sleep(2);
          return run(...args);
        };
        return session;
      });
      return () => slow.mockRestore();
    });

    test("is said, and its record says so", async () => {
      const slo = { ...strict, onBreach: "record" } as const;
      const moved = await update(await create(), { to: "host2", slo });
      expect(shown.filter((line) => told.test(line))).toHaveLength(1);
      expect(moved).toMatchObject({ host: "host2", moves: 1 });
      expect(moved.history[0]).toMatchObject({ slo: { maxTotalMs: 1, isBroken: true } });
      expect(moved.history[0]?.slo).not.toHaveProperty("onBreach");
    });

    test("is taken back, if that is asked for, and not made again", async () => {
      const slo = { ...strict, onBreach: "return" } as const;
      const back = await update(await create(), { to: "host2", slo });
      expect(world.runningOn(uuid)).toEqual(["host1"]);
      expect(back).toMatchObject({ host: "host1", placed: "host1", applied: "host2", moves: 2 });
      expect(back.history.map(({ from, to, reason }) => [from, to, reason])).toEqual([
        ["host2", "host1", "its move to host2 took more than it may"],
        ["host1", "host2", undefined],
      ]);
      expect(await diff(back, { to: "host2", slo })).toEqual({ changes: false, replaces: [] });
    });
  });

  test("without a policy is recorded without a decision", async () => {
    const moved = await up(await create(), { to: "host2", decision: "2026-03-01T12:20:00.000Z" });
    expect(moved.history[0]).not.toHaveProperty("reason");
    expect(moved.history[0]).not.toHaveProperty("decision");
  });

  test.each(["return", "adopt", "error"] as const)(
    "of a guest that someone moved onto a drained host by hand: it moves away, with drift %s too",
    async (drift) => {
      const olds = await create({ drift });
      moveByHand("host3");
      const adopted = drift === "adopt" ? await update(olds, { drift }) : olds;
      const news = await up(adopted, { drift, drained: ["host3"] });
      expect(shown.join("\n")).toContain(
        "vm1: moves host3 → host1, live, 512 MiB of memory (host3 is drained): about",
      );
      expect(news).toMatchObject({ host: "host1", moves: 1 });
    },
  );

  test("whose other settings change moves nothing", async () => {
    const olds = await create();
    const changes = { options: { mode: "cold", maxDowntimeMs: 20 } } as const;
    expect(await diff(olds, changes)).toMatchObject({ changes: true });
    expect(await update(olds, changes)).toMatchObject({ host: "host1", moves: 0, ...changes });
    expect(world.boots).toBe(1);
  });

  test("with inputs that are not known yet changes, and no host is asked", async () => {
    const olds = await create();
    world.log.length = 0;
    expect(await diff(olds, { uuid: unknown })).toEqual({ changes: true });
    expect(world.log).toEqual([]);
  });

  test("of a guest that was moved by hand: return", async () => {
    const olds = await create();
    moveByHand("host3");
    const refreshed = stored((await migrationResource.read(uuid, olds)).props);
    expect(refreshed.host).toBe("host3");
    expect(shown.at(-1)).toBe("vm1: found on host3, was on host1");
    expect((await diff(refreshed)).changes).toBe(true);
    expect(shown.at(-1)).toContain("was moved by hand; moves back host3 → host1");
    const news = await up(refreshed);
    expect(news).toMatchObject({ host: "host1", moves: 1 });
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });

  describe.each<{ flags: Tidy[] }>([
    { flags: [] },
    { flags: ["--persistent"] },
    { flags: ["--undefinesource"] },
  ])("of a guest that was moved by hand, with no other flags than $flags", ({ flags }) => {
    const expectDefinedOnce = (host: string) => {
      expect(world.traces(uuid)).toEqual([`${host}: running`]);
      expect(domainOn(host)?.persistent).toBe(true);
      expect(world.violations).toEqual([]);
    };

    test.each(["live", "postcopy", "offline", "cold"] as const)(
      "it moves back (%s), defined where it runs and nowhere else",
      async (mode) => {
        const olds = await create();
        moveByHand("host3", flags);
        const news = await up(olds, { options: { mode } });
        expect(news).toMatchObject({ host: "host1", moves: 1 });
        expectDefinedOnce("host1");
      },
    );

    test("it stays, when that is adopted, or what the config asks for by now", async () => {
      const olds = await create({ drift: "adopt" });
      moveByHand("host3", flags);
      expect(await up(olds, { drift: "adopt" })).toMatchObject({ host: "host3", moves: 0 });
      expectDefinedOnce("host3");
      moveByHand("host2", flags);
      expect(await up(olds, { drift: "adopt", to: "host2" })).toMatchObject({ host: "host2", moves: 0 });
      expectDefinedOnce("host2");
    });

    test("it stays where it was found before, and the preview says what is fixed", async () => {
      const olds = await create();
      moveByHand("host3");
      moveByHand("host1", flags);
      expect(await diff(olds)).toMatchObject({ changes: true });
      expect(shown.at(-1)).toMatch(
        /^vm1: its definition will be (written on host1, where it runs without one|removed from host3, where it does not run)/,
      );
      expect(await up(olds)).toMatchObject({ host: "host1", moves: 0 });
      expectDefinedOnce("host1");
      expect(await diff(olds)).toMatchObject({ changes: false });
    });
  });

  test("an old definition goes with what libvirt knows of snapshots there", async () => {
    const olds = await create({ drift: "adopt" });
    moveByHand("host3", ["--persistent"]);
    Object.assign(domainOn("host1") ?? {}, { snapshots: ["before-upgrade"] });
    expect(await up(olds, { drift: "adopt" })).toMatchObject({ host: "host3", moves: 0 });
    expect(world.traces(uuid)).toEqual(["host3: running"]);
  });

  test("of a guest that was moved by hand: adopt, until the config asks for something else", async () => {
    const drift = "adopt";
    const olds = await create({ drift });
    moveByHand("host3");
    expect((await diff(olds, { drift })).changes).toBe(true);
    expect(shown.at(-1)).toBe("vm1: was moved to host3 by hand and stays there");
    const adopted = await up(olds, { drift });
    expect(adopted).toMatchObject({ host: "host3", placed: "host3", applied: "host1", moves: 0 });
    expect((await diff(adopted, { drift })).changes).toBe(false);
    // Other settings may change: it stays.
    expect(await up(adopted, { drift, options: { mode: "cold" } })).toMatchObject({
      host: "host3",
      placed: "host3",
    });
    const moved = await up(adopted, { drift, to: "host2" });
    expect(moved).toMatchObject({ host: "host2", placed: "host2", applied: "host2", moves: 1 });
    expect(world.boots).toBe(1);
  });

  test("that the provider of a killed update has made is waited for: it may still be measuring", async () => {
    const olds = await create();
    moveByHand("host2");
    const lock = `${world.fleet.storage.intentDirectory}/${uuid}.json.lock`;
    const release = world.machine("storage").waitForLock(lock, () => {});
    let done = false;
    const news = up(olds, { to: "host2" }).finally(() => {
      done = true;
    });
    for (let i = 0; i < 100; i++) await new Promise(setImmediate);
    expect(done).toBe(false);
    release();
    expect(await news).toMatchObject({ host: "host2", placed: "host2", applied: "host2", moves: 0 });
  });

  test("of a guest that was moved by hand with its overlay: what the old host has of it goes", async () => {
    const drift = "adopt";
    const redo = { path: ownDisk("vm1"), basePath: "/e/base.qcow2", baseFormat: "qcow2" } as const;
    const olds = await create({ drift, redo });
    moveByHand("host3");
    for (const host of ["host1", "host3"]) {
      world.machine(host).files.set(redo.path, { text: overlayText(1) });
    }
    await up(olds, { drift, redo });
    expect(world.traces(uuid)).toEqual(["host3: running", `host3: ${redo.path}`]);
  });

  test("of a guest that was moved by hand and does not run yet removes nothing", async () => {
    const drift = "adopt";
    const olds = await create({ drift });
    moveByHand("host3", []);
    Object.assign(domainOn("host3") ?? {}, { state: "paused", reason: "migrating" });
    expect(await up(olds, { drift })).toMatchObject({ host: "host3", moves: 0 });
    expect(world.traces(uuid)).toEqual(["host1: inactive", "host3: paused"]);
  });

  test("of a guest that was moved by hand: error, and nothing is touched", async () => {
    const drift = "error";
    const olds = await create({ drift });
    moveByHand("host3");
    await expect(diff(olds, { drift })).rejects.toThrow("where someone moved it by hand");
    await expect(update(olds, { drift })).rejects.toThrow("where someone moved it by hand");
    expect(world.runningOn(uuid)).toEqual(["host3"]);
  });

  test("of a guest that runs twice stops everything", async () => {
    const olds = await create();
    const copy = world.machine("host2").add({ uuid, name: "vm1" });
    Object.assign(copy, { state: "running", reason: "booted" });
    for (const ask of [
      diff(olds),
      diff(olds, { to: "host2" }),
      update(olds),
      migrationResource.read(uuid, olds),
    ]) {
      await expect(ask).rejects.toThrow("active on host1 and host2 at the same time");
    }
  });

  test("asks every host, and one that does not answer is an error", async () => {
    const olds = await create();
    await closeSessions();
    world.unreachable.add("host3");
    for (const ask of [diff(olds), update(olds, { to: "host2" }), migrationResource.read(uuid, olds)]) {
      await expect(ask).rejects.toThrow("Host host3 cannot be reached over SSH");
    }
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });

  test("that a dead run left unfinished is put right, also when the config is as it was", async () => {
    const olds = await create();
    leaveIntent();
    expect((await diff(olds)).changes).toBe(true);
    expect(shown.at(-1)).toBe(
      "vm1: its move from host1 to host2 (offline) was cut short and will be put right",
    );
    const news = await up(olds);
    expect(news).toMatchObject({ host: "host1", moves: 0 });
    expect(news.history.map(({ outcome }) => outcome)).toEqual(["rolled-back"]);
    expect(kept).toEqual([["results/lab.jsonl", "rolled-back"]]);
    expect((await diff(news)).changes).toBe(false);
  });

  test("whose move a dead run left unfinished, with a host that is lost since, says what only a person can do", async () => {
    const olds = await create();
    leaveIntent();
    const { host2: _lost, ...hosts } = world.fleet.hosts;
    const fleet = { ...world.fleet, hosts };
    await expect(migrationResource.update(uuid, { ...olds, fleet }, inputs({ fleet }))).rejects.toThrow(
      new RegExp(
        `host2 has left the testbed\\. Nothing was changed.* remove .*/${uuid}\\.json on the storage host`,
      ),
    );
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });

  test("in the middle of which the state is refreshed is not judged yet", async () => {
    const olds = await create();
    leaveIntent();
    // What a move that still goes on looks like: a copy at both ends.
    Object.assign(world.machine("host2").add({ uuid, name: "vm1" }), {
      state: "paused",
      reason: "migrating",
    });
    expect(await migrationResource.read(uuid, olds)).toEqual({ id: uuid, props: olds });
  });

  test("that fails leaves its record in the state, where the guest is, and what to try again", async () => {
    const olds = await create();
    world.refusals.set("host1", "migrate");
    const failure = await update(olds, { to: "host2" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      id: uuid,
      reasons: [expect.stringContaining("cannot migrate here")],
      properties: { host: "host1", moves: 0, to: "host2", applied: "host1", placed: "host1" },
    });
    const state = stored((failure as { properties: MigrationOutputs }).properties);
    expect(state.history.map(({ outcome }) => outcome)).toEqual(["rolled-back"]);
    expect(kept).toEqual([["results/lab.jsonl", "rolled-back"]]);
    // The next run tries again, although nothing was changed since.
    world.refusals.clear();
    expect(await up(state, { to: "host2" })).toMatchObject({ host: "host2", moves: 1 });
  });

  test("that fails at first has a state to go on from", async () => {
    world.refusals.set("host1", "migrate");
    const failure = await create({ to: "host2" }).catch((error: unknown) => error);
    const { properties } = failure as { properties: MigrationOutputs };
    expect(properties).toMatchObject({ host: "host1", moves: 0, to: "host2" });
    world.refusals.clear();
    expect(await up(stored(properties), { to: "host2" })).toMatchObject({ host: "host2", moves: 1 });
  });

  test("whose record cannot be kept has been made all the same: an error says so, and where the guest runs", async () => {
    const olds = await create();
    unwritable.why = "downtimeMs is NaN";
    const failure = await update(olds, { to: "host2" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      id: uuid,
      message: expect.stringMatching(
        /vm1 runs on host2.*not in results\/lab\.jsonl: downtimeMs is NaN.*pulumi up/,
      ),
      properties: { host: "host2", moves: 1, to: "host2", applied: "host2", placed: "host2" },
    });
    delete unwritable.why;
    const state = stored((failure as { properties: MigrationOutputs }).properties);
    expect(await up(state, { to: "host2" })).toMatchObject({ host: "host2", moves: 1 });
    expect(kept).toEqual([]);
  });

  describe("that is sampled", () => {
    const options = { mode: "live", sampleIntervalMs: 250 } as const;

    test("has its series kept, after its record", async () => {
      const { history } = await update(await create(), { to: "host2", options });
      expect(kept).toEqual([
        ["results/lab.jsonl", "completed"],
        ["results/lab.samples.jsonl", history[0]?.startedAt],
      ]);
      expect(history[0]?.sampled).toMatchObject({ intervalMs: 250 });
      expect([world.samplers.size, world.probers.size]).toEqual([0, 0]);
    });

    test("is made without them where no host tells anything, and says so", async () => {
      world.tellsLoad = false;
      const { host, history } = await update(await create(), { to: "host2", options });
      expect(host).toBe("host2");
      expect(history[0]).not.toHaveProperty("sampled");
      expect(kept).toEqual([["results/lab.jsonl", "completed"]]);
      for (const name of ["host1", "host2"])
        expect(shown.join("\n")).toContain(`vm1: how busy ${name} was in its move is not known`);
    });

    test("says of a workload that nobody can read what it got done", async () => {
      const conditions = { ...inputs().conditions, workload: { type: "cpu" } };
      const { history } = await update(await create(), { to: "host2", options, conditions });
      expect(history[0]?.sampled).not.toHaveProperty("work");
      expect(shown.join("\n")).toContain("vm1: what its move did to its work is not known");
    });

    test("that fails has its series kept as well, after its record", async () => {
      const olds = await create();
      world.refusals.set("host1", "migrate");
      const failure = await update(olds, { to: "host2", options }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ message: expect.stringContaining("cannot migrate here") });
      const [record] = (failure as { properties: MigrationOutputs }).properties.history;
      expect(record).toMatchObject({ outcome: "rolled-back", sampled: { intervalMs: 250 } });
      expect(kept).toEqual([
        ["results/lab.jsonl", "rolled-back"],
        ["results/lab.samples.jsonl", record?.startedAt],
      ]);
      expect([world.samplers.size, world.probers.size]).toEqual([0, 0]);
    });
  });

  test("that fails, and whose record cannot be kept, says both", async () => {
    const olds = await create();
    world.refusals.set("host1", "migrate");
    unwritable.why = "no space for a line of results";
    const failure = await update(olds, { to: "host2" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      reasons: [expect.stringMatching(/cannot migrate here.*no space for a line of results/s)],
      properties: { host: "host1", moves: 0 },
    });
  });

  test("remembers its fifty latest moves, newest first, and counts all", async () => {
    let state = await create();
    for (let i = 0; i < 52; i++) state = await up(state, { to: i % 2 === 0 ? "host2" : "host1" });
    expect(state.moves).toBe(52);
    expect(state.history).toHaveLength(50);
    expect(state.history[0]?.to).toBe("host1");
    expect(kept).toHaveLength(52);
  });

  test("to a host that lacks the guest's CPU is refused before anything is touched", async () => {
    const olds = await create();
    const platform = { accelerator: "kvm", machine: "pc-q35-8.2", cpuXml: "<cpu/>" } as const;
    world.machine("host2").cpuVerdict = "missing features: avx512f";
    await expect(update(olds, { to: "host2", platform })).rejects.toThrow(
      /Guest vm1 cannot move to host2; nothing was changed\.\n {2}CPU: host2 cannot run the guest's CPU model \(kvm, pc-q35-8\.2\).*: missing features: avx512f\. Shut the guest down/,
    );
    expect(world.runningOn(uuid)).toEqual(["host1"]);
    const [record] = (await update(olds, { to: "host3", platform })).history;
    expect(record?.preflight).toContainEqual({
      check: "CPU",
      verdict: "pass",
      detail: "host3 has all of the guest's CPU model (kvm, pc-q35-8.2)",
    });
  });

  test("to a host that lacks the CPU model that the guest names is refused, with another remedy", async () => {
    const olds = await create();
    const platform = { accelerator: "kvm", machine: "pc-q35-8.2", cpu: "Icelake-Server" } as const;
    world.machine("host2").cpuVerdict = "missing features: avx512f";
    await expect(diff(olds, { to: "host2", platform })).rejects.toThrow(
      /CPU: host2 lacks the CPU model that the guest is to have, Icelake-Server \(kvm, pc-q35-8\.2\): missing features: avx512f\. Give the guest one that all hosts have/,
    );
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });

  test("in a way for which a host is too old is refused in the preview, with the reason", async () => {
    const olds = await create();
    const options = { mode: "live", compression: "zstd", parallelConnections: 2 } as const;
    const refusal =
      /^Guest vm1 cannot be moved as its config says; nothing was changed\.\n {2}migration\.compression: on host1, zstd cannot be asked of libvirt 9\.0\.0 \(of 9\.4 it can\); leave it out/;
    await expect(diff(olds, { options })).rejects.toThrow(refusal);
    await expect(diff(olds, { options, to: "host2" })).rejects.toThrow(refusal);
    await expect(migrationResource.create(inputs({ options }))).rejects.toThrow(refusal);
    await expect(diff(olds, { options: { mode: "live", switchoverMiBps: 400 } })).rejects.toThrow(
      "migration.switchoverMiBps: on host1, 400 cannot be asked of libvirt 9.0.0 (of 11.1 it can); leave it out, or upgrade libvirt",
    );
    expect(await diff(olds, { options: { mode: "live", compression: "xbzrle" } })).toMatchObject({
      changes: true,
    });
  });

  test("by mode auto is chosen from what earlier moves took, too", async () => {
    const olds = await create();
    const news = await update(olds, { to: "host2", options: { mode: "auto" } });
    expect(news.history).toMatchObject([
      { mode: "live", modeReason: expect.stringContaining("pre-copy converges") },
    ]);
    expect(news.options).toEqual({ mode: "auto" });
  });

  test("from a host that has left the config", async () => {
    const olds = await create();
    const { host1: _left, ...hosts } = world.fleet.hosts;
    const news = await up(olds, { to: "host2", fleet: { ...world.fleet, hosts } });
    expect(world.runningOn(uuid)).toEqual(["host2"]);
    expect(Object.keys(news.fleet.hosts)).toEqual(["host2", "host3"]);
  });

  test("to a host that is not there is refused", async () => {
    const olds = await create();
    await expect(update(olds, { to: "host9" })).rejects.toThrow('There is no host "host9" in this testbed');
    expect(world.runningOn(uuid)).toEqual(["host1"]);
  });

  test("of another guest is another resource", async () => {
    const olds = await create();
    const other = "99999999-9999-4999-8999-999999999999";
    expect((await diff(olds, { uuid: other })).replaces).toEqual(["uuid"]);
  });

  test("of a guest that is off waits for its domain to start it", async () => {
    const olds = await create();
    world.cutPower("host1");
    expect((await diff(olds)).changes).toBe(false);
    await expect(update(olds, { to: "host2" })).rejects.toThrow("cannot be moved: it is inactive");
  });
});
