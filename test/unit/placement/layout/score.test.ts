import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Layout } from "../../../../placement/layout/layout.ts";
import type { Cluster } from "../../../../placement/terms/cluster.ts";
import { defaultSettings, type PolicySettings } from "../../../../placement/terms/settings.ts";
import { anyCluster } from "../../helpers/clusters.ts";
import { scoreOf } from "../../helpers/placement-score.ts";

const anySteps = fc.array(fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)), { minLength: 1, maxLength: 40 });
const settings: PolicySettings = defaultSettings;

/** Makes the steps in a layout, whatever is against them, and tells what each was said to gain. */
function walk(cluster: Cluster, steps: readonly (readonly [number, number, number])[]) {
  const layout = new Layout(cluster, settings);
  const said: { gain: number; before: number; after: number }[] = [];
  for (const [which, where, kind] of steps) {
    const guest = layout.guests[which % layout.guests.length];
    const other = layout.guests[where % layout.guests.length];
    const host = layout.open[where % Math.max(1, layout.open.length)];
    if (guest === undefined || other === undefined || host === undefined) continue;
    const before = layout.total;
    if (kind % 3 === 0 && other.host !== guest.host) {
      const gain = layout.gainOfSwap(guest, other);
      layout.swap(guest, other);
      said.push({ gain, before, after: layout.total });
    } else if (host !== guest.host) {
      const gain = layout.gain(guest, host);
      layout.move(guest, host);
      said.push({ gain, before, after: layout.total });
    }
  }
  const guests = cluster.guests.map((guest, index) => ({
    ...guest,
    host: layout.guests[index]?.host.name ?? guest.host,
  }));
  return { layout, said, after: { ...cluster, guests } };
}

describe("the score that is kept up", () => {
  test("is the one computed from scratch after any moves and swaps", () => {
    fc.assert(
      fc.property(anyCluster(), anySteps, (cluster, steps) => {
        const { layout, after } = walk(cluster, steps);
        const scratch = scoreOf(after, cluster);
        expect(layout.imbalance).toBeCloseTo(scratch.imbalance, 9);
        expect(layout.total).toBeCloseTo(scratch.total, 9);
        for (const [index, fault] of layout.faults.entries())
          expect(fault, `fault ${index}`).toBeCloseTo(scratch.faults[index] ?? Number.NaN, 6);
      }),
      { numRuns: 300 },
    );
  });

  test("says before a step what the step gains", () => {
    fc.assert(
      fc.property(anyCluster(), anySteps, (cluster, steps) => {
        for (const { gain, before, after } of walk(cluster, steps).said)
          expect(gain).toBeCloseTo(before - after, 7);
      }),
    );
  });

  test("is what a new layout of the same places has, and what it was when all is put back", () => {
    fc.assert(
      fc.property(anyCluster(), anySteps, (cluster, steps) => {
        const { layout, after } = walk(cluster, steps);
        const fresh = new Layout(after, settings);
        expect(layout.imbalance).toBeCloseTo(fresh.imbalance, 9);
        expect(layout.faults[1]).toBe(fresh.faults[1]);
        layout.restore(layout.guests.map(({ home }) => home));
        expect(layout.total).toBeCloseTo(new Layout(cluster, settings).total, 9);
        expect(layout.moved).toEqual([]);
      }),
    );
  });

  test("counts CPUs only where all hosts' are known, and load only where some guest's is", () => {
    const hosts = [1, 2].map((index) => ({ name: `host${index}`, memoryMiB: 8192, isDrained: false }));
    const guests = [{ name: "vm1", host: "host1", memoryMiB: 4096, vcpus: 4, busyCpus: 4 }];
    // Half of one host's memory more than of the other's.
    expect(new Layout({ hosts, guests }, settings).imbalance).toBeCloseTo(0.25);
    const withCpus = { hosts: hosts.map((host) => ({ ...host, cpus: 4 })), guests };
    expect(new Layout(withCpus, settings).imbalance).toBeCloseTo((0.25 + 0.5 * 0.5 + 0.5) / 2.5);
    const unloaded = { ...withCpus, guests: guests.map(({ busyCpus: _, ...guest }) => guest) };
    expect(new Layout(unloaded, settings).imbalance).toBeCloseTo((0.25 + 0.5 * 0.5) / 1.5);
  });

  test("takes a guest whose load is not known to be as busy as others usually are", () => {
    const hosts = [1, 2].map((index) => ({
      name: `host${index}`,
      memoryMiB: 8192,
      cpus: 8,
      isDrained: false,
    }));
    const guest = (name: string, busyCpus?: number) => ({
      name,
      host: "host1",
      memoryMiB: 1024,
      vcpus: 2,
      busyCpus,
    });
    const layout = new Layout({ hosts, guests: [guest("vm1", 1), guest("vm2")] }, settings);
    expect(layout.guests.map(({ needs }) => needs.cpu)).toEqual([1, 1]);
  });
});
