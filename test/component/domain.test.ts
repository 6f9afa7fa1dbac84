import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { Domain, type DomainArgs } from "../../components/domain.ts";
import { providerOf } from "../../components/engine-resource.ts";
import type { Fleet } from "../../fleet/fleet.ts";
import { domainSpec as spec } from "../unit/helpers/domain-spec.ts";
import { recordOptions } from "./options.ts";
import { record, resolved } from "./recorder.ts";

const ssh = { name: "a", address: "192.0.2.11", port: 22, user: "root" };
const fleet: Fleet = {
  hosts: { a: { ssh, peerAddress: "192.0.2.11" } },
  storage: { ssh, intentDirectory: "/e/.migrations" },
};
const args: DomainArgs = { spec, host: "a", fleet };

test("a domain is a dynamic resource of the engine's, with its arguments as inputs", async () => {
  const { one } = await record(() => new Domain("guest", args));
  const { type, inputs } = one("guest");
  expect(type).toBe("pulumi-nodejs:dynamic/testbed:Domain");
  expect(inputs.__provider).toBe(providerOf("domain"));
  expect(inputs).toMatchObject({ spec, host: "a", fleet });
});

test("what the engine finds out is an output", async () => {
  const found = { bootedOn: "a", boots: 2, state: "running" };
  const { result } = await record(
    () => new Domain("guest", args),
    () => found,
  );
  const { bootedOn, boots, state } = result;
  expect(await resolved(pulumi.all([bootedOn, boots, state]))).toEqual(["a", 2, "running"]);
});

test("a password is a secret on its way in and out, however it was given", async () => {
  for (const vncPassword of ["hidden", pulumi.output("hidden"), pulumi.secret("hidden")]) {
    const { one, options } = await recordOptions(() => new Domain("guest", { ...args, vncPassword }));
    expect(one("guest").inputs.vncPassword).toBe("hidden");
    expect(one("guest").secrets).toEqual(["vncPassword"]);
    expect(options("guest").additionalSecretOutputs).toEqual(["vncPassword"]);
  }
});

test("without a password there is no secret", async () => {
  const { one } = await record(() => new Domain("guest", args));
  expect(one("guest").secrets).toEqual([]);
  expect(one("guest").inputs).not.toHaveProperty("vncPassword");
});

test("options are the caller's, and the password stays secret beside other outputs", async () => {
  const { one, options } = await recordOptions(() => {
    const parent = new pulumi.ComponentResource("some:index:Thing", "thing");
    return new Domain("guest", args, { parent, additionalSecretOutputs: ["spec"] });
  });
  expect(one("guest").parent).toContain("some:index:Thing::thing");
  expect(options("guest").additionalSecretOutputs).toEqual(["spec", "vncPassword"]);
});
