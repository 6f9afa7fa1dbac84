import { isDeepStrictEqual } from "node:util";
import type * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import type { HostOutput } from "../../components/outputs.ts";
import { Testbed } from "../../components/testbed.ts";
import { moveSummary } from "../../moves/summary.ts";
import { decide } from "../../placement/decision.ts";
import { parseStackConfig } from "../../stacks/checks/parse.ts";
import { policyOf } from "../../stacks/cluster-of.ts";
import { digestOf } from "../../stacks/deciding/digest.ts";
import { inputsOf } from "../../stacks/deciding/inputs-of.ts";
import { placesOf } from "../../stacks/deciding/places.ts";
import { planStack } from "../../stacks/plan.ts";
import { labInput, metalInput } from "../unit/helpers/config-stack.ts";
import { liveRecord } from "../unit/helpers/records.ts";
import { answers as hostAnswers, probed } from "./hosts.ts";
import { type Answers, type Declared, record, resolved } from "./recorder.ts";

const image = {
  path: "/cache/debian-12-0a1b.qcow2",
  sha256: "0".repeat(64),
  format: "qcow2",
  virtualSizeBytes: 2 ** 31,
  name: "debian-12",
  user: "debian",
};
const history = [liveRecord({ from: "host1", to: "host2" })];

const answers: Answers = (type, name, inputs) => {
  if (/-image(-[a-z]+)*-file$/.test(name)) return { stdout: JSON.stringify(image) };
  if (type.endsWith("testbed:Domain")) return { bootedOn: "host1", boots: 1, state: "running" };
  if (type.endsWith("testbed:Migration")) {
    return inputs.guest === "vm1"
      ? { host: "host2", moves: 1, history }
      : { host: "host2", moves: 0, history: [] };
  }
  return hostAnswers(type, name, inputs);
};

const lab = labInput({
  guests: [
    {
      name: "vm1",
      memoryMiB: 768,
      vnc: { listen: "0.0.0.0", password: "hidden" },
      workload: { type: "cpu" },
    },
    { name: "vm2", migration: { mode: "cold", drift: "adopt" } },
  ],
  migration: { mode: "live", maxDowntimeMs: 50 },
});
const metal = metalInput();

const declare = (input: typeof lab, stack: string) =>
  record(() => new Testbed(stack, planStack(parseStackConfig(input, stack), stack)), answers);

// Declared once for all that is asked of them.
const [inLab, onMetal] = [await declare(lab, "lab"), await declare(metal, "mine")];

/** Names of what was declared, by type without the package. */
function byType(declared: readonly Declared[]): Record<string, string[]> {
  const grouped = Map.groupBy(declared, ({ type }) => type.replace(/^.*:/, ""));
  return Object.fromEntries([...grouped].map(([type, all]) => [type, all.map(({ name }) => name).sort()]));
}

