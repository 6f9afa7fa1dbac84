import { type Cluster, type ClusterGuest, type ClusterHost, roomMiB } from "../terms/cluster.ts";
import { type Dimension, dimensions, type PolicySettings } from "../terms/settings.ts";
import type { Amounts } from "../terms/standing.ts";

export const nothing: Amounts = { memory: 0, vcpus: 0, cpu: 0 };

/** A cluster's hosts and guests in figures that can be compared: what each host has and may give, what each guest needs. */
interface Measures {
  /** What counts, with weights that are 1 in all. Without hosts' CPUs, memory alone does. */
  weights: Amounts;
  /** What a share of 1 is. */
  size(host: ClusterHost): Amounts;
  /** What is used of it while no guest is there. */
  own(host: ClusterHost): Amounts;
  /** Up to where it may be used. */
  limit(host: ClusterHost): Amounts;
  needs(guest: ClusterGuest): Amounts;
  /** What a move of the guest must gain, as a share of one host. */
  price(guest: ClusterGuest): number;
}

export function measuresOf({ hosts, guests }: Cluster, settings: PolicySettings): Measures {
  const { limits, minGain } = settings;
  const hasCpus = hosts.every(({ cpus }) => cpus !== undefined);
  const loads = guests.flatMap(({ busyCpus, vcpus = 1 }) => (busyCpus === undefined ? [] : busyCpus / vcpus));
  const usualLoad = median(loads) ?? 0;
  const usualMs = median(guests.flatMap(({ move }) => move?.totalMs ?? [])) || 1;
  return {
    weights: weightsOf(settings, hasCpus, loads.length > 0),
    size: ({ memoryMiB = 1, cpus = 1 }) => {
      // No share of what is not known.
      const size = hasCpus ? cpus : Number.POSITIVE_INFINITY;
      return { memory: memoryMiB, vcpus: size, cpu: size };
    },
    own: (host) => ({
      memory: (host.memoryMiB ?? 0) - roomMiB(host),
      vcpus: host.reserveVcpus ?? 0,
      cpu: host.busyCpus ?? 0,
    }),
    limit: (host) => ({
      memory: (host.memoryMiB ?? 0) - roomMiB(host) * (1 - limits.memory),
      vcpus: limits.vcpuRatio * (hasCpus ? (host.cpus ?? 0) : Number.POSITIVE_INFINITY),
      cpu: limits.cpu * (hasCpus ? (host.cpus ?? 0) : Number.POSITIVE_INFINITY),
    }),
    needs: ({ memoryMiB, vcpus = 1, busyCpus = vcpus * usualLoad }) => ({
      memory: memoryMiB,
      vcpus,
      cpu: busyCpus,
    }),
    price: ({ move }) => minGain * (move ? move.totalMs / usualMs + move.downtimeMs / 1000 : 1),
  };
}

function weightsOf({ weights }: PolicySettings, hasCpus: boolean, hasLoads: boolean): Amounts {
  const counts = { memory: true, vcpus: hasCpus, cpu: hasCpus && hasLoads };
  const all = dimensions.reduce((sum, name) => sum + (counts[name] ? weights[name] : 0), 0) || 1;
  const share = (name: Dimension) => (counts[name] ? weights[name] / all : 0);
  return { memory: share("memory"), vcpus: share("vcpus"), cpu: share("cpu") };
}

function median(values: readonly number[]): number | undefined {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)];
}
