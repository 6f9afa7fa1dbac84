import { expect, test } from "vitest";
import { uncoveredMiB } from "../../../../placement/layout/cover.ts";
import { Layout } from "../../../../placement/layout/layout.ts";
import { consolidate } from "../../../../placement/policies/consolidate.ts";
import type { Cluster } from "../../../../placement/terms/cluster.ts";
import { defaultSettings } from "../../../../placement/terms/settings.ts";
import { grownCluster, moved } from "../../helpers/clusters.ts";

const alike = { reserveMiB: 2048, vcpuRatio: 4 };

/** The cluster without the hosts that have no guests, as if these were off. */
function inUse({ hosts, guests, ...more }: Cluster): Cluster {
  const names = new Set(guests.map(({ host }) => host));
  return { ...more, guests, hosts: hosts.filter(({ name }) => names.has(name)) };
}
const uncoveredIn = (cluster: Cluster): number => uncoveredMiB(new Layout(cluster, defaultSettings));

test("consolidate leaves hosts of which any one may be lost, without those that it has emptied", () => {
  let [emptied, looked] = [0, 0];
  for (let seed = 1; seed <= 40; seed++) {
    const cluster = grownCluster(6, 30, seed, 0.4, alike);
    if (cluster === undefined || uncoveredIn(cluster) > 0) continue;
    const answer = consolidate()({ ...cluster, spare: 1 });
    if (!answer.isFeasible) throw new Error(JSON.stringify(answer.problems));
    const left = inUse(moved(cluster, answer.places));
    expect(uncoveredIn(left), `cluster ${seed}`).toBe(0);
    emptied += cluster.hosts.length - left.hosts.length;
    looked++;
  }
  expect(looked).toBeGreaterThan(10);
  expect(emptied).toBeGreaterThan(looked / 2);
});
