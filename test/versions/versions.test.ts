import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { LabRelease } from "../../lab/release.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { startCounter, verifyDisk } from "../lab/guest-life.ts";
import { GuestUnderTest } from "../lab/guest-under-test.ts";
import { TestProject } from "../lab/project.ts";
import { LabStack } from "../lab/stack.ts";

// Hosts of Debian 12 and of Debian 13, one lab after the other. In each, a guest goes there and back in every mode, while it counts in its
// memory and appends checksummed records to its disk. The tests of a lab go on from one another.

const stackName = "versions-test";
const network = "10.77.42";

/** What each release has. */
const libvirtOf = { "debian-12": /^9\.0\./, "debian-13": /^11\.3\./ } as const;

interface Lab {
  title: string;
  /** Of the first host and of the second; the storage host has the first's. */
  releases: readonly [LabRelease, LabRelease];
}

const labs: Lab[] = [
  { title: "Debian 12 first, then Debian 13", releases: ["debian-12", "debian-13"] },
  { title: "Debian 13 first, then Debian 12", releases: ["debian-13", "debian-12"] },
  { title: "Debian 13 alone", releases: ["debian-13", "debian-13"] },
];

describe.each(labs)("a lab with $title", ({ releases: [first, second] }) => {
  let project: TestProject;
  let stack: LabStack;
  let vm1: GuestUnderTest<LabStack>;

  beforeAll(async () => {
    project = await TestProject.make();
    stack = new LabStack(project, stackName, {
      lab: { network: `${network}.0/24`, bridge: "lab-versions", release: first },
      hosts: [{ name: "host1" }, { name: "host2", release: second }],
      guests: [{ name: "vm1", memoryMiB: 320, diskGiB: 3, workload: { type: "disk", mibPerSecond: 0.25 } }],
      placement: { vm1: "host1" },
    });
    vm1 = new GuestUnderTest(stack, "vm1");
    await stack.init();
  });

  afterAll(async () => {
    // Whatever a failed test left.
    await stack.destroy();
    await project.remove();
  });

  let isUp = false;
  beforeEach(({ skip, task }) => skip(!isUp && !task.name.startsWith("up"), "the testbed did not come up"));

  const releaseOf = (host: string) => (host === "host1" ? first : second);
  const isToOlder = (from: string, to: string) =>
    releaseOf(from) === "debian-13" && releaseOf(to) === "debian-12";

  /** The guest goes to the host that it is not on, and its record says between which versions that was. */
  async function moveOver(mode: "live" | "postcopy" | "hybrid" | "offline" | "cold"): Promise<void> {
    const { from, to } = await vm1.placeElsewhere(mode);
    await stack.deploy();
    await vm1.expectOneCopyAt(to);
    const record = (await vm1.records()).at(-1);
    if (!record) throw new Error("the move left no record");
    expect(record).toMatchObject({ from, to, mode, outcome: "completed" });
    expect(inconsistencies(record)).toEqual([]);
    expect(record.versions.from.libvirt).toMatch(libvirtOf[releaseOf(from)]);
    expect(record.versions.to.libvirt).toMatch(libvirtOf[releaseOf(to)]);
    if (mode === "cold") return;
    expect(record.preflight?.find(({ check }) => check === "versions")).toMatchObject(
      isToOlder(from, to)
        ? { verdict: "warn", detail: expect.stringContaining("is promised by nobody; upgrade") }
        : { verdict: "pass" },
    );
  }

  test("up makes hosts of these releases, and a guest with what both have in common", async () => {
    await stack.deploy();
    isUp = true;
    const { hosts } = await stack.outputs();
    expect(hosts.host1?.libvirt).toMatch(libvirtOf[first]);
    expect(hosts.host2?.libvirt).toMatch(libvirtOf[second]);
    expect(await stack.on("storage", "cut -d . -f 1 /etc/debian_version")).toBe(first.replace("debian-", ""));
    await startCounter(stack, "vm1");
  });

  test.each(["live", "postcopy", "hybrid", "offline"] as const)(
    "the guest goes there and back, %s",
    async (mode) => {
      const before = await vm1.life();
      await moveOver(mode);
      await moveOver(mode);
      await vm1.expectLifeWentOn(before);
    },
  );

  test("the guest goes there and back, cold, and no write that was acknowledged is lost in any mode", async () => {
    await moveOver("cold");
    await stack.reachable("vm1");
    await moveOver("cold");
    await stack.reachable("vm1");
    expect(await verifyDisk(stack, "vm1")).toMatchObject({ lost: 0, problems: [] });
  });

  test("another release for a host that is there is refused, with the way to it", async () => {
    const [, host2] = stack.config.hosts;
    if (!host2) throw new Error("the lab has two hosts");
    const other = second === "debian-12" ? "debian-13" : "debian-12";
    host2.release = other;
    const { exitCode, text } = await stack.preview();
    host2.release = second;
    expect(exitCode).not.toBe(0);
    expect(text).toContain(
      `testbed:hosts[1].release: host2 was made with ${second}, which it keeps; put that back; for another system, drain the host`,
    );
  });
});
