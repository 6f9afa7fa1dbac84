import type { LaidGuest, LaidHost, Layout } from "./layout.ts";
import { pack } from "./pack.ts";

/** A host whose loss would leave guests without a place, and how much memory these need. */
export interface Uncovered {
  host: string;
  memoryMiB: number;
}

/** Whether any one host may be lost (N+1): whose guests would not all find memory on the others. */
export function uncovered({ open, weights }: Layout): readonly Uncovered[] {
  return open.flatMap((lost) => {
    const others = open.filter((host) => host !== lost);
    const left = new Map(others.map((host) => [host, host.leftMiB]));
    const vcpus = new Map(others.map((host) => [host, host.limit.vcpus - host.used.vcpus]));
    const room = (host: LaidHost) => left.get(host) ?? 0;
    const change = (host: LaidHost, { needs }: LaidGuest, by: 1 | -1) => {
      left.set(host, room(host) - by * needs.memory);
      vcpus.set(host, (vcpus.get(host) ?? 0) - by * needs.vcpus);
    };
    const guests = largestFirst([...lost.guests]);
    // To the fullest one, which keeps large holes whole.
    const bins = ({ needs }: LaidGuest) =>
      others
        .filter(
          (host) =>
            room(host) >= needs.memory && (weights.vcpus === 0 || (vcpus.get(host) ?? 0) >= needs.vcpus),
        )
        .sort((one, other) => room(one) - room(other));
    const put = (guest: LaidGuest, host: LaidHost) => change(host, guest, 1);
    const take = (guest: LaidGuest, host: LaidHost) => change(host, guest, -1);
    const hasRoom = sum(others.map(room)) >= sum(guests.map(({ needs }) => needs.memory));
    if (hasRoom && pack(guests, { bins, put, take }, 100)) return [];
    let memoryMiB = 0;
    for (const guest of guests) {
      const [bin] = bins(guest);
      if (bin === undefined) memoryMiB += guest.needs.memory;
      else put(guest, bin);
    }
    return [{ host: lost.name, memoryMiB }];
  });
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

export const uncoveredMiB = (layout: Layout): number =>
  sum(uncovered(layout).map(({ memoryMiB }) => memoryMiB));

/** Of equals the first. */
export const largestFirst = (guests: readonly LaidGuest[]): LaidGuest[] =>
  guests.toSorted((one, other) => other.needs.memory - one.needs.memory || one.index - other.index);
