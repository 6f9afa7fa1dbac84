import { describe, expect, it } from "vitest";
import { balance } from "../../../../placement/policies/balance.ts";
import { consolidate } from "../../../../placement/policies/consolidate.ts";
import { evacuate } from "../../../../placement/policies/evacuate.ts";
import type { Cluster, ClusterGuest, PlacementRule } from "../../../../placement/terms/cluster.ts";
import type { Impossible, Proposal } from "../../../../placement/terms/policy.ts";
import {
  gainText,
  leftText,
  problemText,
  reasonText,
  standingText,
} from "../../../../placement/terms/reason.ts";

const cluster = (
  hosts: Readonly<Record<string, number>>,
  guests: readonly (readonly [name: string, host: string, gib: number, more?: Partial<ClusterGuest>])[],
  { drained = [], ...more }: Partial<Cluster> & { drained?: readonly string[] } = {},
): Cluster => ({
  hosts: Object.entries(hosts).map(([name, gib]) => ({
    name,
    memoryMiB: gib * 1024,
    reserveMiB: 0,
    isDrained: drained.includes(name),
  })),
  guests: guests.map(([name, host, gib, own]) => ({ name, host, memoryMiB: gib * 1024, ...own })),
  ...more,
});
const rule = (kind: "apart" | "together", ...guests: string[]): PlacementRule => ({
  name: kind,
  kind,
  isFirm: true,
  guests,
});

function proposed(answer: Proposal | Impossible): Proposal {
  if (!answer.isFeasible) throw new Error(answer.problems.map(problemText).join("; "));
  return answer;
}
const problems = (answer: Proposal | Impossible): string[] => {
  expect(answer).not.toHaveProperty("places");
  return answer.isFeasible ? [] : answer.problems.map(problemText);
};
const movesOf = ({ moves }: Proposal): string[] =>
  moves.map(({ guest, from, to, reason }) => `${guest} ${from} > ${to}: ${reasonText(reason)}`);

describe("a proposal", () => {
  it("says why each guest moves and what that gains", () => {
    const value = cluster({ h1: 16, h2: 16 }, [
      ["a", "h1", 4],
      ["b", "h1", 4],
      ["c", "h1", 2],
    ]);
    const answer = proposed(balance()(value));
    expect(movesOf(answer)).toEqual(["a h1 > h2: evens out hosts: h1 has more to do than others"]);
    expect(answer.moves.map(gainText)).toEqual(["h1: memory 63 % → 38 %; imbalance 0.313 → 0.063"]);
    expect(standingText(answer.before, answer.after)).toBe(
      "imbalance 0.313, would be 0.063; one host may be lost: yes → yes",
    );
  });

  it("settles ties by the order of the config", () => {
    const value = cluster({ h1: 16, h2: 16, h3: 16 }, [
      ["a", "h1", 4],
      ["b", "h1", 4],
    ]);
    const { places } = proposed(balance()(value));
    expect([places.a?.host, places.b?.host]).toEqual(["h2", "h1"]);
  });

  it("mends rules and limits whatever it costs, and says so", () => {
    const apart = cluster(
      { h1: 16, h2: 16 },
      [
        ["a", "h1", 1],
        ["b", "h1", 1],
      ],
      { rules: [rule("apart", "a", "b")] },
    );
    expect(movesOf(proposed(balance({ minGain: 100 })(apart)))).toEqual(["a h1 > h2: rule apart"]);
    const full = cluster({ h1: 8, h2: 16 }, [
      ["a", "h1", 6],
      ["b", "h1", 2],
    ]);
    expect(movesOf(proposed(balance({ minGain: 100 })(full)))).toEqual([
      "a h1 > h2: h1 is over its limit of memory",
    ]);
  });

  it("sees that a host may be lost", () => {
    const value = cluster(
      { h1: 8, h2: 8, h3: 8 },
      [
        ["a", "h1", 5],
        ["b", "h2", 4],
        ["c", "h3", 2],
        ["d", "h3", 2],
      ],
      {
        spare: 1,
      },
    );
    const { before, after } = proposed(balance({ minGain: 100 })(value));
    expect(before.uncovered.map(({ host }) => host)).toEqual(["h1"]);
    expect(after.uncovered).toEqual([]);
  });

  it("names a guest that would have to change places with another one where neither has room", () => {
    const value = cluster(
      { h1: 10, h2: 10 },
      [
        ["a", "h1", 8],
        ["b", "h2", 7],
      ],
      { rules: [{ name: "fast", kind: "on", isFirm: false, guests: ["b"], hosts: ["h1"] }] },
    );
    const answer = proposed(balance({ limits: { memory: 1, cpu: 1, vcpuRatio: 4 } })(value));
    expect(answer.moves).toEqual([]);
    expect(answer.left.map(leftText)).toEqual([
      "a (h2 has no room for it until others have left, which wait for room too, and no third host has any: free 5120 MiB on h2)",
      "b (h1 has no room for it until others have left, which wait for room too, and no third host has any: free 5120 MiB on h1)",
    ]);
  });

  it("makes room for a guest of a drained host where there is none", () => {
    const value = cluster(
      { h1: 8, h2: 8, h3: 4 },
      [
        ["a", "h1", 6],
        ["b", "h2", 3],
      ],
      { drained: ["h1"] },
    );
    expect(movesOf(proposed(balance()(value)))).toEqual([
      "b h2 > h3: makes room on h2 for a",
      "a h1 > h2: h1 is drained",
    ]);
    expect(problems(evacuate()(value))).toEqual([
      "no place for a (6144 MiB): h2 has 5120 MiB left, h3 has 4096 MiB left; free 1024 MiB on h2, or leave h1 out of drain",
    ]);
  });

  it("empties a host where the others have room, and keeps as many as it is to", () => {
    const value = cluster({ h1: 16, h2: 16, h3: 16 }, [
      ["a", "h1", 4],
      ["b", "h2", 2],
      ["c", "h3", 1],
    ]);
    const { places, moves } = proposed(consolidate()(value));
    expect(Object.values(places).map(({ host }) => host)).toEqual(["h1", "h1", "h1"]);
    expect(moves.map(({ reason }) => reasonText(reason)).sort()).toEqual(["h2 is emptied", "h3 is emptied"]);
    expect(proposed(consolidate({ keepOn: 2 })(value)).moves).toHaveLength(1);
  });

  it("empties no host that saves less than its moves cost", () => {
    const value = cluster({ h1: 16, h2: 16 }, [
      ["a", "h1", 4],
      ["b", "h2", 2],
    ]);
    const hosts = value.hosts.map((host) => ({ ...host, idleWatts: 100 }));
    expect(proposed(consolidate({ savingPerGiB: 40 })({ ...value, hosts })).moves).toHaveLength(1);
    expect(proposed(consolidate({ savingPerGiB: 60 })({ ...value, hosts })).moves).toEqual([]);
  });
});

