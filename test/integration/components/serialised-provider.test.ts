import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { providerOf } from "../../../components/engine-resource.ts";

// The dynamic providers as Pulumi keeps them in the state, run by plain Node as Pulumi's provider process does it.

// Each test starts a process that loads the engine: seconds, on a busy machine.
const timeout = 60_000;
const project = resolve(import.meta.dirname, "../../..");
const script = (name: string) => join(import.meta.dirname, name);
const resources = ["domain", "migration"] as const;
type Call = [method: string, ...args: unknown[]];

/** What the methods of a loaded provider answer, run in a folder. */
async function answers(resource: (typeof resources)[number], calls: Call[], cwd = project) {
  const input = JSON.stringify({ text: providerOf(resource), calls });
  const { stdout } = await execa(process.execPath, [script("call-provider.ts")], { cwd, input });
  return JSON.parse(stdout.split("\n").at(-1) ?? "") as { result?: unknown; error?: string }[];
}

const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
// Nothing listens there, and the refusal comes at once.
const ssh = { name: "host1", address: "127.0.0.1", port: 1, user: "root" };
const fleet = {
  hosts: { host1: { ssh, peerAddress: "127.0.0.1" } },
  storage: { ssh: { ...ssh, name: "storage" }, intentDirectory: "/e/.migrations" },
};
const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";
const storage = { overlayPath: "/e/vm1.qcow2", basePath: "/e/base.qcow2" };
const spec = { name: "vm1", uuid, storage };
const domain = { spec, host: "host1", fleet };
const migration = {
  guest: "vm1",
  uuid,
  to: "host1",
  fleet,
  options: { mode: "live" },
  conditions: {},
  drift: "return",
};

describe.each(resources)("the provider of %s", { timeout }, (resource) => {
  test("is small, and holds no path", () => {
    const text = providerOf(resource);
    expect(text.length).toBeLessThan(200);
    expect(text).not.toContain(project);
  });

  test("reaches the engine: a preview of what is not known yet", async () => {
    const news = resource === "domain" ? { ...domain, spec: unknown } : { ...migration, uuid: unknown };
    const olds = resource === "domain" ? domain : migration;
    expect(await answers(resource, [["diff", uuid, olds, news]])).toEqual([{ result: { changes: true } }]);
  });

  test("has every method reach the engine, where a host that does not answer is an error", async () => {
    const inputs = resource === "domain" ? domain : migration;
    const calls: Call[] = [
      ["diff", uuid, inputs, inputs],
      ["create", inputs],
      ["read", uuid, inputs],
      ["update", uuid, inputs, inputs],
      ["delete", uuid, inputs],
    ];
    const [diff, create, read, update, remove] = await answers(resource, calls);
    for (const answer of [diff, create, read, update]) {
      expect(answer?.error).toMatch(
        /^Host (host1|storage) cannot be reached over SSH \(root@127\.0\.0\.1 port 1\)/,
      );
    }
    // A migration is nothing that could be removed.
    if (resource === "domain") expect(remove?.error).toContain("cannot be reached over SSH");
    else expect(remove).toEqual({ result: null });
  });
});

describe("in a program of one's own", { timeout }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "testbed-program-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("the engine is the one that is installed there", async () => {
    const installed = join(folder, "node_modules/kvm-migration-testbed");
    await mkdir(installed, { recursive: true });
    const manifest = {
      name: "kvm-migration-testbed",
      type: "module",
      exports: { "./engine": "./engine.js" },
    };
    await writeFile(join(installed, "package.json"), JSON.stringify(manifest));
    await writeFile(
      join(installed, "engine.js"),
      "export const domain = { diff: async (...args) => ({ changes: false, args }) };",
    );
    const [answer] = await answers("domain", [["diff", "id", { old: 1 }, { new: 2 }]], folder);
    expect(answer).toEqual({ result: { changes: false, args: ["id", { old: 1 }, { new: 2 }] } });
  });

  test("without it the error names what is missing, and where it was looked for", async () => {
    const failed = answers("domain", [["diff", "id", {}, {}]], tmpdir());
    await expect(failed).rejects.toThrow(/kvm-migration-testbed\/engine/);
    await expect(failed).rejects.toThrow(tmpdir());
  });
});