describe("a lab", () => {
  test("is containers, prepared hosts, storage, network, image, guests and their places", async () => {
    const { declared } = inLab;
    const components = byType(declared.filter(({ type }) => type.startsWith("testbed:index:")));
    expect(components).toMatchObject({
      Testbed: ["lab"],
      LabHost: ["host1-lab", "host2-lab", "storage-lab"],
      KvmHost: ["host1", "host2"],
      NfsPool: ["lab-pool"],
      Bridge: ["lab-bridge"],
      GuestImage: ["lab-image"],
      HostTrust: ["lab-trust"],
      CpuBaseline: ["lab-platform"],
      UbuntuGuest: ["vm1", "vm2"],
    });
    const dynamic = byType(declared.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/testbed:")));
    expect(dynamic).toEqual({
      Cluster: ["lab-cluster"],
      Domain: ["vm1-domain", "vm2-domain"],
      Gate: ["lab-platform-models", "lab-trust-hosts"],
      Migration: ["vm1-migration", "vm2-migration"],
    });
  });

  test("is all one tree below the testbed", async () => {
    const { declared } = inLab;
    const parents = new Map(declared.map(({ type, name, parent }) => [`${type}::${name}`, parent]));
    // urn:pulumi:stack::project::parents' types$type::name
    const parentOf = (child: string) =>
      parents.get(child)?.split("::").slice(2).join("::").replace(/^.*\$/, "");
    for (const { type, name } of declared) {
      const way = [`${type}::${name}`];
      for (let up = parentOf(way[0] as string); up; up = parentOf(up)) way.push(up);
      expect(way).toContain("testbed:index:Testbed::lab");
    }
  });

  test("has its storage host started first, and so stopped last", async () => {
    const { one } = inLab;
    for (const host of ["host1", "host2"]) {
      expect(one(`${host}-lab-container`).dependencies.join()).toContain("storage-lab-container");
    }
    expect(one("storage-lab-container").dependencies.join()).not.toContain("host");
    expect(one("storage-lab-container").inputs.environment).toMatchObject({ LAB_EXPORT: "/export/testbed" });
    expect(one("host1-lab-container").inputs.environment).toMatchObject({ LAB_EXPORT: "" });
  });

  test("gets certificates if a guest moves over TLS, and none otherwise", async () => {
    const overTls = { ...lab, migration: { transport: "tls" } } as const;
    const { declared } = await declare(overTls, "lab");
    const names = (all: readonly Declared[]) => all.map(({ name }) => name);
    expect(names(declared)).toEqual(expect.arrayContaining(["lab-tls-ca", "lab-tls-host1", "lab-tls-host2"]));
    expect(names(inLab.declared).join()).not.toContain("tls");
  });

  test("goes with its containers: nothing in one is deleted by itself, but a container is", async () => {
    const { declared } = inLab;
    const owned = declared.filter(
      ({ type }) => !type.startsWith("testbed:") && !type.startsWith("pulumi:pulumi"),
    );
    const alone = owned.filter(({ deletedWith }) => deletedWith === "").map(({ name }) => name);
    // Containers, and what lies on this machine: keys, and the image in the cache.
    expect(alone.sort()).toEqual([
      "host1-lab-container",
      "host2-lab-container",
      "lab-image-file",
      "lab-key-files",
      "lab-trust-key-files",
      "storage-lab-container",
    ]);
    const guests = declared.filter(({ type, name }) => /^vm/.test(name) && !type.startsWith("testbed:"));
    expect(guests.length).toBeGreaterThan(6);
    for (const { deletedWith, name } of guests) expect(deletedWith, name).toContain("storage-lab-container");
  });

  test("moves a guest as the config says, once it can be logged in to", async () => {
    const { one } = inLab;
    expect(one("vm1-migration").inputs).toMatchObject({
      guest: "vm1",
      uuid: "vm1-domain-id",
      to: "host1",
      options: { mode: "live", maxDowntimeMs: 50 },
      drift: "return",
      conditions: { memoryMiB: 768, workload: { type: "cpu" }, accelerator: "kvm", nfsTransport: "kernel" },
      stack: "lab",
    });
    expect(one("vm1-migration").inputs.platform).toEqual({
      accelerator: "kvm",
      machine: "pc-q35-8.2",
      cpuXml: "<cpu><model>Skylake-Client</model></cpu>",
    });
    expect(one("vm1-migration").dependencies.join()).toContain("vm1-ready");
    expect(one("vm2-migration").inputs).toMatchObject({
      options: { mode: "cold", maxDowntimeMs: 50 },
      drift: "adopt",
    });
    expect(one("vm2-migration").inputs.conditions).not.toHaveProperty("workload");
    expect(one("vm2-migration").inputs.options).not.toHaveProperty("drift");
  });

  test("tells the engine how to reach every host and where intent records lie, and no secret", async () => {
    const { one } = inLab;
    const { inputs, secrets } = one("lab-cluster");
    const ssh = {
      port: 22,
      user: "root",
      privateKeyFile: ".testbed/lab/id_ed25519",
      knownHostsFile: ".testbed/lab/known_hosts",
    };
    const storage = {
      ssh: { name: "storage", address: "10.77.0.10", ...ssh },
      intentDirectory: "/var/lib/kvm-migration-testbed/moves/export-testbed",
      formerDirectory: "/export/testbed/.migrations",
    };
    const { common } = inputs as { common: { page: string } };
    expect(common).toMatchObject({
      hosts: {
        host1: { ssh: { name: "host1", address: "10.77.0.11", ...ssh }, peerAddress: "10.77.0.11" },
        host2: { ssh: { name: "host2", address: "10.77.0.12", ...ssh }, peerAddress: "10.77.0.12" },
      },
      storage,
    });
    for (const name of ["vm1-domain", "vm1-migration"]) {
      expect(one(name).inputs.fleet).toEqual({ storage, pages: [common.page] });
    }
    expect([...secrets, ...one("vm1-migration").secrets]).toEqual([]);
  });

  test("keeps what belongs to a guest apart from the number of hosts", async () => {
    const { one } = inLab;
    for (const name of ["vm1-domain", "vm1-migration", "vm1-overlay", "vm1-seed"]) {
      expect(
        one(name).dependencies.filter((urn) => /::(host\d|lab-(pool|trust|platform)-.*host)/.test(urn)),
      ).toEqual([]);
    }
  });

  test("keeps the display's password a secret, and has none where there is no display", async () => {
    const { one, declared } = inLab;
    expect(one("vm1-domain").secrets).toEqual(["vncPassword"]);
    expect(one("vm2-domain").secrets).toEqual([]);
    const plain = declared.map(({ inputs, secrets }) =>
      JSON.stringify(Object.entries(inputs).filter(([key]) => !secrets.includes(key))),
    );
    for (const text of plain) {
      expect(text).not.toContain("hidden");
      expect(text).not.toContain("PRIVATE");
    }
  });
});

describe("a testbed with a policy", () => {
  const stack = parseStackConfig(
    labInput({
      guests: [{ name: "vm1", memoryMiB: 8192 }, { name: "vm2", memoryMiB: 8192 }, { name: "vm3" }],
      placement: { vm3: "host1" },
      policy: { kind: "balance" },
      affinity: [
        { name: "one", guests: ["vm1"], on: ["host2"] },
        { name: "two", guests: ["vm2"], on: ["host1"] },
      ],
      migration: { drift: "error" },
    }),
    "lab",
  );
  const policy = policyOf(stack);
  if (policy === undefined) throw new Error("it has one");
  // vm2 makes the room that vm1 needs.
  const situation = {
    memoryMiB: { host1: 40_000, host2: 14_000 },
    cpus: { host1: 8, host2: 4 },
    homes: { vm1: "host1", vm2: "host2" },
  };
  const found = { ...situation, records: [], ms: 0 };
  const inputs = inputsOf(stack, policy, planStack(stack, "lab"), { guests: [] }, found);
  const outcome = decide(inputs);
  if (!outcome.isFeasible) throw new Error("it is feasible");
  const at = "2026-03-01T12:00:00.000Z";
  const plan = {
    ...planStack(stack, "lab", { places: placesOf(outcome) }),
    decision: { schema: 1 as const, at, digest: digestOf(stack), inputs, outcome },
  };

  test("moves guests in the policy's order, for its reasons, whatever drift says; a placed one is as ever", async () => {
    const { one } = await record(() => new Testbed("lab", plan), answers);
    expect(one("vm1-migration").inputs).toMatchObject({
      to: "host2",
      reason: "rule one",
      after: ["vm2"],
      turn: 1,
      decision: at,
      drift: "return",
    });
    expect(one("vm1-migration").dependencies.join()).toContain("vm2-migration");
    expect(one("vm2-migration").dependencies.join()).not.toContain("vm1-migration");
    expect(one("vm3-migration").inputs).toMatchObject({ to: "host1", drift: "error" });
    expect(one("vm2-migration").inputs).toMatchObject({ turn: 0 });
    for (const key of ["decision", "turn", "others"])
      expect(one("vm3-migration").inputs).not.toHaveProperty(key);
  });

  test("tells each move with how many others it shares its hosts", async () => {
    const guests = plan.guests.map((guest) => ({ ...guest, ...(guest.name === "vm3" && { others: 1 }) }));
    const { one } = await record(() => new Testbed("lab", { ...plan, guests }), answers);
    expect(one("vm3-migration").inputs).toMatchObject({ others: 1 });
  });

  test("has its hosts sample how busy they are, unless loads are not looked at", async () => {
    const samplers = ({ declared }: { declared: readonly Declared[] }) =>
      declared.filter(({ type }) => type.endsWith("LoadSampler")).map(({ name }) => name);
    expect(samplers(await record(() => new Testbed("lab", plan), answers))).toEqual(["lab-load"]);
    expect(samplers(inLab)).toEqual([]);
    const blind = await declare(
      { ...lab, placement: {}, policy: { kind: "balance", load: "declared" } },
      "lab",
    );
    expect(samplers(blind)).toEqual([]);
    const placed = await declare({ ...lab, policy: {} }, "lab");
    expect(samplers(placed)).toEqual([]);
  });

  test("says in its outputs what was decided, and how full hosts are then", async () => {
    const { result } = await record(() => new Testbed("lab", plan), answers);
    expect(result.policy).toMatchObject({
      kind: "balance",
      at,
      moves: [
        { guest: "vm2", from: "host2", to: "host1", reason: "rule two" },
        { guest: "vm1", from: "host1", to: "host2", reason: "rule one" },
      ],
      uncovered: [{ host: "host1", memoryMiB: 8192 }],
    });
    const { share } = await resolved(result.hosts.host2 as pulumi.Output<HostOutput>);
    expect(share).toEqual({ memory: 0.62, vcpus: 0.25 });
  });

  test("says what is drawn by what is declared, where a host is switched", async () => {
    const power = { desired: "off", isOff: false, commands: {}, wakeSeconds: 9 } as const;
    const hosts = plan.hosts.map((host) => ({
      ...host,
      watts: { idleW: 100 },
      ...(host.name === "host2" && { power }),
    }));
    const off = [{ host: "host2", reason: "policy consolidate leaves it without guests" }];
    const declared = async (changed: typeof plan) =>
      (await record(() => new Testbed("lab", changed), answers)).result.policy;
    expect(await declared({ ...plan, hosts, off })).toMatchObject({
      watts: { from: "declared", before: 100 * hosts.length, after: 100 * (hosts.length - 1) },
    });
    expect(await declared(plan)).not.toHaveProperty("watts");
  });
});

describe("one's own machines", () => {
  test("have no containers, and are reached as the config says", async () => {
    const { declared, one } = onMetal;
    expect(byType(declared)).not.toHaveProperty("LabHost");
    expect(one("host1-reach").inputs.environment).toMatchObject({
      HOST_ADDRESS: "192.0.2.11",
      KNOWN_HOSTS: "strict",
    });
    expect(one("mine-cluster").inputs.common).toMatchObject({
      hosts: { host1: { ssh: { name: "host1", address: "192.0.2.11", port: 22, user: "root" } } },
    });
  });

  test("are cleaned up one thing after the other: they do not go themselves", async () => {
    const { declared } = onMetal;
    for (const { deletedWith, name } of declared) expect(deletedWith, name).toBe("");
    const removable = declared
      .filter(({ inputs }) => typeof inputs.delete === "string")
      .map(({ name }) => name);
    expect(removable).toEqual(
      expect.arrayContaining(["host1-hypervisor", "host2-hypervisor", "mine-pool-server"]),
    );
  });

  test("seen for the first time are trusted only if the config says so", async () => {
    const { one } = await declare({ ...metal, ssh: { knownHosts: "accept-new" } }, "mine");
    expect(one("host1-reach").inputs.environment).toMatchObject({
      KNOWN_HOSTS: "accept-new",
      KNOWN_HOSTS_FILE: ".testbed/mine/known_hosts",
    });
  });
});

describe.each([
  ["a lab", inLab],
  ["one's own machines", onMetal],
])("the machines of %s", (_what, { declared, one }) => {
  const machines = ["storage", "host1", "host2"];

  test("are claimed for this testbed: its name, and a key that no other one has", () => {
    for (const machine of machines) {
      expect(one(`${machine}-claim`).inputs.stdin).toMatch(/^TESTBED='(lab|mine) SHA256:[\w+/]{43}'$/m);
      expect(one(`${machine}-claim`).inputs).toMatchObject({ delete: expect.stringContaining("remove") });
    }
  });

  test("are claimed before anything else is done to them", () => {
    const byUrn = new Map(declared.map((each) => [each.urn, each]));
    const whatComesBefore = (urn: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(urn)) return seen;
      seen.add(urn);
      const { dependencies = [], provider = "" } = byUrn.get(urn) ?? {};
      for (const other of [...dependencies, provider.replace(/::[^:]*$/, "")]) whatComesBefore(other, seen);
      return seen;
    };
    // Commands on a machine, the bridge's that reach it over SSH from here, and what libvirt is asked for there.
    const touching = declared.flatMap((each) => {
      const { type, name, inputs, provider } = each;
      const { HOST_NAME } = (inputs.environment ?? {}) as Record<string, string>;
      const { host } = (inputs.connection ?? {}) as Record<string, string>;
      const byAddress = machines.find(
        (_, index) => host?.endsWith(`.${10 + index}`) || String(inputs.uri).includes(`.${10 + index}:`),
      );
      const byProvider = machines.find((machine) => provider.includes(`::${machine}-libvirt::`));
      const machine = HOST_NAME ?? byAddress ?? byProvider;
      const isFirst = /-(lab-container|reach|claim)$/.test(name);
      return machine && !isFirst && !type.startsWith("testbed:") ? [{ machine, each }] : [];
    });
    expect(new Set(touching.map(({ machine }) => machine))).toEqual(new Set(machines));
    expect(touching.length).toBeGreaterThan(15);
    for (const { machine, each } of touching) {
      const claim = one(`${machine}-claim`).urn;
      expect(whatComesBefore(each.urn), `${each.name} on ${machine}`).toContain(claim);
    }
  });
});

