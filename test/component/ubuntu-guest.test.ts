import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { Bridge } from "../../components/bridge.ts";
import { CpuBaseline } from "../../components/cpu-baseline.ts";
import { HostCluster } from "../../components/host-cluster.ts";
import { KvmHost } from "../../components/kvm-host.ts";
import { NfsPool } from "../../components/nfs-pool.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { UbuntuGuest, type UbuntuGuestArgs } from "../../components/ubuntu-guest.ts";
import { Uefi } from "../../components/uefi.ts";
import { answers as hostAnswers, withoutKernelNfs } from "./hosts.ts";
import { recordOptions } from "./options.ts";
import { type Answers, isKnown, record, resolved } from "./recorder.ts";

const cpu = "<cpu mode='custom'><model>Skylake-Client</model></cpu>";

/** Besides what hosts say: the CPU that they have in common, and what the engine says of a guest. */
const guestAnswers =
  (hosts: Answers): Answers =>
  (type, name, inputs) => {
    if (name === "platform-cpu-a") return { stdout: cpu };
    if (type.endsWith("testbed:Domain")) return { bootedOn: "a", boots: 3, state: "running" };
    return hosts(type, name, inputs);
  };
const answers = guestAnswers(hostAnswers);

interface Given extends Partial<UbuntuGuestArgs> {
  /** The public key's text depends on the file. */
  keyPath?: string;
  name?: string;
}

function guest({ keyPath = "k", name = "vm1", ...args }: Given = {}) {
  const hosts = ["a", "b"].map((each, i) => new KvmHost(each, { address: `192.0.2.1${i + 1}` }));
  const storage = {
    name: "store",
    address: "192.0.2.10",
    user: "admin",
    port: 2222,
    knownHostsFile: ".t/known",
  };
  const pool = new NfsPool("pool", { storage, hosts });
  return new UbuntuGuest(name, {
    host: "b",
    memoryMiB: 512,
    mac: "52:54:00:10:55:ef",
    user: "ubuntu",
    key: new SshKey("key", { path: keyPath }),
    cluster: new HostCluster("cluster", {
      hosts,
      pool,
      bridge: new Bridge("br", { hosts, bridge: "br7" }),
      platform: new CpuBaseline("platform", { hosts }),
    }),
    base: pool.base("pool-base", { path: "/cache/base.qcow2" }),
    ...args,
  });
}

const network = { address: "192.0.2.101", cidr: "192.0.2.101/24", gateway: "192.0.2.1" };

test("the disk is an overlay on the pool's base image, which later changes of the base leave alone", async () => {
  const { one, options } = await recordOptions(() => guest({ diskGiB: 20 }), answers);
  const { inputs, provider } = one("vm1-overlay");
  expect(inputs).toMatchObject({
    name: "vm1.qcow2",
    pool: "testbed",
    format: "qcow2",
    baseVolumeId: "pool-base-id",
    size: 20 * 1024 ** 3,
  });
  expect(provider).toContain("store-libvirt");
  expect(options("vm1-overlay").ignoreChanges).toEqual(["baseVolumeId", "size"]);
});

test("its files are put into the pool once the hosts have theirs", async () => {
  const { one } = await record(() => guest(), answers);
  for (const file of ["vm1-overlay", "vm1-seed"]) {
    const { dependencies } = one(file);
    expect(dependencies).toContain(one("pool-store").urn);
    expect(dependencies).toContain(one("cluster").urn);
  }
  for (const before of ["pool-a", "pool-b"]) expect(one("cluster").dependencies).toContain(one(before).urn);
});

test("a host that is new replaces no guest's files in a preview", async () => {
  const known = await record(() => guest({ network }), answers);
  const preview = await record(() => guest({ network }), answers, {
    preview: true,
    isNew: (name) => /^a-|-a(-|$)/.test(name),
  });
  expect(await isKnown(preview.result.domain.spec)).toBe(false);
  for (const file of ["vm1-overlay", "vm1-seed"]) {
    expect(preview.one(file).inputs).toEqual(known.one(file).inputs);
  }
});

