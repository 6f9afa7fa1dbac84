/** Where a guest runs while hosts are drained. */
export interface Place {
  host: string;
  /** The drained host on which it would run otherwise. */
  drained?: string;
}

export interface Drainable {
  name: string;
  /** Where its placement says it runs. */
  host: string;
  memoryMiB: number;
}

/**
 * Finds another host for every guest of a drained one: largest first, each to the host that then has the most memory left. The same
 * input gives the same places, and no guest of another host is moved.
 *
 * @param hosts in the order of the config, which settles a draw
 * @param memoryMiB each host's memory by its name. Without that of every host which is not drained, guests are spread by their own.
 * @returns by the guest's name; a guest that has nowhere to go, as all hosts are drained, stays where it is
 */
export function drainHosts(
  guests: readonly Drainable[],
  hosts: readonly string[],
  drained: readonly string[],
  memoryMiB: Readonly<Record<string, number>> = {},
): Record<string, Place> {
  const open = hosts.filter((host) => !drained.includes(host));
  const sizes = open.flatMap((host) => memoryMiB[host] ?? []);
  const isKnown = sizes.length === open.length;
  const left = new Map(open.map((host, index) => [host, isKnown ? alike(sizes, index) : 0]));
  const take = (host: string, guest: Drainable) => left.set(host, (left.get(host) ?? 0) - guest.memoryMiB);

  const places = new Map<string, Place>();
  const leaving = guests.filter(({ host }) => drained.includes(host));
  for (const guest of guests) {
    places.set(guest.name, { host: guest.host });
    if (left.has(guest.host)) take(guest.host, guest);
  }
  for (const guest of leaving.toSorted((one, other) => other.memoryMiB - one.memoryMiB)) {
    const [first, ...others] = left.keys();
    if (first === undefined) break;
    const roomiest = others.reduce((best, host) => (room(host) > room(best) ? host : best), first);
    take(roomiest, guest);
    places.set(guest.name, { host: roomiest, drained: guest.host });
  }
  return Object.fromEntries(places);

  function room(host: string): number {
    return left.get(host) ?? 0;
  }
}

/**
 * A host's memory, or that of the first one like it: a kernel's update changes what a machine has by some MiB, which must not move a
 * guest from one of two like machines to the other.
 */
function alike(sizesMiB: readonly number[], index: number): number {
  const own = sizesMiB[index] ?? 0;
  return sizesMiB.find((other) => Math.abs(other - own) <= own / 64) ?? own;
}