describe("a host that is added, or taken out again", async () => {
  const host3 = { name: "host3", address: "192.0.2.13" };
  const three = await declare({ ...metal, hosts: [...metal.hosts, host3] }, "mine");
  const names = ({ declared }: typeof three) => new Set(declared.map(({ type, name }) => `${type}::${name}`));

  test("comes with things of its own, and none of the others' are made anew", () => {
    const [before, after] = [names(onMetal), names(three)];
    expect([...before].filter((name) => !after.has(name))).toEqual([]);
    const added = [...after].filter((name) => !before.has(name)).map((name) => name.replace(/^.*::/, ""));
    expect(added.sort()).toEqual([
      "host3", // KvmHost
      "host3", // SshHost
      "host3-claim",
      "host3-hypervisor",
      "host3-probe",
      "host3-reach",
      "mine-bridge-host3",
      "mine-platform-cpu-host3",
      "mine-pool-host3",
      "mine-pool-host3-client",
      "mine-trust-host3",
    ]);
  });

  test("changes who may mount, who trusts whom, where guests are looked for, and nothing that a guest runs with", () => {
    const changed = onMetal.declared.flatMap(({ type, name, inputs }) => {
      if (type.startsWith("testbed:")) return [];
      const now = three.one(name).inputs;
      const keys = Object.keys(inputs).filter((key) => !isDeepStrictEqual(inputs[key], now[key]));
      return keys.length > 0 ? [`${name}: ${keys.join(", ")}`] : [];
    });
    expect(changed.sort()).toEqual([
      "mine-cluster: common",
      "mine-pool-server: stdin",
      "mine-trust-host1: stdin",
      "mine-trust-host2: stdin",
      "mine-trust-hosts: value",
      "vm1-domain: fleet",
      "vm1-migration: fleet",
      "vm2-domain: fleet",
      "vm2-migration: fleet",
    ]);
    expect(three.one("mine-pool-server").inputs.stdin).toContain(
      "CLIENTS='from-mine-pool-host1-client,from-mine-pool-host2-client,from-mine-pool-host3-client'",
    );
    expect(three.one("mine-trust-host1").inputs.stdin).toContain("host3 192.0.2.13 22");
    expect(three.one("mine-cluster").inputs).toHaveProperty("common.hosts.host3");
  });
});