test("what it is, is put together from the pool, the bridge and what all hosts can", async () => {
  const { one, result } = await record(
    () => guest({ vcpus: 2, vnc: { port: 5901, listen: "0.0.0.0", password: "hidden" } }),
    answers,
  );
  const { inputs, secrets } = one("vm1-domain");
  expect(inputs.spec).toEqual({
    name: "vm1",
    uuid: await resolved(result.uuid),
    memoryMiB: 512,
    vcpus: 2,
    accelerator: "kvm",
    machine: "pc-q35-8.2",
    cpuXml: cpu,
    storage: {
      transport: "kernel",
      server: "192.0.2.10",
      overlayPath: "vm1-overlay-id",
      basePath: "pool-base-id",
      baseFormat: "qcow2",
      seedPath: "vm1-seed-id",
    },
    mac: "52:54:00:10:55:ef",
    bridge: "br7",
    vnc: { port: 5901, listen: "0.0.0.0" },
  });
  expect(inputs.host).toBe("b");
  expect(secrets).toEqual(["vncPassword"]);
});

test("a CPU model by name stands in place of the one that all hosts have in common", async () => {
  const { one } = await record(() => guest({ cpu: "Westmere" }), answers);
  const { spec } = one("vm1-domain").inputs as { spec: object };
  expect(spec).toMatchObject({ cpu: "Westmere" });
  expect(spec).not.toHaveProperty("cpuXml");
});

test("UEFI: its files are the hosts', the guest's variables are on the export", async () => {
  const files = "/fw/CODE.fd\n/fw/VARS.fd\n";
  const said: Answers = (type, name, inputs) =>
    name.startsWith("uefi-") ? { stdout: files } : answers(type, name, inputs);
  const uefi = () => new Uefi("uefi", { hosts: [new KvmHost("a", { address: "192.0.2.11" })] });
  const { one } = await record(() => guest({ uefi: uefi() }), said);
  expect(one("uefi-a").inputs.stdin).toContain("NEEDS='uefi'");
  expect(one("vm1-domain").inputs.spec).toMatchObject({
    firmware: { loader: "/fw/CODE.fd", template: "/fw/VARS.fd", nvramPath: "/export/testbed/vm1-uefi.fd" },
  });
});

test("an overlay of the host's own is no volume of the pool: the engine makes it, over the pool's base", async () => {
  const { one, declared, result } = await record(() => guest({ redo: "local", diskGiB: 4 }), answers);
  expect(declared.map(({ name }) => name)).not.toContain("vm1-overlay");
  expect(one("vm1-domain").inputs.spec).toMatchObject({
    storage: {
      overlayPath: `/var/lib/kvm-migration-testbed/disks/vm1-${await resolved(result.uuid)}.qcow2`,
      localGiB: 4,
      basePath: "pool-base-id",
      baseFormat: "qcow2",
    },
  });
});

test("disks beside the system's are volumes of the pool that stand alone, and keep their size", async () => {
  const disks = [
    { name: "data", sizeGiB: 3 },
    { name: "logs", sizeGiB: 1 },
  ];
  const { one, options } = await recordOptions(() => guest({ disks }), answers);
  const { inputs, dependencies } = one("vm1-disk-data");
  expect(inputs).toEqual({ name: "vm1.data.qcow2", pool: "testbed", format: "qcow2", size: 3 * 2 ** 30 });
  expect(dependencies).toContain(one("cluster").urn);
  expect(options("vm1-disk-data").ignoreChanges).toEqual(["size"]);
  expect(one("vm1-domain").inputs.spec).toMatchObject({
    disks: [
      { name: "data", path: "vm1-disk-data-id" },
      { name: "logs", path: "vm1-disk-logs-id" },
    ],
  });
});

test("network cards beside the first are on the cluster's bridge or another, with an address or without", async () => {
  const nics = [
    { mac: "52:54:00:00:00:02", cidr: "198.51.100.7/24" },
    { mac: "52:54:00:00:00:03", bridge: "br9" },
  ];
  const { one } = await record(() => guest({ network, nics }), answers);
  expect(one("vm1-domain").inputs.spec).toMatchObject({
    nics: [
      { mac: "52:54:00:00:00:02", bridge: "br7" },
      { mac: "52:54:00:00:00:03", bridge: "br9" },
    ],
  });
  const { ethernets } = parse((one("vm1-seed").inputs as { networkConfig: string }).networkConfig);
  expect(ethernets).toEqual({
    nic0: expect.objectContaining({ addresses: ["192.0.2.101/24"] }),
    nic1: {
      match: { macaddress: "52:54:00:00:00:02" },
      "accept-ra": false,
      addresses: ["198.51.100.7/24"],
      optional: true,
    },
  });
});

test("the seed's path is the provider's id without the uuid that it adds", async () => {
  // Mocks make ids of names.
  const { one } = await record(() => guest({ name: "/pool/seed.iso;7c1b" }), answers);
  expect(one("/pool/seed.iso;7c1b-domain").inputs.spec).toMatchObject({
    storage: { seedPath: "/pool/seed.iso" },
  });
});

