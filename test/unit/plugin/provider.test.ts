import { runtime } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { TestbedProvider } from "../../../plugin/provider.ts";
import { cancellation } from "../../../provider/cancellation.ts";
import { domainSpec } from "../helpers/domain-spec.ts";

const provider = new TestbedProvider();
const urnOf = (type: string) =>
  `urn:pulumi:dev::program::kvmtestbed:index:Testbed$kvmtestbed:index:${type}::one`;
const secret = (value: unknown) => ({ [runtime.specialSigKey]: runtime.specialSecretSig, value });

const ssh = { name: "host1", address: "127.0.0.1", port: 1, user: "root" };
const fleet = {
  hosts: { host1: { ssh, peerAddress: "127.0.0.1" } },
  storage: { ssh: { ...ssh, name: "storage" }, intentDirectory: "/srv/.migrations" },
};
const { uuid } = domainSpec;
const domain = { spec: domainSpec, host: "host1", fleet };
const migration = {
  guest: "vm1",
  uuid,
  to: "host1",
  options: { mode: "live" },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  fleet,
};

test("what is sound is taken as it is, with its defaults", async () => {
  expect(await provider.check(urnOf("Domain"), {}, domain)).toEqual({ inputs: domain });
  expect(await provider.check(urnOf("Migration"), {}, migration)).toEqual({
    inputs: { ...migration, drift: "return", stack: "dev" },
  });
  const own = { ...migration, drift: "adopt", stack: "mine" };
  expect(await provider.check(urnOf("Migration"), {}, own)).toEqual({ inputs: own });
  // What a Testbed declares: its hosts are on a page.
  const paged = { ...migration, fleet: { storage: fleet.storage, pages: ["0123"] } };
  expect(await provider.check(urnOf("Migration"), {}, paged)).toMatchObject({ inputs: paged });
});

test("all mistakes are told, each with its path and what would be right", async () => {
  const { hosts: _, ...storage } = fleet;
  const wrong = {
    ...migration,
    too: "host2",
    options: { mode: "lve", maxDowntimeMs: 0 },
    conditions: { ...migration.conditions, memoryMiB: "512" },
    fleet: storage,
  };
  const { failures = [] } = await provider.check(urnOf("Migration"), {}, wrong);
  expect(Object.fromEntries(failures.map(({ property, reason }) => [property, reason]))).toEqual({
    too: expect.stringMatching(/^there is no such key; keys here are .*\(did you mean "to"\?\)$/),
    "options.mode": expect.stringMatching(/^"lve" does not fit; give live, .*\(did you mean "live"\?\)$/),
    "options.maxDowntimeMs": expect.stringMatching(/^0 is out of range, at least 1; give the longest pause/),
    "conditions.memoryMiB": '"512" is not a number; give the guest\'s memory in MiB, such as 512',
    "fleet.hosts": expect.stringMatching(/^is missing; give all hosts on which a guest can be/),
  });
});

test("what is not known yet, in a preview, is no mistake", async () => {
  const unknown = { ...migration, uuid: runtime.unknownValue, conditions: runtime.unknownValue };
  expect(await provider.check(urnOf("Migration"), {}, unknown)).toMatchObject({ inputs: unknown });
});

test("of a secret that does not fit, the value is shown nowhere: Pulumi shows it beside a property", async () => {
  const wrong = { ...domain, vncPassword: secret("much-too-long") };
  const { failures } = await provider.check(urnOf("Domain"), {}, wrong);
  expect(failures).toEqual([
    {
      property: "",
      reason:
        "vncPassword: this secret does not fit; give the VNC display's password, 1 to 8 ASCII characters",
    },
  ]);
});

test("the engine is given secrets in plain text, and what it makes of them is secret again", async () => {
  const value = { of: [secret("hidden")] };
  const { outs } = await provider.create(urnOf("Gate"), { value });
  expect(outs).toEqual({ value: secret({ of: ["hidden"] }) });
  expect(await provider.diff("gate", urnOf("Gate"), outs, { value })).toEqual({ changes: false });
});

test("what was a dynamic resource's is taken over without what that kept of itself", async () => {
  const { props } = await provider.read("gate", urnOf("Gate"), { value: 1, __provider: "exports.handler" });
  expect(props).toEqual({ value: 1 });
});

test("an import that does not say where its guest is, is refused; so is one of a resource that has none", async () => {
  const reasonOf = async (type: string, id: string) =>
    provider.read(id, urnOf(type), {}).then(String, ({ message }: Error) => message);
  expect(await reasonOf("Domain", "1b7159b2")).toContain(
    "1b7159b2 can't be imported: it is not <file>#<guest>, such as fleet.yaml#vm1",
  );
  expect(await reasonOf("Domain", "nowhere.yaml#vm1")).toMatch(
    /^nowhere\.yaml, which .* can't be read \(ENOENT/,
  );
  expect(await reasonOf("Domain", `${import.meta.filename}#vm1`)).toMatch(/can't be read|does not say what/);
  expect(await reasonOf("Migration", "fleet.yaml#vm1")).toContain(
    "of kvmtestbed's resources a Domain can. Nothing was changed. Declare the other ones",
  );
});

test("a Cancel of the engine's interrupts what is under way", async () => {
  expect(cancellation.aborted).toBe(false);
  await provider.cancel();
  expect(cancellation.reason).toEqual(new Error("the update was interrupted"));
});

test("a resource or a component that there is not is refused by its name", async () => {
  await expect(provider.check(urnOf("Guest"), {}, {})).rejects.toThrow(
    "kvmtestbed has no resource kvmtestbed:index:Guest; those to declare are",
  );
  await expect(provider.construct("a", "kvmtestbed:index:Lab", {}, {})).rejects.toThrow(
    "kvmtestbed has no component kvmtestbed:index:Lab",
  );
});
