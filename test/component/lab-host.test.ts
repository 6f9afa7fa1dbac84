import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { KvmHost } from "../../components/kvm-host.ts";
import { LabHost } from "../../components/lab-host.ts";
import { SshKey } from "../../components/ssh-key.ts";
import { answers as hostAnswers } from "./hosts.ts";
import { type Answers, isKnown, record, resolved } from "./recorder.ts";

const network = { network: "10.1.0.0/24", prefixLength: 24, gateway: "10.1.0.1", bridge: "lab9" };
const answers: Answers = (_type, name) => ({
  stdout: name.endsWith("-files") ? "ssh-ed25519 PUBLIC me\nPRIVATE\nKEY" : `ssh-ed25519 HOST-KEY-OF-${name}`,
});

function lab() {
  const key = new SshKey("key", { path: ".testbed/s/id" });
  const common = { lab: "no-such-lab", network, key, knownHostsFile: ".testbed/s/known_hosts" };
  const storage = new LabHost("storage", { ...common, address: "10.1.0.10", export: "/export/e" });
  const host = new LabHost("host1", { ...common, address: "10.1.0.11", after: storage });
  return { key, storage, host };
}

test("a container is started with all that it is told, and stopped", async () => {
  const { one } = await record(lab, answers);
  const { inputs } = one("host1-container");
  expect(inputs.create).toBe("bash lab/start.sh");
  expect(inputs.delete).toBe("bash lab/stop.sh");
  expect(inputs.environment).toEqual({
    LAB: "no-such-lab",
    LAB_HOST: "host1",
    LAB_BRIDGE: "lab9",
    LAB_NETWORK: "10.1.0.0/24",
    LAB_PREFIX: "24",
    LAB_GATEWAY: "10.1.0.1",
    LAB_ADDRESS: "10.1.0.11",
    LAB_EXPORT: "",
    LAB_KNOWN_HOSTS: ".testbed/s/known_hosts",
    LAB_AUTHORIZED_KEY: "ssh-ed25519 PUBLIC me",
    LAB_GENERATION: "1",
  });
});

test("a container is told its system where that is not the one by default", async () => {
  const made = (release?: "debian-13") =>
    new LabHost("host3", {
      lab: "no-such-lab",
      network,
      address: "10.1.0.13",
      key: new SshKey("key", { path: ".testbed/s/id" }),
      knownHostsFile: ".testbed/s/known_hosts",
      ...(release && { release }),
    });
  const environment = async (release?: "debian-13") =>
    (await record(() => made(release), answers)).one("host3-container").inputs.environment as object;
  expect(await environment("debian-13")).toEqual({ ...(await environment()), LAB_RELEASE: "debian-13" });
});

test("hosts start after the storage host, so that they stop before it", async () => {
  const { one } = await record(lab, answers);
  expect(one("host1-container").dependencies.join()).toContain("storage-container");
  expect(one("storage-container").dependencies.join()).not.toContain("host1-container");
});

test("how it is reached is known only once it runs", async () => {
  const previewed = await record(lab, answers, { preview: true });
  expect(await isKnown(previewed.result.host.ssh)).toBe(false);
  const made = await record(lab, answers);
  expect(await resolved(made.result.host.ssh)).toEqual({
    name: "host1",
    address: "10.1.0.11",
    port: 22,
    user: "root",
    privateKeyFile: ".testbed/s/id",
    knownHostsFile: ".testbed/s/known_hosts",
  });
});

test("the private key is a secret, the public one is not", async () => {
  const { result } = await record(lab, answers);
  expect(await pulumi.isSecret(result.key.privateKey)).toBe(true);
  expect(await pulumi.isSecret(result.key.publicKey)).toBe(false);
  expect(await resolved(result.key.privateKey)).toBe("PRIVATE\nKEY\n");
  expect(await resolved(result.key.publicKey)).toBe("ssh-ed25519 PUBLIC me");
});

test("one with a size of its own is told it, and its facts are its own", async () => {
  const sized = () => {
    const key = new SshKey("key", { path: ".testbed/s/id" });
    const host = new LabHost("host1", {
      ...{ lab: "no-such-lab", network, key, address: "10.1.0.11", knownHostsFile: "k" },
      share: { memoryMiB: 2048, cpus: 1.5 },
    });
    return new KvmHost("kvm1", { ...host.access, name: "kvm1" });
  };
  const said: Answers = (type, name, inputs) => {
    const first = answers(type, name, inputs);
    if (name === "host1-container") return { stdout: `${first.stdout}\nmemory held, cpus held` };
    return hostAnswers(type, name, inputs);
  };
  const { one, result } = await record(sized, said);
  expect(one("host1-container").inputs.environment).toMatchObject({
    LAB_MEMORY_MIB: "2048",
    LAB_CPUS: "1.5",
  });
  expect(one("kvm1-reach").inputs.environment).toMatchObject({
    HOST_KEY: "ssh-ed25519 HOST-KEY-OF-host1-container",
  });
  expect(await resolved(result.facts)).toMatchObject({
    memoryMiB: 2048,
    cpus: 1.5,
    held: "memory held, cpus held",
  });
});
