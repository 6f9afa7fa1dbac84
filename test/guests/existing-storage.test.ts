import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claimFile } from "../../hosts/claim.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack, TestStack, unchanged } from "../lab/stack.ts";

// A stack on machines whose storage is there already: a lab's containers, with an export and a pool that another stack does not know.

const folder = "/export/testbed/shared";
let project: TestProject;
let machines: LabStack;
let stack: TestStack;

beforeAll(async () => {
  project = await TestProject.make();
  machines = new LabStack(project, "machines-test", {
    lab: { network: "10.91.44.0/24", bridge: "lab-existing" },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1", memoryMiB: 64, diskGiB: 2, address: "none" }],
    placement: { vm1: "host1" },
    image: { source: await blankImage() },
  });
  const keys = project.path(".testbed", "machines-test");
  stack = new TestStack(
    project,
    "existing-test",
    {
      storage: { address: "10.91.44.10", export: folder, pool: "shared", existing: true },
      hosts: [
        { name: "host1", address: "10.91.44.11" },
        { name: "host2", address: "10.91.44.12" },
      ],
      ssh: { privateKeyFile: `${keys}/id_ed25519`, knownHosts: "accept-new" },
      image: { source: await blankImage() },
      guests: [{ name: "vm7", memoryMiB: 64, diskGiB: 2, address: "none" }],
      placement: { vm7: "host1" },
    },
    machines.logins,
  );
  await machines.init();
  await stack.init();
  await machines.deploy();
  // The machines are to be nobody's.
  for (const machine of ["storage", "host1", "host2"]) await machines.on(machine, `rm ${claimFile}`);
});

afterAll(async () => {
  // Whatever a failed test left.
  await stack.destroy();
  await machines.destroy();
  await project.remove();
});

/** Guests that have nothing to start: their firmware goes on looking for something. */
async function blankImage(): Promise<string> {
  const file = project.path("blank.qcow2");
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", file, "1M"]);
  return file;
}

const pools = () => machines.on("storage", "virsh -q pool-list --all --name | sort | xargs");

test("what is to be there and is not, is said with what to do", async () => {
  const { exitCode, text } = await stack.up();
  expect(exitCode).not.toBe(0);
  expect(text).toContain("libvirt's pool shared is to be there already (storage.existing), and is not");
  expect(await pools()).toBe("testbed");
});

test("guests are made in the pool that is there, and move", async () => {
  await machines.on(
    "storage",
    `mkdir ${folder} && virsh -q pool-define-as shared dir --target ${folder} && virsh -q pool-start shared`,
  );
  await stack.deploy();
  expect(await machines.on("storage", `ls ${folder}/vm7.qcow2`)).toBe(`${folder}/vm7.qcow2`);
  expect((await stack.preview()).text).toMatch(unchanged);
  stack.config.placement.vm7 = "host2";
  await stack.deploy();
  expect((await stack.outputs()).migrations.vm7).toMatchObject({ host: "host2", moves: 1 });
});

test("destroy leaves the pool, its folder and what others have in it", async () => {
  await machines.on("storage", `touch ${folder}/theirs`);
  const { exitCode, text } = await stack.destroy();
  expect(text).not.toMatch(/^ *error/m);
  expect(exitCode).toBe(0);
  expect(await pools()).toBe("shared testbed");
  expect(await machines.on("storage", `cd ${folder} && ls`)).toBe("theirs");
});
