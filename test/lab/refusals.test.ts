import { readdir, writeFile } from "node:fs/promises";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestProject } from "./project.ts";
import { tracesOf } from "./traces.ts";

// What is wrong in a stack's file is told all at once, and nothing is touched: seen here with the real CLI, where
// test/unit has every single mistake.

const stack = "refused-test";
const bridge = "lab-refused";

let project: TestProject;

beforeAll(async () => {
  project = await TestProject.make();
  await project.ask("stack", "init", stack);
});

afterAll(() => project.remove());

const sound = {
  lab: { network: "10.77.22.0/24", bridge },
  hosts: [{ name: "host1" }, { name: "host2" }],
  guests: [{ name: "vm1", memoryMiB: 512 }],
  placement: { vm1: "host1" },
};

/** What `pulumi up` says of this config, which it must refuse without a trace. */
async function refusal(changes: object): Promise<string> {
  await project.configure(stack, { ...sound, ...changes });
  const { exitCode, text } = await project.pulumi("up", "--stack", stack, "--yes", "--skip-preview");
  expect(exitCode).not.toBe(0);
  expect(text).toContain("nothing was touched");
  // What bin/pulumi leaves behind to look after the plugins is gone in a moment.
  await expect.poll(() => tracesOf(stack, bridge, project.folder), { timeout: 10_000 }).toEqual([]);
  expect(await readdir(project.path(".testbed"))).toEqual(["backend", "passphrase"]);
  return text;
}

test("names, addresses, ports and hosts that do not go together", async () => {
  const vnc = { port: 5901 };
  const text = await refusal({
    guests: [
      { name: "vm1", mac: "52:54:00:10:55:ef", vnc, memmoryMiB: 512 },
      { name: "vm1", mac: "52:54:00:10:55:EF", vnc },
    ],
    placement: { vm1: "host9" },
  });
  expect(text).toContain("testbed:guests[0].memmoryMiB: there is no such key");
  expect(text).toContain('(did you mean "memoryMiB"?)');
  expect(text).toContain('testbed:placement.vm1: there is no host "host9"; hosts are host1 and host2');
  expect(text).toContain("testbed:guests[1].name: the name vm1 is taken by guests[0]");
  expect(text).toContain("testbed:guests[1].mac: the MAC address 52:54:00:10:55:ef is taken by guest vm1");
  expect(text).toContain("testbed:guests[1].vnc.port: the port 5901 is taken by guest vm1's VNC display");
});

test("an image that is not there", async () => {
  const text = await refusal({ image: { source: "./no-such-image.qcow2" } });
  expect(text).toMatch(/testbed:image\.source: .*no-such-image\.qcow2/);
});

test("an image with another checksum, and more memory than there is", async () => {
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", project.path("image.qcow2"), "64M"]);
  const text = await refusal({
    image: { source: "./image.qcow2", sha256: "0".repeat(64) },
    guests: [{ name: "vm1", memoryMiB: 4_000_000 }],
  });
  expect(text).toMatch(/testbed:image: .*(checksum|SHA-256)/i);
  expect(text).toMatch(/testbed:guests: vm1 \(4000000\) need \d+ MiB .* this machine has \d+ MiB/);
});

test("machines of one's own that do not answer, each of them", async () => {
  const text = await refusal({
    lab: undefined,
    storage: { address: "127.0.0.1", port: 9 },
    hosts: [
      { name: "host1", address: "127.0.0.1", port: 10, migrationAddress: "192.0.2.11" },
      { name: "host2", address: "127.0.0.1", port: 11, migrationAddress: "192.0.2.12" },
    ],
    ssh: { knownHosts: "accept-new" },
    image: { source: "debian-12" },
  });
  expect(text).toMatch(/testbed:storage: storage \(root@127\.0\.0\.1 port 9\) does not answer/);
  expect(text).toMatch(/testbed:hosts\[0\]: host1 .* does not answer/);
  expect(text).toMatch(/testbed:hosts\[1\]: host2 .* does not answer/);
});

test("a host that is left out and does not say whether guests are on it", async () => {
  const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";
  const ssh = { name: "host3", address: "127.0.0.1", port: 9, user: "root" };
  const urn = `urn:pulumi:${stack}::kvm-migration-testbed::pulumi-nodejs:dynamic/testbed:Domain::vm1-domain`;
  const domain = {
    urn,
    custom: true,
    id: uuid,
    type: "pulumi-nodejs:dynamic/testbed:Domain",
    outputs: {
      spec: { name: "vm1", uuid, storage: { transport: "kernel", basePath: "/export/testbed/base.qcow2" } },
      bootedOn: "host3",
      fleet: { hosts: { host3: { ssh, peerAddress: "127.0.0.1" } } },
    },
  };
  // As an earlier update would have left it.
  const exported = JSON.parse(await project.ask("stack", "export", "--stack", stack));
  exported.deployment.resources = [domain];
  await writeFile(project.path("tmp", "state.json"), JSON.stringify(exported));
  await project.ask("stack", "import", "--stack", stack, "--file", project.path("tmp", "state.json"));
  const text = await refusal({});
  expect(text).toMatch(/testbed:hosts: host3 is left out and does not say whether vm1 is still on it \(.+\)/);
});
