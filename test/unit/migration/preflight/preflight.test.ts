import { describe, expect, test } from "vitest";
import type { DomainFacts } from "../../../../libvirt/domain-facts.ts";
import type { Sighting } from "../../../../libvirt/sighting.ts";
import { bridgeCheck } from "../../../../migration/preflight/checks/bridge.ts";
import { PreflightFailed } from "../../../../migration/preflight/checks/check.ts";
import { clockCheck } from "../../../../migration/preflight/checks/clocks.ts";
import { demandsOf } from "../../../../migration/preflight/checks/demands.ts";
import { memoryCheck } from "../../../../migration/preflight/checks/memory.ts";
import { emulationCheck } from "../../../../migration/preflight/checks/memory-copy.ts";
import { jobCheck } from "../../../../migration/preflight/checks/no-job.ts";
import { onceCheck } from "../../../../migration/preflight/checks/runs-once.ts";
import { versionCheck } from "../../../../migration/preflight/checks/versions.ts";
import { diskFolders, imageCheck } from "../../../../migration/preflight/image.ts";
import type { MigrationOptions } from "../../../../moves/options.ts";

describe("before anything is touched", () => {
  test("the destination needs the guest's memory and a little more", () => {
    expect(memoryCheck("host2", 576, 512)).toEqual({
      check: "memory",
      verdict: "pass",
      detail: "host2 has 576 MiB available, 576 MiB are needed",
    });
    expect(memoryCheck("host2", 575, 512).verdict).toBe("fail");
    // Large guests need more beside their memory: page tables and the like grow with it.
    expect(memoryCheck("host2", 8192 + 409, 8192).verdict).toBe("fail");
    expect(memoryCheck("host2", 8192 + 410, 8192).verdict).toBe("pass");
  });

  test.each([
    ["tcg", "7.2.22", "fail"],
    ["tcg", "8.2.2", "fail"],
    ["tcg", "9.0.0", "pass"],
    ["tcg", "10.0.2", "pass"],
    ["tcg", "unknown", "fail"],
    ["kvm", "7.2.22", "pass"],
  ] as const)("a running guest's memory is copied under %s of QEMU %s: %s", (accelerator, qemu, verdict) => {
    expect(emulationCheck(accelerator, "host1", qemu).verdict).toBe(verdict);
  });

  test("what fails is said, all of it", () => {
    const checks = [
      memoryCheck("host2", 1, 512),
      emulationCheck("tcg", "host1", "7.2"),
      memoryCheck("host2", 9999, 1),
    ];
    const error = new PreflightFailed("vm1", "host2", checks);
    expect(error.message).toMatch(
      /^Guest vm1 cannot move to host2; nothing was changed\.\n {2}memory: host2 has 1 MiB.*\n {2}memory copy: QEMU 7\.2 on host1 emulates/,
    );
    expect(error.message).not.toContain("9999");
    expect(error.checks).toBe(checks);
  });
});

describe("what a way of moving needs of the hosts", () => {
  const needs = (options: object) =>
    Object.entries(demandsOf(options as MigrationOptions))
      .filter(([, needed]) => needed)
      .map(([what]) => what);
  test.each([
    [{ mode: "live" }, ["movesMemory", "copiesRunningMemory", "dataPort"]],
    [{ mode: "live", transport: "tunnelled" }, ["movesMemory", "copiesRunningMemory"]],
    [
      { mode: "live", onTimeout: "postcopy" },
      ["movesMemory", "copiesRunningMemory", "dataPort", "userfaultfd"],
    ],
    [{ mode: "postcopy" }, ["movesMemory", "copiesRunningMemory", "dataPort", "userfaultfd"]],
    [{ mode: "hybrid" }, ["movesMemory", "copiesRunningMemory", "dataPort", "userfaultfd"]],
    [{ mode: "offline" }, ["movesMemory", "stateFile"]],
    [{ mode: "cold" }, []],
  ])("%o: %o", (options, wanted) => {
    expect(needs(options)).toEqual(wanted);
  });
});

