import { type Cluster, roomMiB } from "../../placement/terms/cluster.ts";
import type { PolicySettings } from "../../placement/terms/settings.ts";

/**
 * So many hosts are needed at least, whatever goes where: for each of memory, vCPUs and load alone, the largest hosts until these hold all; and
 * so many that without the largest one the others still have all guests' memory.
 */
export function leastHosts({ hosts, guests }: Cluster, limits: PolicySettings["limits"]): number {
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const count = (capacities: readonly number[], needed: number) => {
    let [left, hosts] = [needed, 0];
    for (const capacity of capacities.toSorted((one, other) => other - one)) {
      if (left <= 0) break;
      left -= capacity;
      hosts++;
    }
    return hosts;
  };
  const rooms = hosts.map(roomMiB);
  const memoryMiB = sum(guests.map((guest) => guest.memoryMiB));
  const vcpus = sum(guests.map((guest) => guest.vcpus ?? 1));
  const busy = sum(guests.map((guest) => guest.busyCpus ?? 0));
  return Math.max(
    1,
    count(
      rooms.map((room) => limits.memory * room),
      memoryMiB,
    ),
    count(rooms, memoryMiB + Math.max(...rooms)),
    count(
      hosts.map(({ cpus = 0, reserveVcpus = 0 }) => limits.vcpuRatio * cpus - reserveVcpus),
      vcpus,
    ),
    count(
      hosts.map(({ cpus = 0 }) => limits.cpu * cpus),
      busy,
    ),
  );
}