describe("keys that are made anew", async () => {
  const tls = { ...metal, migration: { transport: "tls" } } as const;
  const at = (generation: number) => {
    const plan = planStack(parseStackConfig(tls, "mine"), "mine");
    const ofEachKey: Answers = (type, name, inputs) =>
      name.endsWith("-files")
        ? { stdout: `ssh-ed25519 ${Buffer.from(name).toString("base64")} me\nPRIVATE ${name}` }
        : answers(type, name, inputs);
    const keys = { generation, left: generation > 0 ? ["host3"] : [] };
    return record(() => new Testbed("mine", { ...plan, keys }), ofEachKey);
  };
  const [first, second, third] = [await at(0), await at(1), await at(2)];
  const undecided = await declare(tls, "mine");
  const stdin = ({ one }: typeof first, name: string) => String(one(name).inputs.stdin);
  const named = ({ declared }: typeof first) => declared.map(({ name }) => name);

  test("have a name of their own, and the former ones' is gone; but the first key's, which nothing trusts any more", () => {
    const keys = (of: typeof first) => named(of).filter((name) => /trust-key.*-files$|-ca/.test(name));
    expect(keys(first)).toEqual(expect.arrayContaining(["mine-trust-key-files", "mine-tls-ca"]));
    expect(keys(third).sort()).toEqual(["mine-tls-2-ca", "mine-trust-key-2-files", "mine-trust-key-files"]);
    expect(third.one("mine-trust-key-2-files").inputs.environment).toMatchObject({
      KEY: ".testbed/mine/hosts_ed25519-2",
    });
    const givenToHosts = third.declared.filter(
      ({ name }) => /^mine-(trust|tls)-/.test(name) && !/-files$/.test(name),
    );
    expect(givenToHosts.length).toBeGreaterThan(8);
    for (const { inputs } of givenToHosts) {
      expect(String(inputs.stdin)).not.toContain("PRIVATE mine-trust-key-files");
      expect(String(inputs.stdin)).not.toMatch(/OF mine-tls-ca$/m);
    }
    expect(stdin(third, "mine-trust-host1")).toContain("PRIVATE mine-trust-key-2-files");
    expect(stdin(third, "mine-tls-host1-certificate")).toContain("KEY OF mine-tls-2-ca");
  });

  test("change nothing of what the machines are claimed for", () => {
    for (const machine of ["storage", "host1", "host2"]) {
      for (const later of [second, third]) {
        expect(later.one(`${machine}-claim`).inputs).toEqual(first.one(`${machine}-claim`).inputs);
      }
    }
  });

  test("are known to every host before the former ones end on any, and before a guest moves", () => {
    const byUrn = new Map(second.declared.map((each) => [each.urn, each]));
    const comesBefore = (name: string) => {
      const seen = new Set<string>();
      const look = (urn: string): void => {
        if (seen.has(urn)) return;
        seen.add(urn);
        for (const other of byUrn.get(urn)?.dependencies ?? []) look(other);
      };
      look(second.one(name).urn);
      return [...seen].map((urn) => urn.split("::").at(-1));
    };
    const both = (prefix: string) => [`${prefix}-host1`, `${prefix}-host2`];
    for (const name of both("mine-trust-only")) {
      expect(stdin(second, name)).toContain("STEP='only'");
      expect(comesBefore(name)).toEqual(expect.arrayContaining(both("mine-trust")));
    }
    for (const name of both("mine-tls-present")) {
      expect(stdin(second, name)).toContain("STEP='present'");
      expect(comesBefore(name)).toEqual(expect.arrayContaining(both("mine-tls")));
    }
    for (const name of both("mine-tls-only")) {
      expect(comesBefore(name)).toEqual(expect.arrayContaining(both("mine-tls-present")));
    }
    expect(stdin(second, "mine-trust-host1")).toContain("STEP='both'");
    expect(stdin(second, "mine-tls-host1")).toContain("STEP='trust'");
    for (const guest of ["vm1", "vm2"]) {
      const needed = [...both("mine-trust-only"), ...both("mine-tls-only")];
      expect(comesBefore(`${guest}-migration`)).toEqual(expect.arrayContaining(needed));
      expect(comesBefore(`${guest}-domain`)).toEqual(expect.arrayContaining(needed));
    }
  });

  test("are secrets in every step", () => {
    const steps = third.declared.filter(({ inputs }) => String(inputs.stdin).includes("PRIVATE"));
    // Of two hosts: two steps of SSH, three of TLS, and a certificate.
    expect(steps.length).toBe(12);
    for (const { secrets, name } of steps) expect(secrets, name).toContain("stdin");
    expect(third.one("mine-tls-present-host1").secrets).toContain("stdin");
  });

  test("take no step, and nothing to remember, as long as they are the first ones", () => {
    expect(named(first).filter((name) => /-(only|present)|generation/.test(name))).toEqual([]);
    expect(stdin(first, "mine-trust-host1")).not.toContain("STEP='");
    expect(named(second)).toContain("mine-key-generation");
    expect(new Set(named(first))).toEqual(new Set(named(undecided)));
  });
});

