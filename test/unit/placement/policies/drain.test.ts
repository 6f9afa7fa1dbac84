import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { drain } from "../../../../placement/policies/drain.ts";
import type { Cluster, ClusterGuest } from "../../../../placement/terms/cluster.ts";
import { reasonText } from "../../../../placement/terms/reason.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import { planStack } from "../../../../stacks/plan.ts";
import { metalInput } from "../../helpers/config-stack.ts";

const hosts = ["host1", "host2", "host3"];
const guest = (name: string, host: string, memoryMiB = 1024): ClusterGuest => ({ name, host, memoryMiB });
const cluster = (
  guests: readonly ClusterGuest[],
  drained: readonly string[],
  memoryMiB: Readonly<Record<string, number>> = {},
): Cluster => ({
  hosts: hosts.map((name) => ({ name, memoryMiB: memoryMiB[name], isDrained: drained.includes(name) })),
  guests,
});
const drained = (host: string) => ({ kind: "drained" as const, host });

describe("guests of a drained host", () => {
  it("go to the host with the most memory left, largest first", () => {
    const guests = [
      guest("vm1", "host1", 1024),
      guest("vm2", "host1", 4096),
      guest("vm3", "host1", 2048),
      guest("vm4", "host3", 1024),
    ];
    expect(drain(cluster(guests, ["host1"], { host2: 8192, host3: 8192 }))).toEqual({
      vm2: { host: "host2", reason: drained("host1") }, // 8192 against 7168
      vm3: { host: "host3", reason: drained("host1") }, // 4096 against 7168
      vm1: { host: "host3", reason: drained("host1") }, // 4096 against 5120
      vm4: { host: "host3" },
    });
  });

  it("are spread by their own memory where a host's is not known", () => {
    const guests = [guest("vm1", "host1"), guest("vm2", "host2", 512), guest("vm3", "host1", 256)];
    expect(drain(cluster(guests, ["host1"], { host2: 65536 }))).toEqual({
      vm1: { host: "host3", reason: drained("host1") },
      vm2: { host: "host2" },
      vm3: { host: "host2", reason: drained("host1") },
    });
  });

  it("go to the first of two like hosts, also when their kernels count memory differently", () => {
    const places = drain(cluster([guest("vm1", "host3")], ["host3"], { host1: 15990, host2: 16010 }));
    expect(places.vm1).toEqual({ host: "host1", reason: drained("host3") });
  });

  it("go another way where the largest one, on the roomiest host, would leave no room for the others", () => {
    const guests = [guest("a", "host1", 5120), guest("b", "host1", 4096), guest("c", "host1", 2048)];
    const sizes = { host1: 16384, host2: 6656, host3: 5632 };
    expect(drain(cluster(guests, ["host1"], sizes))).toEqual({
      a: { host: "host3", reason: drained("host1") },
      b: { host: "host2", reason: drained("host1") },
      c: { host: "host2", reason: drained("host1") },
    });
  });

  it("go to the roomiest hosts all the same where they fit nowhere, which the check of memory reports", () => {
    const guests = [guest("a", "host1", 8192), guest("b", "host1", 1024)];
    const places = drain(cluster(guests, ["host1"], { host1: 16384, host2: 4096, host3: 5120 }));
    expect([places.a?.host, places.b?.host]).toEqual(["host3", "host2"]);
  });

  it("go to the one that has any memory, beside one that has none", () => {
    const guests = [guest("a", "host3", 9000), guest("b", "host3", 6000)];
    const places = drain(cluster(guests, ["host3"], { host1: 14000, host2: 0, host3: 0 }));
    expect([places.a?.host, places.b?.host]).toEqual(["host1", "host1"]);
  });

  it("stay in the plan where all hosts are drained, which the config's check reports", () => {
    expect(drain(cluster([guest("vm1", "host2")], hosts))).toEqual({ vm1: { host: "host2" } });
  });

  it("end on a host that is not drained; no other guest moves; the order of guests of different size is no matter", () => {
    const anyGuests = fc
      .uniqueArray(fc.integer({ min: 64, max: 9999 }), { minLength: 1, maxLength: 12 })
      .chain((sizes) =>
        fc.tuple(
          ...sizes.map((memoryMiB, index) =>
            fc.constantFrom(...hosts).map((host) => guest(`vm${index}`, host, memoryMiB)),
          ),
        ),
      );
    fc.assert(
      fc.property(
        anyGuests,
        fc.subarray(hosts, { minLength: 1, maxLength: 2 }),
        fc.record({ host1: fc.nat(99999), host2: fc.nat(99999), host3: fc.nat(99999) }),
        (guests, empty, memoryMiB) => {
          const places = drain(cluster(guests, empty, memoryMiB));
          for (const { name, host } of guests) {
            const place = places[name];
            if (empty.includes(host)) {
              expect(empty).not.toContain(place?.host);
              expect(place?.reason).toEqual(drained(host));
            } else expect(place).toEqual({ host });
          }
          expect(drain(cluster(guests.toReversed(), empty, memoryMiB))).toEqual(places);
        },
      ),
    );
  });
});

test("the reason in words is as states of stacks have it", () => {
  expect(reasonText(drained("host2"))).toBe("host2 is drained");
});

describe("the plan of a stack with a drained host", () => {
  const input = metalInput({ drain: ["host2"] });
  const plan = (changes = input, memoryMiB = {}) =>
    planStack(parseStackConfig(changes, "mine"), "mine", { memoryMiB });

  it("keeps the host, and has its guests elsewhere until the entry goes away", () => {
    const { hosts, guests } = plan();
    expect(hosts.map(({ name }) => name)).toEqual(["host1", "host2"]);
    expect(guests.map(({ name, host, reason }) => [name, host, reason])).toEqual([
      ["vm1", "host1", undefined],
      ["vm2", "host1", drained("host2")],
    ]);
    const [, vm2] = plan(metalInput()).guests;
    expect(vm2).toMatchObject({ host: "host2" });
    expect(vm2).not.toHaveProperty("reason");
  });

  it("looks at what the other hosts have", () => {
    const three = metalInput({
      hosts: [...(input.hosts ?? []), { name: "host3", address: "192.0.2.13" }],
      drain: ["host2"],
    });
    expect(plan(three).guests[1]?.host).toBe("host3");
    expect(plan(three, { host1: 32000, host2: 8000, host3: 8000 }).guests[1]?.host).toBe("host1");
  });
});
