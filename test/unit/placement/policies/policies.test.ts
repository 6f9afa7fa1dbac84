import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { uncoveredMiB } from "../../../../placement/layout/cover.ts";
import { Layout } from "../../../../placement/layout/layout.ts";
import { balance } from "../../../../placement/policies/balance.ts";
import { consolidate } from "../../../../placement/policies/consolidate.ts";
import { evacuate } from "../../../../placement/policies/evacuate.ts";
import type { Cluster } from "../../../../placement/terms/cluster.ts";
import type { Proposal } from "../../../../placement/terms/policy.ts";
import { defaultSettings } from "../../../../placement/terms/settings.ts";
import { anyCluster, moved, statesOf } from "../../helpers/clusters.ts";
import { scoreOf } from "../../helpers/placement-score.ts";

const policies = { balance: balance(), consolidate: consolidate(), evacuate: evacuate() };
const each = Object.entries(policies);

/** The cluster with its guests where they are in between. */
const at = (cluster: Cluster, hosts: ReadonlyMap<string, string>): Cluster => ({
  ...cluster,
  guests: cluster.guests.map((guest) => ({ ...guest, host: hosts.get(guest.name) ?? guest.host })),
});
const layoutOf = (cluster: Cluster) => new Layout(cluster, defaultSettings);

/** Runs a property over what a policy proposes, and makes sure that it proposes something often enough to tell. */
function forAll(
  policy: (typeof policies)[keyof typeof policies],
  property: (cluster: Cluster, proposal: Proposal) => void,
  options = {},
) {
  let withMoves = 0;
  fc.assert(
    fc.property(anyCluster(options), (cluster) => {
      const answer = policy(cluster);
      if (!answer.isFeasible) {
        expect(answer.problems).not.toEqual([]);
        return;
      }
      if (answer.moves.length > 0) withMoves++;
      property(cluster, answer);
    }),
    { numRuns: 120 },
  );
  expect(withMoves).toBeGreaterThan(5);
}