const disk = { target: "vda", isReadOnly: false, cache: "none", path: "/e/vm1.qcow2", isMirrored: false };
const guest = (changes: Partial<DomainFacts> = {}): DomainFacts => ({
  disks: [disk],
  interfaces: [],
  ...changes,
});

describe("the guest", () => {
  const sighting = (host: string, state: Sighting["state"], more: Partial<Sighting> = {}): Sighting => ({
    host,
    state,
    reason: "",
    persistent: true,
    ...more,
  });
  const here = sighting("host1", "running");

  test("runs exactly once, and at the source", () => {
    const verdict = (...sightings: Sighting[]) => onceCheck("vm1", "host1", sightings).verdict;
    expect(onceCheck("vm1", "host1", [here, sighting("host2", "absent")]).detail).toBe(
      "it runs on host1, and not on host2, all of which answer",
    );
    expect(verdict(here, sighting("host2", "inactive"))).toBe("pass");
    expect(verdict(here, sighting("host2", "paused"))).toBe("fail");
    expect(verdict(sighting("host1", "paused"), sighting("host2", "absent"))).toBe("fail");
    expect(verdict(sighting("host1", "absent"), sighting("host2", "running"))).toBe("fail");
    expect(verdict(sighting("host1", "absent"), sighting("host2", "absent"))).toBe("fail");
  });

  test("has no other job, nor one on its disk", () => {
    const job = sighting("host1", "running", { job: "Save" });
    expect(jobCheck("vm1", "host1", [here], guest()).verdict).toBe("pass");
    expect(jobCheck("vm1", "host1", [job], guest()).detail).toContain("virsh domjobabort vm1");
    const mirrored = guest({ disks: [{ ...disk, isMirrored: true }] });
    expect(jobCheck("vm1", "host1", [here], mirrored).detail).toContain("virsh blockjob vm1 vda --abort");
  });
});

describe("the disk's folder", () => {
  test("is that of each disk the guest writes to, and the way that QEMU goes there", () => {
    const disks = [
      disk,
      { ...disk, target: "vdb", path: "/e/data.qcow2" },
      { ...disk, target: "vdc", path: "/e/seed.iso", isReadOnly: true },
      { ...disk, target: "vdd", path: "/e/other.qcow2", server: "192.0.2.10" },
      { target: "vde", isReadOnly: false, cache: "none", isMirrored: false },
    ];
    expect(diskFolders(guest({ disks }))).toEqual([
      { transport: "kernel", server: "", path: "/e" },
      { transport: "userspace", server: "192.0.2.10", path: "/e" },
    ]);
  });

  test("of one that moves along is that of the image it lies over", () => {
    const path = "/var/lib/kvm-migration-testbed/disks/vm1.qcow2";
    const local = { ...disk, path, backing: { path: "/e/base.qcow2", server: "192.0.2.10" } };
    expect(diskFolders(guest({ disks: [local] }), path)).toEqual([
      { transport: "userspace", server: "192.0.2.10", path: "/e" },
    ]);
    const { backing: _, ...alone } = local;
    expect(diskFolders(guest({ disks: [alone] }), path)).toEqual([]);
  });

  test("is the same at both ends when what one wrote the other reads", () => {
    const folder = { transport: "userspace", server: "192.0.2.10", path: "/e" } as const;
    const check = (proof: object) => imageCheck("host1", "host2", [{ folder, written: "abc", ...proof }]);
    expect(check({ read: "abc" })).toMatchObject({ verdict: "pass" });
    expect(check({ read: "xyz" }).detail).toMatch(
      /host1 wrote into nfs:\/\/192\.0\.2\.10\/e, host2 reads otherwise/,
    );
    expect(check({ readError: "gone" }).detail).toContain("host2 cannot read: gone");
    expect(check({ writeError: "full" }).detail).toContain("host1 could not write a file into");
    expect(imageCheck("host1", "host2", [])).toMatchObject({
      verdict: "pass",
      detail: "the guest writes to no disk",
    });
  });
});

