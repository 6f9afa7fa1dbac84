import { afterAll, beforeAll, expect, test } from "vitest";
import { movesRunning } from "../../moves/modes.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack, unchanged } from "../lab/stack.ts";
import { readUefiVariable, writeUefiVariable } from "../lab/uefi-variable.ts";

// What a guest may be beside memory, CPUs and a disk: one guest that has all of it goes through the modes. The tests go on from one another.

const stackName = "guests-test";
let project: TestProject;
let stack: LabStack;
let guest: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: "10.91.41.0/24", bridge: "lab-guests" },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [
      {
        ...{ name: "vm1", memoryMiB: 512, diskGiB: 3, cpu: "Westmere", firmware: "uefi" },
        disks: [
          { name: "data", sizeGiB: 1 },
          { name: "logs", sizeGiB: 2 },
        ],
        nics: [{ address: "10.91.42.101/24" }, {}],
      },
    ],
    placement: { vm1: "host1" },
  });
  guest = new GuestUnderTest(stack, "vm1");
  await stack.init();
});

afterAll(async () => {
  // Whatever a failed test left.
  await stack.destroy();
  await project.remove();
});

const nvram = "/export/testbed/vm1-uefi.fd";

test("the guest starts by UEFI, with the CPU that it names", async () => {
  await stack.deploy();
  expect(await stack.inGuest("vm1", "grep -m 1 'model name' /proc/cpuinfo")).toContain("Westmere");
  await writeUefiVariable(stack, "vm1", "kept");
  expect((await stack.preview()).text).toMatch(unchanged);
});

const disk = (name: string) => `/dev/disk/by-id/virtio-${name}`;
const sectorsOf = (name: string) => stack.inGuest("vm1", `sudo blockdev --getsz ${disk(name)}`);
const cards = () => stack.inGuest("vm1", "cat /sys/class/net/e*/address | sort");

test("it has its disks by their names and sizes, and its network cards, one of them with its address", async () => {
  expect([await sectorsOf("data"), await sectorsOf("logs")].map(Number)).toEqual([2 ** 21, 2 ** 22]);
  await stack.inGuest(
    "vm1",
    `sudo mkfs.ext4 -q ${disk("data")} && sudo mkdir -p /data && sudo mount ${disk("data")} /data && echo kept | sudo tee /data/kept && sync`,
  );
  await stack.inGuest(
    "vm1",
    `echo kept | sudo dd of=${disk("logs")} bs=512 conv=sync oflag=direct status=none`,
  );
  expect((await cards()).split("\n")).toHaveLength(3);
  expect(await stack.inGuest("vm1", "ip -br -4 address")).toContain("10.91.42.101/24");
});

test.each(["live", "postcopy", "hybrid", "offline", "cold"] as const)(
  "it keeps its CPU, its UEFI variables, its disks and its network cards when it moves (%s)",
  async (mode) => {
    const had = await cards();
    const { to } = await guest.placeElsewhere(mode);
    const bootId = () => stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id");
    const before = await bootId();
    await stack.deploy();
    await guest.expectOneCopyAt(to);
    expect((await bootId()) === before).toBe(movesRunning(mode) || mode === "offline");
    expect(await readUefiVariable(stack, "vm1")).toBe("kept");
    expect(await stack.inGuest("vm1", "grep -m 1 'model name' /proc/cpuinfo")).toContain("Westmere");
    expect(await cards()).toBe(had);
    expect(await stack.inGuest("vm1", "ip -br -4 address")).toContain("10.91.42.101/24");
    const mount = mode === "cold" ? `sudo mount ${disk("data")} /data && ` : "";
    expect(
      await stack.inGuest(
        "vm1",
        `${mount}echo ${mode} | sudo tee -a /data/kept >/dev/null && sync && head -n 1 /data/kept`,
      ),
    ).toBe("kept");
    expect(
      await stack.inGuest(
        "vm1",
        `sudo dd if=${disk("logs")} bs=512 count=1 iflag=direct status=none | head -c 4`,
      ),
    ).toBe("kept");
  },
);

test("a disk comes and goes with a restart, and its file with it; those that stay keep what they have", async () => {
  const [vm1] = stack.config.guests;
  const data = { name: "data", sizeGiB: 1 };
  Object.assign(vm1 ?? {}, { disks: [data, { name: "more", sizeGiB: 1 }] });
  await stack.deploy();
  expect(await stack.on("storage", "cd /export/testbed && ls vm1.*.qcow2")).toBe(
    "vm1.data.qcow2\nvm1.more.qcow2",
  );
  expect(Number(await sectorsOf("more"))).toBe(2 ** 21);
  expect(await stack.inGuest("vm1", `sudo mount ${disk("data")} /data && tail -n 1 /data/kept`)).toBe("cold");
  Object.assign(vm1 ?? {}, { disks: [{ ...data, sizeGiB: 2 }] });
  expect((await stack.preview()).text).toContain("vm1's disk data was made with 1 GiB");
  Object.assign(vm1 ?? {}, { disks: [data] });
  await stack.deploy();
  expect((await stack.preview()).text).toMatch(unchanged);
});

test("a CPU model that the hosts lack is refused in the preview, by their names", async () => {
  const [vm1] = stack.config.guests;
  Object.assign(vm1 ?? {}, { cpu: "Icelake-Server" });
  const { exitCode, text } = await stack.preview();
  Object.assign(vm1 ?? {}, { cpu: "Westmere" });
  expect(exitCode).not.toBe(0);
  expect(text).toMatch(/Icelake-Server on host1: .*Icelake-Server on host2: .*No guest was touched/s);
});

test("a guest that is removed leaves no UEFI variables", async () => {
  expect(await stack.on("storage", `ls ${nvram}`)).toBe(nvram);
  stack.config.guests = [{ name: "vm2", memoryMiB: 320, diskGiB: 3, address: "none" }];
  stack.config.placement = { vm2: "host1" };
  await stack.deploy();
  expect(await stack.on("storage", `ls ${nvram} 2>/dev/null || echo gone`)).toBe("gone");
});
