import { beforeEach, describe, expect, test, vi } from "vitest";
import { askForGuests } from "../../../stacks/asking/ask-for-guests.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import { checkLeftHosts, checkMovedHosts, leftHosts, movedHosts } from "../../../stacks/left-hosts.ts";
import { type PastStack, pastStackOf } from "../../../stacks/past.ts";
import { planStack } from "../../../stacks/plan.ts";
import { labInput, metalInput } from "../helpers/config-stack.ts";
import { simulate, world } from "../helpers/simulated-session.ts";

vi.mock("../../../ssh/session.ts", () => import("../helpers/simulated-session.ts"));

const [uuid1, uuid2] = ["1b7159b2-c702-5eb0-be68-43576be5849d", "2b7159b2-c702-5eb0-be68-43576be5849d"];
const ssh = (name: string, address: string) => ({ name, address, port: 22, user: "root" });
const past: PastStack = {
  guests: [
    { name: "vm1", uuid: uuid1, host: "host1", programs: [] },
    { name: "vm2", uuid: uuid2, host: "host3", programs: [] },
  ],
  hosts: {
    host1: ssh("host1", "192.0.2.11"),
    host2: ssh("host2", "192.0.2.12"),
    host3: ssh("host3", "192.0.2.13"),
  },
  transport: "kernel",
};
const plan = (input = metalInput()) => planStack(parseStackConfig(input, "mine"), "mine");

describe("what Pulumi's state tells", () => {
  const fleet = (...names: string[]) => ({
    hosts: Object.fromEntries(
      names.map((name) => [name, { ssh: ssh(name, `192.0.2.1${name.at(-1)}`), peerAddress: "" }]),
    ),
  });
  const domain = {
    type: "pulumi-nodejs:dynamic/testbed:Domain",
    outputs: {
      spec: {
        name: "vm1",
        uuid: uuid1,
        storage: {
          transport: "kernel",
          overlayPath: "/e/vm1.qcow2",
          basePath: "/e/debian-12-mysql-0123456789ab.qcow2",
        },
      },
      bootedOn: "host1",
      fleet: fleet("host1", "host2"),
    },
  };
  const migration = {
    type: "pulumi-nodejs:dynamic/testbed:Migration",
    outputs: {
      guest: "vm1",
      uuid: uuid1,
      host: "host2",
      conditions: { workload: { type: "cpu" } },
      fleet: fleet("host1", "host2", "host3"),
    },
  };
  const other = { type: "pulumi:pulumi:Stack", outputs: {} };

  test("is where guests were last seen, and how hosts were reached", () => {
    expect(pastStackOf([other, domain, migration])).toEqual({
      guests: [
        {
          ...{ name: "vm1", uuid: uuid1, host: "host2", firmware: "bios" },
          ...{ programs: ["mysql"], workload: { type: "cpu" } },
        },
      ],
      hosts: past.hosts,
      transport: "kernel",
    });
  });

  test("is the same where the plugin's resources tell it", () => {
    const plugins = [domain, migration].map((resource) => ({
      ...resource,
      type: resource.type.replace("pulumi-nodejs:dynamic/testbed:", "kvmtestbed:index:"),
    }));
    expect(pastStackOf([other, ...plugins])).toEqual(pastStackOf([other, domain, migration]));
  });

  test("is what guests have for life, as far as that is known", () => {
    const overlay = {
      type: "libvirt:index/volume:Volume",
      outputs: { name: "vm1.qcow2", size: 3 * 2 ** 30 },
    };
    const base = { type: "libvirt:index/volume:Volume", outputs: { name: "a.qcow2", size: 2 ** 30 } };
    const command = (outputs: object) => ({ type: "command:local:Command", outputs });
    const sha256 = "1a".repeat(32);
    const image = command({
      environment: { SOURCE: "auto", SHA256: "" },
      stdout: JSON.stringify({ path: "/cache/a.qcow2", sha256 }),
    });
    const commands = [
      command({ environment: { SOURCE: "auto" } }),
      command({ stdout: "ssh-ed25519 KEY" }),
      image,
    ];
    const storage = { transport: "kernel", overlayPath: "/e/vm1.qcow2", basePath: "/e/a.qcow2" };
    const guest = (changes: object) => ({
      ...domain,
      outputs: { ...domain.outputs, spec: { ...domain.outputs.spec, storage: { ...storage, ...changes } } },
    });
    const placed = { ...migration, outputs: { ...migration.outputs, address: "192.0.2.101" } };
    const known = { diskGiB: 3, address: "192.0.2.101", image: { source: "auto", sha256 } };
    expect(pastStackOf([guest({}), placed, base, overlay, ...commands]).guests).toMatchObject([known]);
    const local = guest({ overlayPath: "/var/lib/disks/vm1.qcow2", localGiB: 5 });
    expect(pastStackOf([local, base, image]).guests).toMatchObject([{ diskGiB: 5 }]);
    const [other] = pastStackOf([guest({ basePath: "/e/b.qcow2" }), placed, image]).guests;
    expect(other).not.toHaveProperty("image");
    expect(other).not.toHaveProperty("diskGiB");
  });

  test("of a run that ended before its guests were placed is where they were booted", () => {
    expect(pastStackOf([domain])).toMatchObject({
      guests: [{ host: "host1" }],
      hosts: { host2: ssh("host2", "192.0.2.12") },
    });
  });

  test("is which hosts stand on the pages that guests name, and on no other", () => {
    const at = (name: string) => ({ [name]: { ssh: ssh(name, "192.0.2.1"), peerAddress: "192.0.2.1" } });
    const earlier = [
      { page: "b", hosts: { ...at("host1"), ...at("host2") } },
      { page: "c", hosts: at("host3") },
    ];
    const cluster = {
      type: "pulumi-nodejs:dynamic/testbed:Cluster",
      outputs: { common: { page: "a", hosts: at("host1") }, earlier },
    };
    const naming = (fleet: object) => ({ ...domain, outputs: { ...domain.outputs, fleet } });
    const hosts = (fleet: object) => Object.keys(pastStackOf([cluster, naming(fleet)]).hosts);
    expect(hosts({ pages: ["a"] })).toEqual(["host1"]);
    expect(hosts({ pages: ["a", "b"] })).toEqual(["host1", "host2"]);
    expect(hosts({ pages: ["b"], without: ["host2"] })).toEqual(["host1"]);
  });

  test("is nothing at first", () => {
    expect(pastStackOf([other])).toEqual({ guests: [], hosts: {} });
  });
});

