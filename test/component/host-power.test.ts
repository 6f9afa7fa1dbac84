import { describe, expect, test } from "vitest";
import { Testbed } from "../../components/testbed.ts";
import { parseStackConfig } from "../../stacks/checks/parse.ts";
import type { StackInput } from "../../stacks/config.ts";
import { type Known, planStack } from "../../stacks/plan.ts";
import { labInput, metalInput } from "../unit/helpers/config-stack.ts";
import { answers as hostAnswers } from "./hosts.ts";
import { recordOptions } from "./options.ts";
import type { Answers } from "./recorder.ts";
import { resolved } from "./recorder.ts";

const image = { path: "/cache/debian-12-0a1b.qcow2", sha256: "0".repeat(64), format: "qcow2" };
const answers: Answers = (type, name, inputs) => {
  if (name.endsWith("-file"))
    return { stdout: JSON.stringify({ ...image, name: "debian-12", user: "debian" }) };
  if (type.endsWith("testbed:Domain")) return { bootedOn: "host1", boots: 1, state: "running" };
  if (type.endsWith("testbed:Migration")) return { host: "host1", moves: 0, history: [] };
  if (type.endsWith("testbed:HostPower")) return { boot: "boot-of-today", since: "2026-01-01T00:00:00Z" };
  if (type.endsWith("testbed:Fence")) return { proof: "power", begunAt: "then", provedAt: "later" };
  return hostAnswers(type, name, inputs);
};
const declare = (input: StackInput, known: Known) =>
  recordOptions(
    () => new Testbed("mine", planStack(parseStackConfig(input, "mine"), "mine", known)),
    answers,
  );

const power = { off: "turn it off", on: "turn it on", meter: "ask it", wakeSeconds: 60, idleW: 95 };
const metal = (off: string[]) =>
  metalInput({
    hosts: [
      { name: "host1", address: "192.0.2.11" },
      { name: "host2", address: "192.0.2.12", power },
    ],
    off,
  });
const lab = (off: string[]) => labInput({ off });

// Declared once for all that is asked of them.
const goingOff = await declare(metal(["host2"]), { boots: { host1: "b1", host2: "b2" } });
const isOff = await declare(metal(["host2"]), {
  boots: { host1: "b1" },
  areOff: ["host2"],
  switched: ["host2"],
});
const waking = await declare(metal([]), { boots: { host1: "b1" }, areOff: ["host2"], switched: ["host2"] });
const inLab = {
  isOff: await declare(lab(["host2"]), { areOff: ["host2"], switched: ["host2"] }),
  waking: await declare(lab([]), { areOff: ["host2"], switched: ["host2"] }),
};

/** What is done on a host, by the names of resources. */
const onHost = ({ declared }: typeof goingOff, host: string) =>
  declared
    .filter(({ type }) => type.startsWith("command:"))
    .map(({ name }) => name)
    .filter((name) => name.includes(host));

describe("a host that goes off", () => {
  test("is prepared as ever, and switched off after all guests are in their places", () => {
    const { one, options } = goingOff;
    const { inputs, dependencies, secrets } = one("host2-power");
    expect(inputs).toMatchObject({
      host: "host2",
      ssh: { name: "host2", address: "192.0.2.12", port: 22, user: "root" },
      storage: {
        ssh: { address: "192.0.2.10" },
        intentDirectory: "/var/lib/kvm-migration-testbed/moves/export-testbed",
      },
      desired: "off",
      reason: "testbed:off names it",
      stack: "mine",
      commands: { off: "turn it off", on: "turn it on", meter: "ask it" },
      wakeSeconds: 60,
    });
    expect(secrets).toEqual(["commands"]);
    for (const name of ["vm1-migration", "vm2-migration", "mine-cluster"])
      expect(dependencies.join()).toContain(`::${name}`);
    for (const name of onHost(goingOff, "host2")) expect(options(name).ignoreChanges, name).toEqual([]);
  });

  test("is one that the cluster tells of, and still looks at", () => {
    expect(goingOff.one("mine-cluster").inputs).toMatchObject({ mayBeOff: ["host2"] });
    expect(goingOff.one("mine-cluster").inputs).not.toHaveProperty("areOff");
    expect(goingOff.one("vm2-migration").inputs).toMatchObject({ drained: ["host2"], to: "host1" });
  });

  test("is an output, with its watts and where they are from", async () => {
    const { hosts } = goingOff.result;
    expect(await resolved(hosts.host2 as never)).toMatchObject({
      power: "off",
      watts: { from: "declared", idleW: 95 },
    });
    expect(await resolved(hosts.host1 as never)).not.toHaveProperty("power");
    expect(await resolved(hosts.host1 as never)).not.toHaveProperty("watts");
  });
});