describe("guests whose workloads need programs", async () => {
  const guests = lab.guests.map((guest) =>
    guest.name === "vm2" ? { ...guest, workload: { type: "mysql" as const } } : guest,
  );
  const withMysql = await declare({ ...lab, guests }, "lab");
  const overlay = ({ one }: typeof withMysql, guest: string) => one(`${guest}-overlay`).inputs.baseVolumeId;

  test("lie over an image of their own, and the others' stays what it is", () => {
    expect(withMysql.one("lab-image-mysql-file").inputs.create).toContain("--with mysql");
    expect(overlay(withMysql, "vm2")).toBe("lab-pool-base-mysql-id");
    expect(withMysql.one("vm2-domain").inputs.spec).toMatchObject({
      storage: { basePath: "lab-pool-base-mysql-id" },
    });
    expect(overlay(withMysql, "vm1")).toBe(overlay(inLab, "vm1"));
    for (const name of ["lab-image-file", "lab-pool-base"]) {
      expect(withMysql.one(name).inputs).toEqual(inLab.one(name).inputs);
    }
  });
});

describe("a drained host", async () => {
  const { one } = await declare({ ...lab, drain: ["host1"] }, "lab");

  test("stays, and its guests' place is another host, with the reason", () => {
    expect(one("host1-hypervisor").inputs.create).toBeTypeOf("string");
    expect(one("vm1-migration").inputs).toMatchObject({
      to: "host2",
      reason: "host1 is drained",
      drained: ["host1"],
    });
    expect(one("vm1-domain").inputs).toMatchObject({ host: "host2" });
    expect(one("vm2-migration").inputs).toMatchObject({ to: "host2" });
    expect(one("vm2-migration").inputs).not.toHaveProperty("reason");
  });
});

