import { expect, test } from "vitest";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
import { checkImmutable } from "../../../stacks/immutable.ts";
import type { PastGuest, PastImage, PastStack } from "../../../stacks/past.ts";
import { planStack } from "../../../stacks/plan.ts";
import { labInput, metalInput } from "../helpers/config-stack.ts";

type Said = Omit<StackInput["guests"][number], "name">;

const pastOf = (...guests: (Partial<PastGuest> & { name: string })[]): PastStack => ({
  guests: guests.map((guest) => ({ uuid: "u", host: "host1", programs: [], ...guest })),
  hosts: {},
});

/** With a guest vm2 that was made with `before`, and is to have what `now` says. */
const changes = (before: Partial<PastGuest>, now: Said, input = labInput) => {
  const stack = input({ guests: [{ name: "vm1" }, { name: "vm2", ...now }] });
  const past = pastOf({ name: "vm2", ...before });
  return checkImmutable(past, planStack(parseStackConfig(stack, "lab"), "lab"));
};

const anotherName =
  "put that back, or give the guest another name: this one is then removed with its disk, and a new one is made";

test("a guest keeps the firmware that it was made with; one made before there was a choice has BIOS", () => {
  expect(changes({ firmware: "bios" }, {})).toEqual([]);
  expect(changes({ firmware: "uefi" }, { firmware: "uefi" })).toEqual([]);
  expect(changes({ firmware: "bios" }, { firmware: "uefi" })).toEqual([
    {
      path: "testbed:guests[1].firmware",
      problem: "vm2 was made with firmware bios, and its disk was set up for that one",
      fix: anotherName,
    },
  ]);
});

test("guests' files stay in their pool", () => {
  const config = parseStackConfig(labInput({ storage: { pool: "other" } }), "lab");
  const past = { ...pastOf({ name: "vm1" }), pool: "testbed" };
  expect(checkImmutable(past, planStack(parseStackConfig(labInput(), "lab"), "lab"))).toEqual([]);
  expect(checkImmutable(past, planStack(config, "lab"))).toEqual([
    {
      path: "testbed:storage.pool",
      problem: "the guests' files are in libvirt's pool testbed, and do not move to another one",
      fix: "put testbed back; for another pool, destroy the stack first",
    },
  ]);
  expect(checkImmutable(pastOf(), planStack(config, "lab"))).toEqual([]);
});

test("a disk beside the system's keeps its size; others may come and go", () => {
  const before = {
    disks: [
      { name: "data", sizeGiB: 5 },
      { name: "gone", sizeGiB: 1 },
    ],
  };
  expect(
    changes(before, {
      disks: [
        { name: "new", sizeGiB: 9 },
        { name: "data", sizeGiB: 5 },
      ],
    }),
  ).toEqual([]);
  expect(changes({}, { disks: [{ name: "data", sizeGiB: 5 }] })).toEqual([]);
  expect(changes(before, { disks: [{ name: "data", sizeGiB: 6 }] })).toEqual([
    {
      path: "testbed:guests[1].disks[0].sizeGiB",
      problem: "vm2's disk data was made with 5 GiB, and a disk keeps the size that it was made with",
      fix: "put that back, or add a disk of another name and copy in the guest what it has",
    },
  ]);
});

test("addresses of further network cards are for life; a card without one may come and go", () => {
  const nic = { mac: "52:54:00:00:00:02", address: "198.51.100.7/24" };
  const cardAddresses = [{ mac: nic.mac, cidr: nic.address }];
  expect(changes({ cardAddresses: [] }, { nics: [{}] })).toEqual([]);
  expect(changes({}, { nics: [nic] })).toEqual([]);
  expect(changes({ cardAddresses }, { nics: [{}, nic] })).toEqual([]);
  const problems = (now: Said) => changes({ cardAddresses }, now).map(({ path, problem }) => [path, problem]);
  const because = "and a guest gets its addresses at its first boot (a card without one can be added)";
  const was = `vm2 was made with 198.51.100.7/24 on the card ${nic.mac}, ${because}`;
  expect(problems({})).toEqual([["testbed:guests[1].nics", was]]);
  expect(problems({ nics: [{ ...nic, address: "198.51.100.8/24" }] })).toHaveLength(1);
  expect(changes({ cardAddresses: [] }, { nics: [nic] })).toMatchObject([
    { problem: `vm2 was made with no address on a card beside its first, ${because}` },
  ]);
});