describe("a cluster that cannot be as it must", () => {
  it("is said with each guest that has no place, and nothing is moved", () => {
    const value = cluster(
      { h1: 32, h2: 8, h3: 8 },
      [
        ["a", "h1", 9],
        ["b", "h1", 9],
        ["c", "h1", 1],
      ],
      {
        drained: ["h1"],
      },
    );
    expect(problems(evacuate()(value))).toEqual(
      ["a", "b"].map(
        (name) =>
          `no place for ${name} (9216 MiB): h2 has 7168 MiB left, h3 has 8192 MiB left; free 1024 MiB on h3, or leave h1 out of drain`,
      ),
    );
  });

  it("is said with the rule that a placement can't keep", () => {
    const three = cluster(
      { h1: 16, h2: 16 },
      [
        ["a", "h1", 1],
        ["b", "h1", 1],
        ["c", "h2", 1],
      ],
      {
        rules: [rule("apart", "a", "b", "c")],
      },
    );
    expect(problems(balance()(three))[0]).toContain(
      "rule apart can't be kept: a, b, c are to be on different hosts",
    );
    const pinned = cluster(
      { h1: 16, h2: 16 },
      [
        ["a", "h1", 1, { isPinned: true }],
        ["b", "h1", 1, { isPinned: true }],
      ],
      {
        rules: [rule("apart", "a", "b")],
      },
    );
    expect(problems(balance()(pinned))[0]).toContain("take back a pin");
  });

  it("is said with names that are not there, contradictions and hosts that were not asked", () => {
    const value = cluster(
      { h1: 16, h2: 16 },
      [
        ["a", "h1", 1],
        ["b", "h1", 1],
      ],
      {
        rules: [
          rule("apart", "a", "b"),
          rule("together", "a", "b"),
          { ...rule("apart", "x"), name: "other" },
        ],
      },
    );
    const hosts = value.hosts.map(({ memoryMiB, ...host }) =>
      host.name === "h2" ? host : { ...host, memoryMiB },
    );
    expect(problems(balance()({ ...value, hosts }))).toEqual([
      "rule other names guest x, which is not in the stack; take it out, or add the guest",
      "rules apart and together contradict each other for a, b; take one of them back, or make it a soft one",
      "the memory of h2 is not known, so nothing can be placed by it; see that it answers, or drain it",
    ]);
  });
});
