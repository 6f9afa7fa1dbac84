import * as fc from "fast-check";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  type Cluster,
  type ClusterGuest,
  type ClusterHost,
  type PlacementRule,
  roomMiB,
} from "../../../placement/terms/cluster.ts";
import type { ProposedStep } from "../../../placement/terms/policy.ts";

/** Three generations of machines, of which a larger cluster has some of each. */
const machines = [
  { gib: 64, cpus: 16, idleWatts: 95 },
  { gib: 128, cpus: 32, idleWatts: 120 },
  { gib: 256, cpus: 64, idleWatts: 170 },
];
const sizes = [
  { share: 0.25, gib: 1, vcpus: [1] },
  { share: 0.3, gib: 2, vcpus: [1, 2] },
  { share: 0.22, gib: 4, vcpus: [2, 2, 4] },
  { share: 0.14, gib: 8, vcpus: [2, 4, 4] },
  { share: 0.07, gib: 16, vcpus: [4, 8] },
  { share: 0.02, gib: 32, vcpus: [8, 16] },
];

/** What hosts need themselves, and how many vCPUs a CPU they may have. Absent: what a policy takes by itself, and any number. */
interface HostLimits {
  reserveMiB?: number;
  reserveVcpus?: number;
  vcpuRatio?: number;
}

