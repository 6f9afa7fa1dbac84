import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StackInput } from "../../stacks/config.ts";
import { TestProject } from "./project.ts";
import { tracesOf } from "./traces.ts";

// What a person gets wrong in a stack file is said by `pulumi up`, all of it at once, and nothing has been touched then.

const stackName = "bad-input";
const bridge = "lab-bad-input";

let project: TestProject;

beforeAll(async () => {
  project = await TestProject.make();
  await project.ask("stack", "init", stackName);
});
afterAll(() => project.remove());

const lab = {
  lab: { network: "10.77.22.0/24", bridge },
  hosts: [{ name: "host1" }, { name: "host2" }],
  guests: [
    { name: "vm1", memoryMiB: 512 },
    { name: "vm2", memoryMiB: 512 },
  ],
  placement: { vm1: "host1", vm2: "host2" },
} satisfies StackInput;

const metal = {
  storage: { address: "127.0.0.1", port: 9 },
  hosts: [
    { name: "host1", address: "127.0.0.1", port: 10, migrationAddress: "192.0.2.11" },
    { name: "host2", address: "127.0.0.1", port: 11, migrationAddress: "192.0.2.12" },
  ],
  ssh: { knownHosts: "accept-new" },
  image: { source: "debian-12" },
  guests: [{ name: "vm1", memoryMiB: 512 }],
  placement: { vm1: "host1" },
} satisfies StackInput;

/** The mistakes that an `up` of such a stack names, once it is sure that nothing was touched. */
async function mistakesOf(config: object): Promise<string> {
  await project.configure(stackName, config);
  const { exitCode, text } = await project.pulumi("up", "--stack", stackName, "--yes");
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/The stack's config has (a mistake|\d+ mistakes); nothing was touched:/);
  expect(text).not.toMatch(/local:Command/);
  expect(await tracesOf(stackName, bridge, project.folder)).toEqual([]);
  expect(existsSync(project.path(".testbed", stackName, "id_ed25519"))).toBe(false);
  return text;
}

describe("an up names, and touches nothing", () => {
  test("an unknown host, a misspelt key, and what two guests have in common", async () => {
    const said = await mistakesOf({
      ...lab,
      hostz: [],
      guests: [
        { name: "vm1", mac: "52:54:00:10:55:ef", vnc: { port: 5901, passwort: "x" } },
        { name: "vm1", mac: "52:54:00:10:55:ef", vnc: { port: 5901 } },
      ],
      placement: { vm1: "host3" },
    });
    expect(said).toMatch(/testbed:hostz: .*did you mean "hosts"/);
    expect(said).toMatch(/testbed:guests\[0\]\.vnc\.passwort: .*did you mean "password"/);
    expect(said).toMatch(/testbed:placement\.vm1: there is no host "host3"/);
    expect(said).toMatch(/testbed:guests\[1\]\.name: /);
    expect(said).toMatch(/testbed:guests\[1\]\.mac: /);
    expect(said).toMatch(/testbed:guests\[1\]\.vnc\.port: /);
  });

  test("more memory than there is", async () => {
    const guests = [{ name: "vm1", memoryMiB: 4_000_000 }];
    expect(await mistakesOf({ ...lab, guests, placement: { vm1: "host1" } })).toMatch(
      /testbed:guests.*this machine has \d+ MiB/,
    );
  });

  test("an image that is not there", async () => {
    const image = { source: "/nowhere/guest.qcow2" };
    expect(await mistakesOf({ ...lab, image })).toMatch(/testbed:image.*\/nowhere\/guest\.qcow2/);
  });

  test("an image that is not the one that was meant", async () => {
    const source = project.path("guest.raw");
    const disk = Buffer.alloc(1 << 20);
    disk.writeUInt16LE(0xaa55, 510); // what a boot sector ends with
    await writeFile(source, disk);
    const said = await mistakesOf({ ...lab, image: { source, sha256: "0".repeat(64) } });
    expect(said).toMatch(/testbed:image: .*0{64}/);
  });

  test("machines that do not answer, each of them", async () => {
    const said = await mistakesOf(metal);
    expect(said).toMatch(/testbed:storage: storage \(root@127\.0\.0\.1 port 9\) does not answer/);
    expect(said).toMatch(/testbed:hosts\[0\]: host1 .* does not answer/);
    expect(said).toMatch(/testbed:hosts\[1\]: host2 .* does not answer/);
  });
});
