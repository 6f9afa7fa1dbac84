import { execFileSync, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type Exported, withoutHost } from "../../../stacks/without-host.ts";

const urn = (types: string, name: string) =>
  `urn:pulumi:mine::project::${["testbed:index:Testbed", types].filter(Boolean).join("$")}::${name}`;
const testbed = urn("", "mine");
const made = (
  types: string,
  name: string,
  rest: Partial<NonNullable<Exported["deployment"]["resources"]>[number]> = {},
) => ({ urn: urn(types, name), type: types.split("$").at(-1) ?? "", ...rest });

const remote = "command:remote:Command";
const host = (name: string) => {
  const self = made("testbed:index:KvmHost", name, { parent: testbed });
  const ssh = made("testbed:index:KvmHost$testbed:index:SshHost", name, { parent: self.urn });
  const claim = made(`testbed:index:KvmHost$testbed:index:SshHost$${remote}`, `${name}-claim`, {
    parent: ssh.urn,
  });
  const provider = made(`testbed:index:KvmHost$pulumi:providers:libvirt`, `${name}-libvirt`, {
    parent: self.urn,
  });
  return [self, ssh, claim, provider];
};
const trust = made("testbed:index:HostTrust", "mine-trust", { parent: testbed });
const tls = made("testbed:index:HostTls", "mine-tls", { parent: testbed });
const bridge = made("testbed:index:Bridge", "mine-bridge", { parent: testbed });
const onHost = (name: string) => [
  made(`testbed:index:HostTrust$${remote}`, `mine-trust-${name}`, {
    parent: trust.urn,
    dependencies: [urn(`testbed:index:KvmHost$testbed:index:SshHost$${remote}`, "host2-claim")],
  }),
  made(`testbed:index:HostTls$${remote}`, `mine-tls-${name}`, { parent: tls.urn }),
  made("testbed:index:Bridge$command:local:Command", `mine-bridge-${name}`, { parent: bridge.urn }),
  made("testbed:index:Bridge$libvirt:index/network:Network", `mine-bridge-${name}-network`, {
    parent: bridge.urn,
    provider: `${urn("testbed:index:KvmHost$pulumi:providers:libvirt", `${name}-libvirt`)}::0a1b-2c`,
  }),
];
const fleet = { hosts: { host1: {}, host2: {}, host3: {} }, storage: {} };
const domain = made("pulumi-nodejs:dynamic/testbed:Domain", "vm1-domain", {
  parent: testbed,
  propertyDependencies: {
    fleet: onHost("host2").map(({ urn }) => urn),
    host: [trust.urn],
  },
  deletedWith: host("host2")[2]?.urn,
  inputs: { fleet },
  outputs: { fleet },
});
const hosts = ["host1", "host2", "host3"];
const state = {
  version: 3,
  deployment: {
    manifest: { time: "2026" },
    resources: [
      made("", "mine"),
      ...hosts.flatMap(host),
      trust,
      tls,
      bridge,
      ...hosts.flatMap(onHost),
      domain,
    ],
  },
};