test("a guest keeps the workload that it was made with", () => {
  const workloads = (before: unknown, now: NonNullable<Said["workload"]>) =>
    changes({ workload: before }, { workload: now });
  const disk = { type: "disk", mibPerSecond: 1 } as const;
  expect(workloads(disk, disk)).toEqual([]);
  expect(workloads({ type: "python", workingSetMiB: 64 }, { type: "python" })).toEqual([]);
  expect(workloads({ type: "python" }, { type: "python", workingSetMiB: 64 })).toEqual([]);
  expect(workloads({ type: "idle" }, disk)).toEqual([
    {
      path: "testbed:guests[1].workload",
      problem: "vm2 was made with {type: idle}, and a guest gets its workload at its first boot",
      fix: anotherName,
    },
  ]);
  expect(workloads(disk, { ...disk, mibPerSecond: 2 })).toHaveLength(1);
});

test("a guest keeps the address that it was made with, said or not", () => {
  expect(changes({ address: "10.77.0.102" }, {})).toEqual([]);
  expect(changes({ address: "10.77.0.102" }, { address: "10.77.0.102" })).toEqual([]);
  expect(changes({ address: "10.77.0.102" }, { address: "10.77.0.50" })).toEqual([
    {
      path: "testbed:guests[1].address",
      problem: "vm2 was made with the address 10.77.0.102, and a guest gets its address at its first boot",
      fix: anotherName,
    },
  ]);
  expect(changes({ address: "10.77.0.50" }, {})).toHaveLength(1);
});

test("a guest whose address comes by DHCP goes on with that", () => {
  expect(changes({ address: "" }, {}, metalInput)).toEqual([]);
  expect(changes({ address: "" }, { address: "192.0.2.101/24" }, metalInput)).toMatchObject([
    { problem: expect.stringContaining("vm2 was made with an address by DHCP, and") },
  ]);
  expect(changes({ address: "192.0.2.101" }, { address: "192.0.2.101/24" }, metalInput)).toEqual([]);
  expect(changes({ address: "192.0.2.101" }, {}, metalInput)).toHaveLength(1);
});

test("a guest keeps the disk that it was made with", () => {
  expect(changes({ diskGiB: 14 }, {})).toEqual([]);
  expect(changes({ diskGiB: 14 }, { diskGiB: 20 })).toEqual([
    {
      path: "testbed:guests[1].diskGiB",
      problem: "vm2 was made with a disk of 14 GiB, and a disk keeps the size that it was made with",
      fix: anotherName,
    },
  ]);
});

test("what is not known of a guest's past is not held against it", () => {
  expect(changes({}, { workload: { type: "cpu" }, address: "10.77.0.50", diskGiB: 20 })).toEqual([]);
});

test("a new guest has no past", () => {
  const stack = labInput({ guests: [{ name: "vm1", diskGiB: 20 }, { name: "vm2" }] });
  const past = pastOf({ name: "vm0", diskGiB: 14, address: "10.77.0.50" });
  expect(checkImmutable(past, planStack(parseStackConfig(stack, "lab"), "lab"))).toEqual([]);
});

const [sum, otherSum] = ["1a".repeat(32), "2b".repeat(32)];
const image = (before: PastImage | undefined, now: StackInput["image"]) => {
  const past = pastOf(...["vm1", "vm2"].map((name) => ({ name, ...(before && { image: before }) })), {
    name: "vm3",
  });
  return checkImmutable(past, planStack(parseStackConfig(labInput({ image: now }), "lab"), "lab"));
};

test("guests keep the image that they were made with", () => {
  expect(image({ source: "auto", sha256: sum }, {})).toEqual([]);
  expect(image(undefined, { source: "debian-12" })).toEqual([]);
  expect(image({ source: "auto", sha256: sum }, { source: "debian-12" })).toEqual([
    {
      path: "testbed:image.source",
      problem: "vm1 and vm2 were made with the image auto, over which a guest's disk lies for life",
      fix: "put that back; for another image, destroy the stack first",
    },
  ]);
  expect(
    image({ source: "ubuntu-24.04", sha256: sum }, { source: "/i/noble.img", sha256: sum }),
  ).toHaveLength(1);
});

test("an image of one's own is the same one as long as its sum is, wherever it lies", () => {
  const before = { source: "/i/a.qcow2", sha256: sum };
  expect(image(before, { source: "/i/a.qcow2" })).toEqual([]);
  expect(image(before, { source: "/i/a.qcow2", sha256: sum.toUpperCase() })).toEqual([]);
  expect(image(before, { source: "https://example.com/a.qcow2", sha256: sum })).toEqual([]);
  expect(image(before, { source: "/i/b.qcow2" })).toEqual([
    {
      path: "testbed:image.source",
      problem: `vm1 and vm2 were made with the image /i/a.qcow2 (SHA-256 ${sum}), over which a guest's disk lies for life`,
      fix: "put that back, or give this sum as image.sha256 if it is the same file elsewhere; for another image, destroy the stack first",
    },
  ]);
  expect(image(before, { source: "/i/a.qcow2", sha256: otherSum })).toMatchObject([
    { path: "testbed:image.sha256" },
  ]);
});
