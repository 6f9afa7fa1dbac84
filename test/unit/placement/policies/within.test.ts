import { expect, test } from "vitest";
import { balance } from "../../../../placement/policies/balance.ts";
import type { Proposal } from "../../../../placement/terms/policy.ts";
import { defaultSettings } from "../../../../placement/terms/settings.ts";
import { grownCluster } from "../../helpers/clusters.ts";

const settings = { startAt: 0, loadError: 0, limits: { ...defaultSettings.limits, cpu: 2, vcpuRatio: 16 } };
const clusters = Array.from({ length: 16 }, (_, seed) => grownCluster(5, 40, seed + 1))
  .filter((cluster) => cluster !== undefined)
  .slice(0, 12);

test("no more guests and no more memory move than may, and what may be moved is put to better use than one by one", () => {
  expect(clusters).toHaveLength(12);
  const gained: number[] = [];
  for (const cluster of clusters) {
    const memoryMiB = new Map(cluster.guests.map((guest) => [guest.name, guest.memoryMiB]));
    const sizeOf = ({ moves }: Proposal) => {
      const guests = [...new Set(moves.map(({ guest }) => guest))];
      return { moves: guests.length, mib: guests.reduce((sum, name) => sum + (memoryMiB.get(name) ?? 0), 0) };
    };
    const planned = (more: { maxMoves?: number; maxMiB?: number }) => {
      const answer = balance({ ...settings, ...more })(cluster);
      if (!answer.isFeasible) throw new Error(JSON.stringify(answer.problems));
      return answer;
    };
    const all = planned({});
    const half = { maxMoves: Math.ceil(sizeOf(all).moves / 2), maxMiB: Math.ceil(sizeOf(all).mib / 2) };
    const [fewer, smaller, both] = [
      planned({ maxMoves: half.maxMoves }),
      planned({ maxMiB: half.maxMiB }),
      planned(half),
    ];
    for (const { moves } of [fewer, both].map(sizeOf)) expect(moves).toBeLessThanOrEqual(half.maxMoves);
    for (const { mib } of [smaller, both].map(sizeOf)) expect(mib).toBeLessThanOrEqual(half.maxMiB);
    const { before } = all;
    gained.push((before.imbalance - both.after.imbalance) / (before.imbalance - all.after.imbalance));
  }
  // The first half of the moves is worth more than the second.
  expect(Math.min(...gained)).toBeGreaterThan(0.5);
});