describe("a host that is off", () => {
  test.each([
    ["on metal", isOff],
    ["in the lab", inLab.isOff],
  ])("keeps all that was done on it as it was, %s", (_, stack) => {
    const own = onHost(stack, "host2");
    expect(own.length).toBeGreaterThan(8);
    for (const name of own)
      expect(stack.options(name).ignoreChanges, name).toEqual(
        expect.arrayContaining(["create", "environment"]),
      );
    for (const name of own.filter((each) => !each.endsWith("-container")))
      expect(stack.options(name).ignoreChanges, name).toEqual(
        expect.arrayContaining(["stdin", "connection"]),
      );
    for (const name of onHost(stack, "host1")) expect(stack.options(name).ignoreChanges, name).toEqual([]);
    expect(stack.one("mine-cluster").inputs).toMatchObject({ mayBeOff: ["host2"], areOff: ["host2"] });
  });
});

describe("a host that is to be on again", () => {
  test("is switched on before anything is asked of it, and nothing of a guest comes first", () => {
    const { one } = waking;
    expect(one("host2-power").inputs).toMatchObject({ desired: "on" });
    expect(one("host2-power").inputs).not.toHaveProperty("reason");
    expect(one("host2-power").dependencies.join()).not.toMatch(/vm|host|cluster/);
    expect(one("host2-reach").dependencies.join()).toContain("::host2-power");
    expect(one("host1-reach").dependencies.join()).not.toContain("power");
    expect(one("mine-cluster").inputs).not.toHaveProperty("mayBeOff");
    expect(one("mine-cluster").inputs).not.toHaveProperty("areOff");
  });

  test("is prepared for the start that it then is in", () => {
    const { one } = waking;
    expect(one("host2-reach").inputs.environment).toMatchObject({ BOOT: "boot-of-today" });
    expect(one("host2-hypervisor").inputs.stdin).toContain("BOOT='boot-of-today'");
    expect(one("host1-hypervisor").inputs.stdin).toContain("BOOT='b1'");
  });

  test("is a container in the lab, which its start by this is no change of", () => {
    const { one, options } = inLab.waking;
    const { inputs, dependencies } = one("host2-power");
    expect(inputs.commands).toEqual({
      off: "bash lab/power.sh off",
      on: "bash lab/start.sh",
      status: "bash lab/power.sh status",
    });
    const { environment } = one("host2-lab-container").inputs;
    expect(inputs.environment).toEqual(environment);
    expect(dependencies.join()).toContain("::storage-lab-container");
    expect(one("host2-lab-container").dependencies.join()).toContain("::host2-power");
    expect(options("host2-lab-container").ignoreChanges).toEqual([]);
    expect(one("host2-reach").inputs.environment).not.toHaveProperty("BOOT");
  });
});

describe("a host that is lost", () => {
  const lostMetal = { ...metal([]), lost: ["host2"] };

  test("is fenced before anything is served or started, and keeps all that was done on it", async () => {
    const lost = await declare(lostMetal, { boots: { host1: "b1" } });
    const { one, options } = lost;
    expect(await resolved(lost.result.hosts.host2 as never)).toMatchObject({ lost: true });
    expect(await resolved(lost.result.hosts.host1 as never)).not.toHaveProperty("lost");
    expect(one("host2-fence").inputs).toMatchObject({
      host: "host2",
      storage: { ssh: { address: "192.0.2.10" } },
      commands: { off: "turn it off" },
      wakeSeconds: 60,
    });
    expect(one("host2-fence").secrets).toEqual(["commands"]);
    expect(one("host2-fence").dependencies.join()).not.toMatch(/vm|host|cluster/);
    expect(one("storage-reach").dependencies.join()).toContain("::host2-fence");
    for (const name of onHost(lost, "host2"))
      expect(options(name).ignoreChanges, name).toEqual(expect.arrayContaining(["create", "environment"]));
    expect(one("mine-cluster").inputs).toMatchObject({ mayBeOff: ["host2"], areOff: ["host2"] });
  });

  test("is closed out from the address that it mounts from, where that is known", async () => {
    const { one } = await declare(lostMetal, { mountsFrom: { host2: "10.0.0.2" } });
    expect(one("host2-fence").inputs.mounts).toEqual({
      client: "10.0.0.2",
      server: "192.0.2.10",
      folder: "/export/testbed",
    });
    expect((await declare(lostMetal, {})).one("host2-fence").inputs).not.toHaveProperty("mounts");
  });

  test("may not mount the export, which the others may as ever", async () => {
    const clients = async (input: StackInput) =>
      (await declare(input, {})).one("mine-pool-server").inputs.stdin;
    expect(await clients(metal([]))).toContain(
      "CLIENTS='from-mine-pool-host1-client,from-mine-pool-host2-client'",
    );
    expect(await clients(lostMetal)).toContain("CLIENTS='from-mine-pool-host1-client'");
  });

  test("has guests whose failover is written down once they answer", async () => {
    const { one, declared } = await declare(lostMetal, {});
    expect(one("vm2-failover").inputs).toMatchObject({
      guest: "vm2",
      from: "host2",
      to: "host1",
      stack: "mine",
    });
    expect(one("vm2-failover").dependencies.join()).toContain("::vm2-domain");
    expect(one("vm2-failover").dependencies.join()).toContain("::host2-fence");
    expect(declared.map(({ name }) => name)).not.toContain("vm1-failover");
  });
});
