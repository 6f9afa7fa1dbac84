import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Fleet, union } from "../../../fleet/fleet.ts";
import { fleetPageOf } from "../../../fleet/fleet-page.ts";
import type { ClusterInputs, ClusterOutputs } from "../../../provider/cluster-resource.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

// Which hosts there are, as the storage host keeps it: a real shell, in a folder of this machine. Each of Pulumi's phases is a process of
// its own, so each starts without what another has read.

const folder = useLocalSsh();
afterEach(closeSessions);

const ssh = (name: string) => ({ name, address: `${name}.test`, port: 22, user: "root" });
const host = (name: string) => ({ ssh: ssh(name), peerAddress: `10.0.0.${name.length}` });
let count = 0;

function cluster(...names: string[]): ClusterInputs {
  const hosts = Object.fromEntries(names.map((name) => [name, host(name)]));
  return {
    common: {
      hosts,
      storage: { ssh: ssh("storage"), intentDirectory: join(folder, `it's ${count}`) },
      page: fleetPageOf(hosts),
      ...{ accelerator: "tcg", machine: "pc-q35-7.2", cpuXml: "<cpu/>", transport: "userspace" },
      ...{ server: "10.0.0.10", bridge: "br0" },
    },
  };
}
const pages = ({ common: { storage } }: ClusterInputs) => `${storage.intentDirectory}.fleets`;

async function phase() {
  vi.resetModules();
  const { clusterResource } = await import("../../../provider/cluster-resource.ts");
  const { byReference } = await import("../../../provider/by-reference.ts");
  const { closeSessions } = await import("../../../ssh/session-pool.ts");
  const guest = byReference({
    diff: async (_id: string, olds: { fleet: Fleet }, news: { fleet: Fleet }) => ({
      props: { fleet: union(olds.fleet, news.fleet) },
      hosts: Object.keys(union(olds.fleet, news.fleet).hosts),
    }),
    read: async (_id: string, state: { fleet: Fleet }) => ({
      props: state,
      hosts: Object.keys(state.fleet.hosts),
    }),
  });
  type Answer = { props: { fleet: unknown }; hosts: string[] };
  return {
    cluster: clusterResource,
    read: async (fleet: unknown) => (await guest.read("id", { fleet: fleet as Fleet })) as unknown as Answer,
    diff: async (olds: unknown, news: unknown) =>
      (await guest.diff("id", { fleet: olds as Fleet }, { fleet: news as Fleet })) as unknown as Answer,
    end: closeSessions,
  };
}

const named = ({ common: { storage, page } }: ClusterInputs) => ({ storage, pages: [page] });

async function made(inputs: ClusterInputs): Promise<ClusterOutputs> {
  const { cluster: resource, end } = await phase();
  const { outs } = await resource.create(inputs);
  await end();
  return outs;
}

