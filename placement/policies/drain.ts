import { type Cluster, type ClusterGuest, type ClusterHost, roomMiB } from "../terms/cluster.ts";
import type { Place, Policy } from "../terms/policy.ts";
import { evacuate } from "./evacuate.ts";

/**
 * Finds another host for every guest of a drained one: largest first, each to the host that then has the most memory left. Where that does
 * not fit, any other way is taken that does. The same cluster gives the same places, and no guest of another host is moved. A guest that
 * has nowhere to go, as all hosts are drained, stays where it is; where memory is short whatever goes where, the roomiest hosts are named
 * all the same, and the check of hosts' memory says what is missing.
 */
export const drain: Policy = (cluster) => {
  const roomiest = byRoom(cluster);
  if (isWithin(cluster, roomiest)) return roomiest;
  const answer = evacuateByMemory(cluster);
  return answer.isFeasible ? answer.places : roomiest;
};

const byRoom: Policy = ({ hosts, guests }) => {
  const open = hosts.filter(({ isDrained }) => !isDrained);
  const leftMiB = new Map(open.map(({ name }, index) => [name, sizeMiB(open, index)]));
  const left = (host: string): number => leftMiB.get(host) ?? 0;
  const take = (host: string, { memoryMiB }: ClusterGuest) => leftMiB.set(host, left(host) - memoryMiB);

  const places = new Map<string, Place>(guests.map(({ name, host }) => [name, { host }]));
  for (const guest of guests) if (leftMiB.has(guest.host)) take(guest.host, guest);
  const leaving = guests.filter(({ host }) => !leftMiB.has(host));
  for (const guest of leaving.toSorted((one, other) => other.memoryMiB - one.memoryMiB)) {
    const [first, ...others] = leftMiB.keys();
    if (first === undefined) break;
    const roomiest = others.reduce((best, host) => (left(host) > left(best) ? host : best), first);
    take(roomiest, guest);
    places.set(guest.name, { host: roomiest, reason: { kind: "drained", host: guest.host } });
  }
  return Object.fromEntries(places);
};

/** Of hosts, memory alone is asked for here: CPUs may be shared by more guests for a while. */
const evacuateByMemory = evacuate({
  limits: { memory: 1, cpu: Number.POSITIVE_INFINITY, vcpuRatio: Number.POSITIVE_INFINITY },
});

/** Whether hosts have the memory for those that come; where it is not known of all, that can't be said against it. */
function isWithin({ hosts, guests }: Cluster, places: Readonly<Record<string, Place>>): boolean {
  const open = hosts.filter(({ isDrained }) => !isDrained);
  if (open.some(({ memoryMiB }) => memoryMiB === undefined)) return true;
  return open.every((host) => {
    const own = guests.filter(({ name }) => places[name]?.host === host.name);
    const hasCome = own.some((guest) => guest.host !== host.name);
    return !hasCome || own.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0) <= roomMiB(host);
  });
}

/**
 * What a host is taken to have: its memory, or that of the first one like it. A kernel's update changes what a machine has by some MiB,
 * which must not move a guest from one of two like machines to the other. Unless all hosts' memory is known, none has any, so that guests
 * are spread by their own.
 */
function sizeMiB(hosts: readonly ClusterHost[], index: number): number {
  const sizes = hosts.flatMap(({ memoryMiB }) => memoryMiB ?? []);
  if (sizes.length < hosts.length) return 0;
  const own = sizes[index] ?? 0;
  return sizes.find((other) => Math.abs(other - own) <= own / 64) ?? own;
}