describe.each(each)(
  "%s",
  (name, policy) => {
    it("has memory for each move while the guest is on both hosts, and its moves end at its places", () => {
      forAll(policy, (cluster, { moves, places }) => {
        const states = statesOf(cluster, moves);
        for (const [index, { guest, from, to }] of moves.entries()) {
          const layout = layoutOf(at(cluster, states[index] ?? new Map()));
          const mine = layout.guests.find((one) => one.name === guest);
          expect(mine?.host.name).toBe(from);
          expect(layout.host(to).leftMiB).toBeGreaterThanOrEqual(mine?.needs.memory ?? Number.NaN);
          expect(layout.host(to).isOpen).toBe(true);
        }
        expect(Object.fromEntries(states.at(-1) ?? [])).toEqual(
          Object.fromEntries(Object.entries(places).map(([guest, { host }]) => [guest, host])),
        );
      });
    });

    it("breaks no firm rule by any move, and leaves none broken that it answers for", () => {
      forAll(policy, (cluster, { moves, after }) => {
        const broken = statesOf(cluster, moves).map((state) => scoreOf(at(cluster, state)).faults[1] ?? 0);
        for (const [index, count] of broken.entries())
          expect(count).toBeLessThanOrEqual(broken[index - 1] ?? count);
        if (name !== "evacuate") expect(after.brokenFirm).toBe(0);
      });
    });

    it("may lose a host after each move, if it may before the first and after the last", () => {
      forAll(policy, (cluster, { moves }) => {
        const left = statesOf(cluster, moves).map((state) => uncoveredMiB(layoutOf(at(cluster, state))));
        if (left[0] === 0 && left.at(-1) === 0) expect(left.every((memoryMiB) => memoryMiB === 0)).toBe(true);
      });
    });

    it("leaves pinned guests where they are, unless their host is drained", () => {
      forAll(policy, (cluster, { places, moves }) => {
        const drained = cluster.hosts.filter(({ isDrained }) => isDrained).map((host) => host.name);
        for (const { name, host, isPinned } of cluster.guests) {
          if (drained.includes(host)) expect(drained).not.toContain(places[name]?.host);
          else if (isPinned) {
            expect(places[name]).toEqual({ host });
            expect(moves.map(({ guest }) => guest)).not.toContain(name);
          }
        }
      });
    });

    it("gives a reason for each guest that moves, and for no other", () => {
      forAll(policy, (cluster, { places }) => {
        for (const { name, host } of cluster.guests)
          expect(places[name]?.reason !== undefined).toBe(places[name]?.host !== host);
      });
    });

    it("gives the same answer again, and whatever the order of fields", () => {
      const reversed = <T extends object>(value: T): T =>
        Object.fromEntries(Object.entries(value).reverse()) as T;
      fc.assert(
        fc.property(anyCluster(), (cluster) => {
          const other = reversed({
            ...cluster,
            hosts: cluster.hosts.map(reversed),
            guests: cluster.guests.map(({ move, ...guest }) =>
              reversed({ ...guest, move: move && reversed(move) }),
            ),
            rules: cluster.rules?.map(reversed),
          });
          const answer = policy(cluster);
          expect(JSON.stringify(policy(cluster))).toBe(JSON.stringify(answer));
          expect(JSON.stringify(policy(other))).toBe(JSON.stringify(answer));
        }),
      );
    });

    it("moves nothing the second time", () => {
      forAll(
        policy,
        (cluster, { places, left }) => {
          if (left.some(({ kind }) => kind === "no-way")) return;
          const again = policy(moved(cluster, places));
          expect(again).toMatchObject({ isFeasible: true, moves: [] });
        },
        { drains: name === "evacuate" },
      );
    });

    it("says of a cluster as it is what it says of what it is after its moves", () => {
      forAll(policy, (cluster, { places, before, after }) => {
        const [one, other] = [scoreOf(cluster), scoreOf(moved(cluster, places))];
        expect(before.imbalance).toBeCloseTo(one.imbalance, 7);
        expect(after.imbalance).toBeCloseTo(other.imbalance, 7);
        expect(after.overLimits).toBeCloseTo(other.faults[2] ?? Number.NaN, 5);
      });
    });
  },
  120_000,
);

test("balance makes no score worse: neither what must be, nor the imbalance with the price of its moves", () => {
  forAll(
    policies.balance,
    (cluster, { places, moves }) => {
      if (moves.length === 0) return;
      const after = moved(cluster, places);
      const grade = (value: Cluster) => {
        const { faults, total } = scoreOf(value, cluster);
        const [memory, firm, limits, soft] = faults;
        return [memory, firm, limits, uncoveredMiB(layoutOf(value)) * (cluster.spare ?? 0), soft, total];
      };
      const [one, other] = [grade(cluster), grade(after)];
      const first = one.findIndex((value, i) => Math.abs((value ?? 0) - (other[i] ?? 0)) > 1e-6);
      expect(other[first] ?? 0).toBeLessThan(one[first] ?? 0);
    },
    { drains: false },
  );
});

test("evacuate moves no guest of a host that is not drained", () => {
  forAll(policies.evacuate, (cluster, { moves }) => {
    const drained = cluster.hosts.filter(({ isDrained }) => isDrained).map(({ name }) => name);
    for (const { from } of moves) expect(drained).toContain(from);
  });
});

test("a guest whose move would not converge stays, and is named", () => {
  forAll(
    policies.balance,
    (cluster, { moves, left }) => {
      const slow = cluster.guests.filter(({ move, isPinned }) => !isPinned && move?.converges === false);
      for (const { name } of slow) {
        expect(moves.map(({ guest }) => guest)).not.toContain(name);
        expect(left).toContainEqual({ kind: "would-not-converge", guest: name });
      }
    },
    { drains: false },
  );
});