describe("which hosts there are", () => {
  afterEach(() => void count++);

  test("is read by what names their page, in another process, and named again by what it keeps", async () => {
    const inputs = cluster("host1", "host2");
    await made(inputs);
    const { read, end } = await phase();
    expect(await read(named(inputs))).toEqual({ props: { fleet: named(inputs) }, hosts: ["host1", "host2"] });
    await end();
  });

  test("is told before guests are looked for there: all that are on are called at once", async () => {
    const log = join(folder, `commands ${count}`);
    vi.stubEnv("KVM_MIGRATION_TESTBED_COMMANDS", log);
    const inputs = cluster("host1", "host2", "host3");
    const { cluster: resource, end } = await phase();
    await resource.check(undefined, { ...inputs, areOff: ["host2"] });
    await end();
    vi.unstubAllEnvs();
    const called = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(called.map((line) => JSON.parse(line).host).sort()).toEqual(["host1", "host3", "storage"]);
  });

  test("is the same page whatever the order in which it is told", () => {
    const { hosts } = cluster("host1", "host2").common;
    const turned = {
      host2: { peerAddress: host("host2").peerAddress, ssh: ssh("host2") },
      host1: host("host1"),
    };
    expect(fleetPageOf(turned)).toBe(fleetPageOf(hosts));
    expect(fleetPageOf(cluster("host1", "host3").common.hosts)).not.toBe(fleetPageOf(hosts));
  });

  test("and were before is known together, until a guest names the later page alone", async () => {
    const [before, after] = [cluster("host1", "host2", "host3"), cluster("host1", "host2")];
    const olds = await made(before);
    const { cluster: resource, diff, end } = await phase();
    expect(await resource.check(olds, after)).toEqual({ inputs: after });
    expect(await resource.diff("id", olds, after)).toEqual({ changes: true });
    // Not written yet, in a preview.
    const both = await diff(named(before), named(after));
    expect(both.hosts.sort()).toEqual(["host1", "host2", "host3"]);
    expect(both.props.fleet).toEqual({
      storage: before.common.storage,
      pages: [before.common.page, after.common.page],
    });
    const { outs } = await resource.update("id", olds, after);
    expect(outs.earlier).toEqual([{ page: before.common.page, hosts: before.common.hosts }]);
    expect(await resource.diff("id", outs, after)).toEqual({ changes: false });
    await end();
    const later = await phase();
    expect((await later.read(both.props.fleet)).hosts.sort()).toEqual(["host1", "host2", "host3"]);
    expect((await later.read(named(after))).hosts).toEqual(["host1", "host2"]);
    await later.end();
  });

  test("is known in the preview that would write it down first", async () => {
    const inputs = cluster("host1");
    const { cluster: resource, read, end } = await phase();
    await resource.check({}, inputs);
    expect((await read(named(inputs))).hosts).toEqual(["host1"]);
    await end();
  });

  test("is written again by the next update, once somebody removed it", async () => {
    const inputs = cluster("host1");
    const olds = await made(inputs);
    rmSync(pages(inputs), { recursive: true });
    const { cluster: resource, read, end } = await phase();
    // What is asked alone says so: a host that is not looked at could run the guest.
    await expect(read(named(inputs))).rejects.toThrow(/that file is gone.*Nothing was changed.*pulumi up/);
    expect(await resource.diff("id", olds, inputs)).toEqual({ changes: true });
    // And beside the cluster it is known all the same.
    expect((await read(named(inputs))).hosts).toEqual(["host1"]);
    await resource.update("id", olds, inputs);
    expect(readdirSync(pages(inputs))).toEqual([inputs.common.page]);
    await end();
  });

  test("and that one of them may be off is kept, until none may be: then no note is left", async () => {
    const inputs = { ...cluster("host1", "host2"), mayBeOff: ["host2", "host3"] };
    const { cluster: resource, end } = await phase();
    const checked = await resource.check({}, { ...inputs, areOff: ["host2"] });
    // What is off now is for the moment only.
    expect(checked).toEqual({ inputs });
    const { outs } = await resource.create(inputs);
    expect(await resource.diff("id", outs, inputs)).toEqual({ changes: false });
    const notes = `${inputs.common.storage.intentDirectory}.off`;
    mkdirSync(notes);
    for (const host of ["host2", "host3", "host4"]) writeFileSync(join(notes, host), "");
    const fewer = { ...inputs, mayBeOff: ["host2"] };
    expect(await resource.diff("id", outs, fewer)).toEqual({ changes: true });
    await resource.update("id", outs, fewer);
    expect(readdirSync(notes)).toEqual(["host2", "host4"]);
    const { mayBeOff: _, ...none } = inputs;
    await resource.update("id", { ...outs, ...fewer }, none);
    expect(readdirSync(notes)).toEqual(["host4"]);
    await end();
  });

  test("is not guessed from what this program did not write", async () => {
    const inputs = cluster("host1");
    await made(inputs);
    for (const text of ["{", '{"host1": {"ssh": {}}}']) {
      writeFileSync(join(pages(inputs), inputs.common.page), text);
      const { read, end } = await phase();
      await expect(read(named(inputs))).rejects.toThrow(/was not written by this program/);
      await end();
    }
  });

  test("has no host that is lost for good, and one that comes back by its name", async () => {
    const inputs = cluster("host1", "host2");
    await made(inputs);
    const { read, diff, end } = await phase();
    const without = { ...named(inputs), without: ["host2"] };
    expect(await read(without)).toEqual({ props: { fleet: without }, hosts: ["host1"] });
    expect((await diff(without, without)).props.fleet).toEqual(without);
    expect(await diff(without, named(inputs))).toMatchObject({ hosts: ["host1", "host2"] });
    expect((await diff(without, named(inputs))).props.fleet).not.toHaveProperty("without");
    await end();
  });

  test("is told whole in a state of an earlier version, and goes on like that", async () => {
    const inputs = cluster("host1", "host2");
    await made(inputs);
    const { hosts, storage } = cluster("host1", "host3").common;
    const { read, diff, end } = await phase();
    expect(await read({ hosts, storage })).toEqual({
      props: { fleet: { hosts, storage } },
      hosts: ["host1", "host3"],
    });
    const both = await diff({ hosts, storage }, named(inputs));
    expect(both.hosts.sort()).toEqual(["host1", "host2", "host3"]);
    expect(both.props.fleet).not.toHaveProperty("pages");
    await end();
  });

  test("goes with the cluster", async () => {
    const inputs = cluster("host1");
    const state = await made(inputs);
    const { cluster: resource, end } = await phase();
    await resource.delete("id", state);
    expect(existsSync(pages(inputs))).toBe(false);
    await end();
  });
});