test("memory that is on its way counts, as far as it is not there yet", () => {
  const incoming = (residentMiB: number) => [{ guest: "vm2", memoryMiB: 512, residentMiB }];
  expect(memoryCheck("host2", 1151, 512, incoming(0)).verdict).toBe("fail");
  expect(memoryCheck("host2", 1152, 512, incoming(0)).verdict).toBe("pass");
  expect(memoryCheck("host2", 1151, 512, incoming(1)).verdict).toBe("pass");
  expect(memoryCheck("host2", 576, 512, incoming(600)).verdict).toBe("pass");
  expect(memoryCheck("host2", 1000, 512, incoming(76)).detail).toContain(
    "(less 500 MiB for vm2, which is on its way there)",
  );
});

describe("the bridge", () => {
  const check = (here: number, there: number | undefined, mtu?: number) =>
    bridgeCheck(
      ["host1", { br0: here }],
      ["host2", there === undefined ? {} : { br0: there }],
      guest({ interfaces: [{ bridge: "br0", ...(mtu !== undefined && { mtu }) }] }),
    ).verdict;

  test.each([
    ["is there, as large", check(1500, 1500), "pass"],
    ["is not there", check(1500, undefined), "fail"],
    ["is smaller than the source's", check(9000, 1500), "warn"],
    ["is smaller than the source's, and than the guest's card", check(9000, 1500, 9000), "fail"],
    ["is smaller than the source's, and no smaller than the guest's card", check(9000, 1500, 1500), "warn"],
    ["is larger", check(1500, 9000), "pass"],
  ])("%s", (_what, verdict, wanted) => {
    expect(verdict).toBe(wanted);
  });

  test("of a guest on no bridge is no matter", () => {
    expect(bridgeCheck(["host1", {}], ["host2", {}], guest({ interfaces: [{}] })).verdict).toBe("pass");
  });
});

describe("versions", () => {
  const versions = (qemu: string, libvirt = "9.0.0") => ({ qemu, libvirt, kernel: "6.1" });
  const check = (from: string, to: string) =>
    versionCheck(["host1", versions(from)], ["host2", versions(to)]).verdict;
  test.each([
    ["7.2.22", "10.0.2", "pass"],
    ["10.0.2", "10.0.2", "pass"],
    ["10.0.2", "7.2.22", "warn"],
    ["10.0.2", "10.0.1", "warn"],
    ["8.2", "8.2.0", "pass"],
    ["unknown", "7.2", "pass"],
    ["7.2", "unknown", "pass"],
  ])("QEMU %s to %s: %s", (from, to, wanted) => {
    expect(check(from, to)).toBe(wanted);
  });
  test("an older libvirt is older, too", () => {
    const [from, to] = [versions("8.2", "10.0.0"), versions("8.2", "9.0.0")];
    expect(versionCheck(["host1", from], ["host2", to])).toMatchObject({
      verdict: "warn",
      detail: expect.stringContaining("upgrade host2"),
    });
  });
});

test("clocks that are apart by more than can be their reading's fault are doubted", () => {
  const check = (offsetMs: number, uncertaintyMs = 1) =>
    clockCheck("host1", "host2", {
      source: { offsetMs: 1000, uncertaintyMs },
      destination: { offsetMs: 1000 + offsetMs, uncertaintyMs },
    });
  expect(check(-3.04)).toEqual({
    check: "clocks",
    verdict: "pass",
    detail: "host2's clock is 3.0 ms behind host1's, give or take 2.0 ms",
  });
  expect(check(502).verdict).toBe("pass");
  expect(check(-503).verdict).toBe("warn");
  expect(check(900, 250).verdict).toBe("pass");
});