/** A cluster that has grown and was not planned: guests fill 62 % of the memory, and some hosts are more popular than others. Absent: it did not fit. */
export function grownCluster(
  hostCount: number,
  guestCount: number,
  seed: number,
  fill = 0.62,
  { reserveMiB, reserveVcpus, vcpuRatio = Number.POSITIVE_INFINITY }: HostLimits = {},
): Cluster | undefined {
  const random = randomOf(seed);
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  /** An index, each as likely as its weight says. */
  const drawn = (weights: readonly number[]) => {
    const at = random() * weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    return weights.findIndex((weight) => {
      sum += weight;
      return weight > 0 && sum >= at;
    });
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const guests = Array.from({ length: guestCount }, (_, index): Omit<ClusterGuest, "host"> => {
    const { gib, vcpus } = sizes[drawn(sizes.map(({ share }) => share))] ?? { gib: 2, vcpus: [1] };
    const own = oneOf(vcpus);
    const use = Math.min(0.95, 0.12 * Math.exp(0.9 * normal()));
    const totalMs = 2000 + gib * 1000;
    return {
      name: `vm${index + 1}`,
      memoryMiB: gib * 1024,
      vcpus: own,
      busyCpus: use * own,
      move: { totalMs, downtimeMs: 200, converges: true },
    };
  });
  const kinds = Array.from({ length: hostCount }, (_, index) => {
    const machine = hostCount < 20 ? machines[[0, 1, 0, 1, 2, 1][index % 6] ?? 0] : oneOf(machines);
    return machine as (typeof machines)[number];
  });
  const needed = guests.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const scale = needed / fill / kinds.reduce((sum, { gib }) => sum + gib * 1024, 0);
  const hosts = kinds.map(
    ({ gib, cpus, idleWatts }, index): ClusterHost => ({
      name: `host${index + 1}`,
      memoryMiB: Math.max(16, Math.round((gib * scale) / 16) * 16) * 1024,
      reserveMiB,
      reserveVcpus,
      cpus,
      idleWatts,
      isDrained: false,
    }),
  );
  const popularity = hosts.map(({ memoryMiB = 0 }) => memoryMiB * Math.exp(0.5 * normal()));
  const left = hosts.map((host) => 0.96 * roomMiB(host));
  const leftVcpus = hosts.map(({ cpus = 0, reserveVcpus = 0 }) => vcpuRatio * cpus - reserveVcpus);
  const placed = guests.flatMap((guest): ClusterGuest[] => {
    const { memoryMiB, vcpus = 1 } = guest;
    const hasRoom = (index: number) => (left[index] ?? 0) >= memoryMiB && (leftVcpus[index] ?? 0) >= vcpus;
    const weights = popularity.map((weight, index) => (hasRoom(index) ? weight : 0));
    const index = drawn(weights);
    const host = hosts[index];
    if (host === undefined) return [];
    left[index] = (left[index] ?? 0) - memoryMiB;
    leftVcpus[index] = (leftVcpus[index] ?? 0) - vcpus;
    return [{ ...guest, host: host.name }];
  });
  return placed.length < guestCount ? undefined : { hosts, guests: placed };
}

/** Clusters that have their guests' memory, with all that a policy may be told of them. */
export const anyCluster = ({ maxGuests = 10, drains = true, firm = true } = {}): fc.Arbitrary<Cluster> =>
  fc
    .record({
      sizes: fc.array(fc.integer({ min: 6, max: 24 }), { minLength: 2, maxLength: 4 }),
      guests: fc.array(
        fc.record({
          gib: fc.integer({ min: 1, max: 6 }),
          vcpus: fc.integer({ min: 1, max: 4 }),
          load: fc.double({ min: 0, max: 1, noNaN: true }),
          at: fc.nat(99),
          isPinned: fc.boolean(),
          ms: fc.integer({ min: 1000, max: 20000 }),
          converges: fc.integer({ min: 0, max: 9 }),
        }),
        { minLength: 1, maxLength: maxGuests },
      ),
      rules: fc.array(
        fc.record({
          kind: fc.constantFrom("apart" as const, "together" as const, "on" as const),
          isFirm: fc.boolean(),
          members: fc.uniqueArray(fc.nat(maxGuests - 1), { minLength: 2, maxLength: 3 }),
          on: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 2 }),
        }),
        { maxLength: 2 },
      ),
      /** What hosts do themselves: often nothing. */
      ownLoads: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.3, noNaN: true })), {
        minLength: 4,
        maxLength: 4,
      }),
      drained: drains ? fc.option(fc.nat(3), { nil: undefined }) : fc.constant(undefined),
      spare: fc.constantFrom(0 as const, 1 as const),
    })
    .map(({ sizes, guests, rules, ownLoads, drained, spare }) => {
      const hosts = sizes.map(
        (gib, index): ClusterHost => ({
          name: `host${index + 1}`,
          memoryMiB: gib * 1024,
          cpus: 8,
          busyCpus: (ownLoads[index] ?? 0) * 8,
          isDrained: index === drained,
        }),
      );
      const left = hosts.map(roomMiB);
      const placed = guests.flatMap(
        ({ gib, vcpus, load, at, isPinned, ms, converges }, index): ClusterGuest[] => {
          const memoryMiB = gib * 1024;
          const fitting = hosts.filter((_, host) => (left[host] ?? 0) >= memoryMiB);
          const host = fitting[at % Math.max(1, fitting.length)];
          if (host === undefined) return [];
          const on = hosts.indexOf(host);
          left[on] = (left[on] ?? 0) - memoryMiB;
          const move = { totalMs: ms, downtimeMs: ms / 50, converges: converges > 0 };
          const busyCpus = load * vcpus;
          return [{ name: `vm${index + 1}`, host: host.name, memoryMiB, vcpus, busyCpus, isPinned, move }];
        },
      );
      const names = new Set(placed.map(({ name }) => name));
      const all = rules.map(({ kind, isFirm, members, on }, index): PlacementRule => {
        const guests = members.map((member) => `vm${member + 1}`).filter((name) => names.has(name));
        const common = { name: `rule${index + 1}`, isFirm: isFirm && firm, guests };
        const some = on.flatMap((host) => hosts[host]?.name ?? []);
        return kind === "on" ? { ...common, kind, hosts: some } : { ...common, kind };
      });
      return { hosts, guests: placed, rules: all, spare };
    });

/** The cluster after the guests went where they are to be. */
export const moved = (cluster: Cluster, places: Readonly<Record<string, { host: string }>>): Cluster => ({
  ...cluster,
  guests: cluster.guests.map((guest) => ({ ...guest, host: places[guest.name]?.host ?? guest.host })),
});

/** The same with each guest's load off by up to that share, by chance. */
export function jittered(cluster: Cluster, share: number, seed: number): Cluster {
  const random = randomOf(seed);
  return {
    ...cluster,
    guests: cluster.guests.map(({ busyCpus = 0, ...guest }) => ({
      ...guest,
      busyCpus: busyCpus * (1 - share + 2 * share * random()),
    })),
  };
}

/** Where guests are after each of the steps. */
export function statesOf({ guests }: Cluster, steps: readonly ProposedStep[]): ReadonlyMap<string, string>[] {
  const states = [new Map(guests.map(({ name, host }) => [name, host]))];
  for (const { guest, to } of steps) states.push(new Map(states.at(-1)).set(guest, to));
  return states;
}

export function randomOf(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}
