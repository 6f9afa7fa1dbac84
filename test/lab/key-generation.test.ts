import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { withoutHost } from "../../stacks/without-host.ts";
import { makeToolchain, Project, root, type Toolchain } from "./offline-harness.ts";
import { type Sshd, startSshd } from "./offline-sshd.ts";

// What the real engine's state tells of keys, hosts that left and updates that failed: no host is prepared for it.

let toolchain: Toolchain;
let sshd: Sshd;
let project: Project | undefined;
beforeAll(async () => {
  [toolchain, sshd] = await Promise.all([makeToolchain(), startSshd()]);
});
afterEach(() => project?.remove());
afterAll(async () => {
  await sshd.stop();
  toolchain.remove();
});

const source = (...path: string[]) => JSON.stringify(join(root, ...path));

/** As Testbed has it: a key of the generation, and a command on each host that is given it. */
const program = () => `
import { readFileSync } from "node:fs";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { KeyGenerationMemory } from ${source("components", "key-generation.ts")};
import { SshKey } from ${source("components", "ssh-key.ts")};
import { keyGenerationOf } from ${source("stacks", "key-generation.ts")};
import { readPast } from ${source("stacks", "asking", "read-past.ts")};

const { hosts, failing, connection } = JSON.parse(readFileSync("args.json", "utf8"));
const keys = keyGenerationOf((await readPast()).keyHolders, hosts);
class Component extends pulumi.ComponentResource {
  finish(outputs: object) { this.registerOutputs(outputs); return this; }
}
const testbed = new Component("testbed:index:Testbed", "test", {});
const child = { parent: testbed };
const first = new SshKey("test-trust-key", { path: "keys/hosts" }, child);
const { generation } = keys;
if (generation > 0) new KeyGenerationMemory("test-key-generation", keys, child);
const key = generation === 0 ? first : new SshKey(\`test-trust-key-\${generation}\`, { path: \`keys/hosts-\${generation}\` }, child);
for (const host of hosts) new Component("testbed:index:KvmHost", host, {}, child);
const trust = new Component("testbed:index:HostTrust", "test-trust", {}, child);
const done = hosts.map((host) => new command.remote.Command(\`test-trust-\${host}\`, {
  connection,
  create: host === failing ? "exit 1" : "cat",
  stdin: key.publicKey,
}, { parent: trust }).stdout);
trust.finish({ ready: pulumi.all(done).apply(() => true) });
export const identity = first.fingerprint;
export const given = pulumi.all(done);
export { generation };
`;

test("keys are made anew once for each host that leaves or is forgotten, whatever updates fail in between", async () => {
  const stack = new Project(toolchain, { "index.ts": program() });
  project = stack;
  await stack.succeed(["stack", "init", "test"]);
  const connection = {
    host: "127.0.0.1",
    port: sshd.port,
    privateKey: sshd.privateKey,
    hostKey: sshd.hostKey,
  };
  const declare = (hosts: string[], failing?: string) =>
    stack.write("args.json", JSON.stringify({ hosts, failing, connection }));
  const up = async (...hosts: string[]) => {
    declare(hosts);
    await stack.up();
    const outputs = (await stack.outputs()) as { identity: string; given: string[]; generation: number };
    expect(new Set(outputs.given).size).toBe(1);
    // Nothing that is left to do shows up later.
    await stack.succeed(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    await stack.succeed(["preview", "--expect-no-changes"]);
    return { ...outputs, key: outputs.given[0] };
  };
  const fail = async (hosts: string[], failing: string) => {
    declare(hosts, failing);
    expect((await stack.pulumi(["up", "--yes", "--skip-preview"])).exitCode).not.toBe(0);
  };
  const keysInState = async () =>
    [...(await stack.state()).keys()].flatMap((urn) => /::(test-trust-key.*)-files$/.exec(urn)?.[1] ?? []);

  const before = await up("host1", "host2");
  const grown = await up("host1", "host2", "host3");
  expect([before.generation, grown.generation, grown.key]).toEqual([0, 0, before.key]);

  await fail(["host1", "host2"], "host2");
  const begun = readFileSync(join(stack.dir, "keys/hosts-1.pub"), "utf8").trim();
  const shrunk = await up("host1", "host2");
  expect([shrunk.generation, shrunk.identity]).toEqual([1, before.identity]);
  // Not made anew once more: a host may have had it from the update that failed.
  expect(shrunk.key).toBe(begun);
  expect(begun).not.toBe(before.key);

  const exported = JSON.parse(await stack.succeed(["stack", "export"]));
  stack.write("without.json", JSON.stringify(withoutHost(exported, "host2")));
  await stack.succeed(["stack", "import", "--file", join(stack.dir, "without.json")]);
  // Another machine has its name.
  await fail(["host1", "host2"], "host2");
  const without = await up("host1", "host2");
  expect([without.generation, without.identity]).toEqual([2, before.identity]);
  expect(without.key).not.toBe(shrunk.key);
  expect((await keysInState()).sort()).toEqual(["test-trust-key", "test-trust-key-2"]);
});