describe("what a testbed tells", () => {
  const all = async (outputs: Record<string, pulumi.Output<unknown>>) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(outputs).map(async ([name, output]) => [name, await resolved(output)]),
      ),
    );

  test("of hosts: where they are and what they can", async () => {
    const { result } = inLab;
    const { accelerator, cpuModel, memoryMiB, qemu, libvirt, kernel } = probed;
    const known = { accelerator, nfsTransport: "kernel", cpuModel, memoryMiB, qemu, libvirt, kernel };
    expect(await all(result.hosts)).toEqual({
      host1: { address: "10.77.0.11", ...known },
      host2: { address: "10.77.0.12", ...known },
    });
  });

  test("of guests: what they are, where they run, how to get in, and their display where they run", async () => {
    const { result } = inLab;
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
    const both = { uuid, host: "host2", state: "running", user: "debian" };
    expect(await all(result.guests)).toEqual({
      vm1: { ...both, address: "10.77.0.101", vnc: "10.77.0.12:5901", memoryMiB: 768 },
      vm2: { ...both, address: "10.77.0.102", memoryMiB: expect.any(Number) },
    });
  });

  test("of migrations: where, how often, and what the last one took", async () => {
    const { result } = inLab;
    expect(await all(result.migrations)).toEqual({
      vm1: { host: "host2", moves: 1, last: history.map(moveSummary)[0] },
      vm2: { host: "host2", moves: 0 },
    });
  });
});
