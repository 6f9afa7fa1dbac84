import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { providerOf } from "../../components/engine-resource.ts";
import { Migration, type MigrationArgs } from "../../components/migration.ts";
import { liveRecord } from "../unit/helpers/records.ts";
import { record, resolved } from "./recorder.ts";

const ssh = { name: "a", address: "192.0.2.11", port: 22, user: "root" };
const args: MigrationArgs = {
  guest: "vm1",
  uuid: "1b7159b2-c702-5eb0-be68-43576be5849d",
  to: "a",
  options: { mode: "live", maxDowntimeMs: 300 },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  fleet: {
    hosts: { a: { ssh, peerAddress: "192.0.2.11" } },
    storage: { ssh, intentDirectory: "/e/.migrations" },
  },
};

test("a migration is a dynamic resource of the engine's, with its arguments as inputs", async () => {
  const { one } = await record(() => new Migration("move", { ...args, drift: "adopt", stack: "mine" }));
  const { type, inputs, secrets } = one("move");
  expect(type).toBe("pulumi-nodejs:dynamic/testbed:Migration");
  expect(inputs.__provider).toBe(providerOf("migration"));
  expect(inputs).toMatchObject({ ...args, drift: "adopt", stack: "mine" });
  // Where its progress is shown.
  expect(inputs.row).toBe("urn:pulumi:stack::project::pulumi-nodejs:dynamic/testbed:Migration::move");
  expect(secrets).toEqual([]);
});

test("by default a guest that was moved by hand returns, and records are kept under the stack's name", async () => {
  const { one } = await record(() => new Migration("move", args));
  expect(one("move").inputs).toMatchObject({ drift: "return", stack: "stack" });
});

test("where the guest runs and how it moved are outputs", async () => {
  const found = { host: "b", moves: 3, history: [liveRecord()] };
  const { result } = await record(
    () => new Migration("move", args),
    () => found,
  );
  const { host, moves, history } = result;
  expect(await resolved(pulumi.all([host, moves, history]))).toEqual(["b", 3, [liveRecord()]]);
});