test("a seed is removed before another takes its name", async () => {
  const { options } = await recordOptions(() => guest(), answers);
  expect(options("vm1-seed").deleteBeforeReplace).toBe(true);
});

test("before a file is made in the pool, the pool is made ready for it", async () => {
  const { options } = await recordOptions(() => guest(), answers);
  for (const file of ["vm1-overlay", "vm1-seed", "pool-base"]) {
    expect(options(file).beforeCreate).toHaveLength(1);
  }
});

test("where a kernel can't mount, QEMU reads the disks by itself", async () => {
  const { one } = await record(() => guest(), guestAnswers(withoutKernelNfs("a")));
  expect(one("vm1-domain").inputs.spec).toMatchObject({
    storage: { transport: "userspace", server: "192.0.2.10" },
  });
});

test("cloud-init makes the account with the testbed's key, the hostname, the address and the workload", async () => {
  const workload = { type: "memory", mibPerSecond: 20, workingSetMiB: 64 } as const;
  const { one, result } = await record(() => guest({ guestName: "db", network, workload }), answers);
  const { userData, metaData, networkConfig, name } = one("vm1-seed").inputs as Record<string, string>;
  expect(name).toBe("db-seed.iso");
  const [, part = ""] = (userData as string).split("\n\n");
  const told = gunzipSync(Buffer.from(part, "base64")).toString();
  expect(parse(told)).toMatchObject({
    hostname: "db",
    users: [{ name: "ubuntu", ssh_authorized_keys: ["ssh-ed25519 PUBLIC me"] }],
  });
  expect(told).toContain("workingSetMiB");
  expect(told).not.toContain("PRIVATE");
  expect(parse(metaData as string)["instance-id"]).toBe(await resolved(result.uuid));
  expect(networkConfig).toContain("192.0.2.101/24");
  expect(networkConfig).toContain("52:54:00:10:55:ef");
});

test("the seed of a guest that is there stays, whatever a later version would write into it", async () => {
  const { options } = await recordOptions(() => guest(), answers);
  expect(options("vm1-seed").ignoreChanges).toEqual(["userData", "networkConfig"]);
});

test("the uuid is the same in every run, and another for another guest or another testbed", async () => {
  const keyAnswers: Answers = (type, name, inputs) => {
    const path = (inputs.environment as Record<string, string> | undefined)?.KEY;
    return name === "key-files" ? { stdout: `ssh-ed25519 ${path} me\nPRIVATE` } : answers(type, name, inputs);
  };
  const uuidOf = async (given: Given) => {
    const { result } = await record(() => guest(given), keyAnswers);
    return resolved(result.uuid);
  };
  const first = await uuidOf({});
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(await uuidOf({ memoryMiB: 1024, host: "a", mac: "52:54:00:00:00:01" })).toBe(first);
  expect(await uuidOf({ name: "component", guestName: "vm1" })).toBe(first);
  expect(await uuidOf({ guestName: "vm2" })).not.toBe(first);
  expect(await uuidOf({ keyPath: "another" })).not.toBe(first);
});

test("ready means that it answers over SSH, by way of the storage host, each time it was booted", async () => {
  const { one, result } = await record(() => guest({ network }), answers);
  const { inputs, dependencies } = one("vm1-ready");
  expect(inputs.create).toBe("bash guests/ready.sh");
  expect(inputs.environment).toEqual({
    GUEST: "vm1",
    GUEST_ADDRESS: "192.0.2.101",
    GUEST_USER: "ubuntu",
    KEY_FILE: "k",
    JUMP: "admin@192.0.2.10:2222",
    JUMP_KEY_FILE: "",
    JUMP_KNOWN_HOSTS: ".t/known",
    BOOTS: "3",
  });
  expect(dependencies.join()).toContain("vm1-domain");
  expect(await resolved(result.address)).toBe("192.0.2.101");
});

test("ready means, besides, that its workload is at work", async () => {
  const workload = { type: "cpu" } as const;
  const { one } = await record(() => guest({ network, workload }), answers);
  expect(one("vm1-ready").inputs.environment).toMatchObject({ WORKLOAD: "cpu" });
});

test("a guest whose address comes by DHCP has nothing to be asked at", async () => {
  const { declared, result } = await record(() => guest(), answers);
  expect(declared.map(({ name }) => name)).not.toContain("vm1-ready");
  expect(await resolved(result.address)).toBe("");
});

test("its address is not known before it answers", async () => {
  const { result } = await record(() => guest({ network }), answers, { preview: true });
  expect(await isKnown(result.address)).toBe(false);
  expect(result.memoryMiB).toBe(512);
});