describe("a state without one of its hosts", () => {
  const without = withoutHost(state, "host2");
  const names = without?.deployment.resources.map(({ urn }) => urn.split("::").at(-1));

  test("has nothing of what is on it, and all of the others", () => {
    expect(names?.filter((name) => name?.includes("host2"))).toEqual([]);
    expect(names).toHaveLength(state.deployment.resources.length - 8);
    expect(without).toMatchObject({ version: 3, deployment: { manifest: { time: "2026" } } });
  });

  test("refers to nothing that is gone, and looks for guests there no more", () => {
    expect(JSON.stringify(without)).not.toContain("host2");
    const now = without?.deployment.resources.at(-1);
    expect(now?.propertyDependencies).toEqual({ fleet: [], host: [trust.urn] });
    expect(now).not.toHaveProperty("deletedWith");
    expect(now?.outputs).toEqual({ fleet: { hosts: { host1: {}, host3: {} }, storage: {} } });
  });

  test("has guests name their page without it, and a cluster that has never had it", () => {
    const hosts = { host1: {}, host2: {} };
    const cluster = made("pulumi-nodejs:dynamic/testbed:Cluster", "mine-cluster", {
      inputs: { common: { hosts } },
      outputs: { common: { hosts }, earlier: [{ page: "b", hosts }] },
    });
    const naming = { ...domain, outputs: { fleet: { pages: ["a"], storage: {} } } };
    const resources = [...state.deployment.resources.slice(0, -1), cluster, naming];
    const now = withoutHost({ deployment: { resources } }, "host2")?.deployment.resources.slice(-2);
    expect(now?.[0]?.outputs).toEqual({
      common: { hosts: { host1: {} } },
      earlier: [{ page: "b", hosts: { host1: {} } }],
    });
    expect(now?.[1]?.outputs).toEqual({ fleet: { pages: ["a"], storage: {}, without: ["host2"] } });
  });

  test("tells that the machine had the hosts' key, and which machine it was", () => {
    const forgotten = (of: Exported | undefined) =>
      of?.deployment.resources?.find(({ type }) => type === "testbed:index:HostTrust")?.outputs;
    const second = without && withoutHost(without, "host3");
    const mark = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(forgotten(without)).toEqual({ forgotten: [mark] });
    expect(forgotten(second)).toEqual({ forgotten: [mark, mark] });
    expect(new Set(Object.values(forgotten(second) ?? {}).flat()).size).toBe(2);
    const another = structuredClone(state);
    const claim = another.deployment.resources.find(({ urn }) => urn.endsWith("::host2-claim"));
    Object.assign(claim ?? {}, { id: "another machine" });
    expect(forgotten(withoutHost(another, "host2"))).not.toEqual(forgotten(without));
  });

  test("has no step of making keys anew left for it", () => {
    const steps = made("testbed:index:OnEveryHost", "mine-trust-only", { parent: trust.urn });
    const step = (name: string) =>
      made(`testbed:index:OnEveryHost$${remote}`, `mine-trust-only-${name}`, { parent: steps.urn });
    const resources = [...state.deployment.resources, steps, step("host1"), step("host2")];
    const left = withoutHost({ ...state, deployment: { resources } }, "host2");
    expect(left?.deployment.resources?.slice(-2)).toEqual([steps, step("host1")]);
  });

  test("has nothing that would switch it on", () => {
    const power = (name: string) => made("pulumi-nodejs:dynamic/testbed:HostPower", `${name}-power`);
    const fence = made("pulumi-nodejs:dynamic/testbed:Fence", "host2-fence");
    const resources = [...state.deployment.resources, fence, power("host1"), power("host2")];
    const left = withoutHost({ ...state, deployment: { resources } }, "host2");
    expect(left?.deployment.resources?.slice(-1)).toEqual([power("host1")]);
    expect(JSON.stringify(left)).not.toContain("host2-fence");
  });

  test("is none when there is no such host", () => {
    expect(withoutHost(state, "host9")).toBeUndefined();
    expect(withoutHost({ deployment: {} }, "host1")).toBeUndefined();
  });
});

describe("the program that forgets a host", () => {
  const program = resolve(import.meta.dirname, "../../../bin/forget-host.ts");
  const input = JSON.stringify(state);

  test("goes from an exported state to one that can be imported", () => {
    const output = execFileSync(process.execPath, [program, "host2", "--is-off-for-good"], { input });
    expect(JSON.parse(String(output))).toEqual(JSON.parse(JSON.stringify(withoutHost(state, "host2"))));
  });

  test.each([
    [["host2"], "see with your own eyes that it is off"],
    [["host9", "--is-off-for-good"], 'This state has no host "host9"'],
  ])("prints nothing without a person's word, or a host: %s", (args, message) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
      input,
      encoding: "utf8",
    });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });
});
