import * as fc from "fast-check";
import { expect, test } from "vitest";
import { balance } from "../../../../placement/policies/balance.ts";
import { consolidate } from "../../../../placement/policies/consolidate.ts";
import { drain } from "../../../../placement/policies/drain.ts";
import { type Cluster, roomMiB } from "../../../../placement/terms/cluster.ts";
import { anyCluster, grownCluster, moved } from "../../helpers/clusters.ts";
import { scoreOf } from "../../helpers/placement-score.ts";

/** The cluster with its guests in every way there is. */
function* layouts(cluster: Cluster): Generator<Cluster> {
  const open = cluster.hosts.filter(({ isDrained }) => !isDrained);
  const count = open.length ** cluster.guests.length;
  for (let way = 0; way < count; way++) {
    let left = way;
    const guests = cluster.guests.map((guest) => {
      const host = open[left % open.length]?.name ?? "";
      left = Math.floor(left / open.length);
      return { ...guest, host };
    });
    yield { ...cluster, guests };
  }
}

const isSound = (cluster: Cluster): boolean => scoreOf(cluster).faults.every((fault) => fault < 1e-6);
const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;

test("balance is at the best there is in most small clusters, and near it in the others", () => {
  const over: number[] = [];
  for (let seed = 1; over.length < 15 && seed < 60; seed++) {
    const cluster = grownCluster(3, 6, seed, 0.5);
    if (cluster === undefined) continue;
    const answer = balance({ startAt: 0, loadError: 0 })(cluster);
    if (!answer.isFeasible || !isSound(cluster)) continue;
    let best = Number.POSITIVE_INFINITY;
    for (const layout of layouts(cluster)) {
      const { total, faults } = scoreOf(layout, cluster);
      if (faults.every((fault) => fault < 1e-6)) best = Math.min(best, total);
    }
    const { total } = scoreOf(moved(cluster, answer.places), cluster);
    expect(total).toBeGreaterThanOrEqual(best - 1e-6);
    over.push(total / best - 1);
  }
  expect(over).toHaveLength(15);
  expect(median(over)).toBeLessThan(1e-6);
  expect(Math.max(...over)).toBeLessThan(0.05);
});

test("consolidate empties as many hosts of small clusters as can be", () => {
  const more: number[] = [];
  for (let seed = 1; more.length < 12 && seed < 60; seed++) {
    const cluster = grownCluster(3, 6, seed, 0.3);
    if (cluster === undefined) continue;
    const answer = consolidate({ loadError: 0 })(cluster);
    if (!answer.isFeasible || !isSound(cluster)) continue;
    const inUse = ({ guests }: Cluster) => new Set(guests.map(({ host }) => host)).size;
    let least = Number.POSITIVE_INFINITY;
    for (const layout of layouts(cluster))
      if (inUse(layout) < least && isSound(layout)) least = inUse(layout);
    more.push(inUse(moved(cluster, answer.places)) - least);
  }
  expect(more).toHaveLength(12);
  expect(Math.max(...more)).toBe(0);
});

test("drain finds a way for up to eight guests wherever there is one", () => {
  let [tight, fitted] = [0, 0];
  fc.assert(
    fc.property(anyCluster({ maxGuests: 7 }), fc.nat(3), (any, which) => {
      const hosts = any.hosts.map((host, index) => ({
        ...host,
        isDrained: index === which % any.hosts.length,
      }));
      const cluster: Cluster = { hosts, guests: any.guests };
      const drained = new Set(hosts.filter(({ isDrained }) => isDrained).map(({ name }) => name));
      const fits = ({ guests }: Cluster) =>
        hosts.every((host) => {
          const own = guests.filter((guest) => guest.host === host.name);
          return host.isDrained || own.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0) <= roomMiB(host);
        });
      const stays = cluster.guests.filter(({ host }) => !drained.has(host));
      const leaving = cluster.guests.filter(({ host }) => drained.has(host));
      const isPossible = [...layouts({ hosts, guests: leaving })].some((layout) =>
        fits({ hosts, guests: [...stays, ...layout.guests] }),
      );
      const isFound = fits(moved(cluster, drain(cluster)));
      expect(isFound).toBe(isPossible);
      if (isPossible && leaving.length > 1) fitted++;
      if (!isPossible) tight++;
    }),
    { numRuns: 150 },
  );
  expect(fitted).toBeGreaterThan(10);
  expect(tight).toBeGreaterThan(5);
});