describe("a host that is left out", () => {
  const left = leftHosts(past, plan());

  test("is found by its name", () => {
    expect(left).toEqual([past.hosts.host3]);
    expect(leftHosts({ guests: [], hosts: {} }, plan())).toEqual([]);
  });

  test("may go when no guest is on it", () => {
    expect(checkLeftHosts(past, left, { host3: { guests: [] } })).toEqual([]);
  });

  test("is refused with the guests that are on it and the way to get them off", () => {
    expect(checkLeftHosts(past, left, { host3: { guests: ["vm1", "vm2"] } })).toEqual([
      {
        path: "testbed:hosts",
        problem: "host3 is left out, and vm1 and vm2 are still on it",
        fix: "put it back, name it in testbed:drain, run `pulumi up`, and leave it out then",
      },
    ]);
  });

  test("is refused when it does not answer: the guests may be there", () => {
    expect(checkLeftHosts(past, left, { host3: { reason: "no route to host\n" } })).toEqual([
      {
        path: "testbed:hosts",
        problem: "host3 is left out and does not say whether vm1 or vm2 is still on it (no route to host)",
        fix: "put it back and fix it; if it is lost, see docs/hosts.md",
      },
    ]);
  });
});

describe("a host that has another address", () => {
  const renumbered = plan(
    metalInput({
      hosts: [
        { name: "host1", address: "192.0.2.99" },
        { name: "host2", address: "192.0.2.12" },
      ],
    }),
  );
  const moved = movedHosts(past, renumbered);

  test("is asked there; in the lab it is another container anyway", () => {
    expect(moved).toEqual([ssh("host1", "192.0.2.99")]);
    expect(movedHosts(past, plan(labInput()))).toEqual([]);
    expect(movedHosts(past, plan())).toEqual([]);
  });

  test("is the same machine when its guests are on it", () => {
    expect(checkMovedHosts(past, renumbered, moved, { host1: { guests: ["vm1"] } })).toEqual([]);
  });

  test("is refused when they are not: they would be booted a second time", () => {
    expect(checkMovedHosts(past, renumbered, moved, { host1: { guests: ["vm2"] } })).toEqual([
      {
        path: "testbed:hosts[0].address",
        problem: "192.0.2.99 is not the machine that host1 was: vm1 is not on it",
        fix: "give an address of the machine with vm1; to put another in its place, drain host1 first",
      },
    ]);
  });

  test("that does not answer is reported once, with the other machines", () => {
    expect(checkMovedHosts(past, renumbered, moved, { host1: { reason: "refused" } })).toEqual([]);
  });
});

describe("asking a machine for guests", () => {
  beforeEach(() => void simulate(["host1", "host2", "host3"]));
  const target = (name: string) => world.fleet.hosts[name]?.ssh ?? ssh(name, "");
  const ask = (...names: string[]) => askForGuests(names.map(target), past.guests);

  test("finds those that run and those that are off", async () => {
    const host1 = world.machine("host1");
    host1.boot(host1.add({ uuid: uuid1, name: "vm1" }));
    world.machine("host3").add({ uuid: uuid2, name: "vm2" });
    expect(await ask("host1", "host2", "host3")).toEqual({
      host1: { guests: ["vm1"] },
      host2: { guests: [] },
      host3: { guests: ["vm2"] },
    });
  });

  test("takes no definition for a guest that was last seen elsewhere", async () => {
    world.machine("host2").add({ uuid: uuid1, name: "vm1" });
    expect(await ask("host2")).toEqual({ host2: { guests: [] } });
  });

  test("tells of one that does not answer, and of one whose libvirt does not", async () => {
    world.unreachable.add("host1");
    world.refusals.set("host2", "virsh");
    expect(await ask("host1", "host2")).toEqual({
      host1: { reason: "No route to host" },
      host2: { reason: expect.stringContaining("looking for guest") },
    });
  });
});
