import { homedir } from "node:os";
import { expect, test } from "vitest";
import { HostTrust } from "../../components/host-trust.ts";
import { KvmHost, type KvmHostArgs } from "../../components/kvm-host.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { answers, probed } from "./hosts.ts";
import { isKnown, record, resolved } from "./recorder.ts";

const access: KvmHostArgs = {
  name: "alpha",
  address: "192.0.2.11",
  port: 2222,
  user: "admin",
  privateKey: "THE PRIVATE KEY",
  knownHosts: "accept-new",
  knownHostsFile: ".testbed/s/known_hosts",
  migrationAddress: "198.51.100.11",
};

test("a host is reached, claimed, prepared, and probed, in this order", async () => {
  const { one, declared } = await record(() => new KvmHost("a", access), answers);
  expect(declared.filter(({ type }) => type.startsWith("command:")).map(({ name }) => name)).toEqual([
    "a-reach",
    "a-claim",
    "a-hypervisor",
    "a-probe",
  ]);
  expect(one("a-reach").inputs.environment).toMatchObject({
    HOST_NAME: "alpha",
    HOST_ADDRESS: "192.0.2.11",
    HOST_PORT: "2222",
    HOST_USER: "admin",
    KNOWN_HOSTS: "accept-new",
  });
  expect(one("a-probe").dependencies.join()).toContain("a-hypervisor");
});

test("a host belongs to the testbed that is named, or else to the stack", async () => {
  const { one } = await record(() => new KvmHost("a", { ...access, testbed: "mine SHA256:abc" }), answers);
  expect(one("a-claim").inputs.stdin).toContain("TESTBED='mine SHA256:abc'");
  expect(one("a-claim").inputs.stdin).toContain("CLAIM='/var/lib/kvm-migration-testbed/claim'");
  const { one: unnamed } = await record(() => new KvmHost("a", access), answers);
  expect(unnamed("a-claim").inputs.stdin).toContain("TESTBED='stack project'");
});

test("commands log in with the pinned host key, and their private key is a secret", async () => {
  const { one } = await record(() => new KvmHost("a", access), answers);
  for (const name of ["a-claim", "a-hypervisor", "a-probe"]) {
    const { inputs, secrets } = one(name);
    expect(secrets).toContain("connection");
    expect(inputs.connection).toMatchObject({
      host: "192.0.2.11",
      port: 2222,
      user: "admin",
      privateKey: "THE PRIVATE KEY",
      hostKey: "ssh-ed25519 HOSTKEY",
    });
  }
});

test("scripts run as root through sudo for another user, with their variables", async () => {
  const { one } = await record(() => new KvmHost("a", access), answers);
  const { create, delete: remove, stdin } = one("a-hypervisor").inputs as Record<string, string>;
  expect(create).toBe('sudo -n env LC_ALL=C ACTION=apply SSH_CONNECTION="$SSH_CONNECTION" bash --norc -s');
  expect(remove).toBe('sudo -n env LC_ALL=C ACTION=remove SSH_CONNECTION="$SSH_CONNECTION" bash --norc -s');
  expect(stdin).toContain("MIGRATION_ADDRESS='198.51.100.11'");
});

test("facts are what the probe found, with the host's addresses", async () => {
  const { result } = await record(() => new KvmHost("a", access), answers);
  expect(await resolved(result.facts)).toEqual({
    ...probed,
    uuid: `${probed.uuid} of a-probe`,
    address: "192.0.2.11",
    migrationAddress: "198.51.100.11",
  });
});

test("how to reach the libvirtd of a host that was never reached is not known in a preview", async () => {
  const { result } = await record(() => new KvmHost("a", access), answers, { preview: true });
  expect(await isKnown(result.ssh)).toBe(false);
});

test("what is done to a lab's host goes when the host goes", async () => {
  const { declared, one } = await record(() => {
    const container = new SshKey("container", { path: "any-resource" });
    return new KvmHost("a", { ...access, deletedWith: container });
  }, answers);
  const own = declared.filter(({ type, name }) => /^command/.test(type) && /^a-/.test(name));
  expect(own).toHaveLength(4);
  for (const { deletedWith } of own) expect(deletedWith).toContain("container");
  expect(one("container-files").deletedWith).toBe("");
});

test("knownHosts accept-new without a file to write to is refused", async () => {
  const make = () => new KvmHost("a", { address: "192.0.2.1", knownHosts: "accept-new" });
  await expect(record(make, answers)).rejects.toThrow("knownHostsFile");
});

test("hosts that trust each other know all names, the addresses and ports they have among themselves and the keys, and share a key that is a secret", async () => {
  const { one } = await record(() => {
    const hosts = [new KvmHost("a", access), new KvmHost("b", { address: "192.0.2.12" })];
    new HostTrust("trust", { hosts, key: new SshKey("trust-key", { path: "k" }) });
  }, answers);
  for (const name of ["trust-alpha", "trust-b"]) {
    const { inputs, secrets } = one(name);
    expect(secrets).toContain("stdin");
    expect(inputs.stdin).toContain("alpha 198.51.100.11 22 ssh-ed25519 HOSTKEY");
    expect(inputs.stdin).toContain("b 192.0.2.12 22 ssh-ed25519 HOSTKEY");
    expect(inputs.stdin).toContain("PRIVATE");
  }
});

test("a host that was restarted is prepared again: its start is in what its scripts are given", async () => {
  const stdinOf = async (boot?: string) => {
    const { one } = await record(() => new KvmHost("a", { ...access, ...(boot && { boot }) }), answers);
    return one("a-hypervisor").inputs.stdin;
  };
  expect(await stdinOf("3f6c")).toContain("BOOT='3f6c'");
  expect(await stdinOf("a081")).not.toBe(await stdinOf("3f6c"));
  expect(await stdinOf()).not.toContain("BOOT=");
});

test("hosts' firewalls let the other hosts in to SSH and to guests' memory", async () => {
  const { one } = await record(() => {
    const hosts = [new KvmHost("a", access), new KvmHost("b", { address: "192.0.2.12" })];
    const key = new SshKey("trust-key", { path: "k" });
    new HostTrust("trust", { hosts, key, migrationPorts: [4444, 49200] });
  }, answers);
  const a = one("trust-alpha").inputs.stdin;
  expect(a).toContain("OPENS_FOR='hosts'\nPEERS='192.0.2.12'\nTCP_PORTS='22 49152-49215 4444'\n");
  expect(one("trust-b").inputs.stdin).toContain("PEERS='198.51.100.11'\nTCP_PORTS='22 49152-49215 4444'\n");
});

test("a host behind another one is reached with each one's own agent, where ~/.ssh/config names one", async () => {
  const access = {
    address: "far",
    hostName: "192.0.2.11",
    identityAgent: "~/far.sock",
    jump: { address: "192.0.2.1", port: 22, user: "me", identityAgent: "/run/gate.sock" },
  };
  const { one } = await record(() => new KvmHost("a", access), answers);
  expect(one("a-hypervisor").inputs.connection).toMatchObject({
    host: "192.0.2.11",
    agentSocketPath: `${homedir()}/far.sock`,
    proxy: { host: "192.0.2.1", user: "me", agentSocketPath: "/run/gate.sock" },
  });
  expect(one("a-reach").inputs.environment).toMatchObject({ HOST_AGENT: "~/far.sock" });
});
