import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Cover } from "./cover.ts";
import { improve } from "./improve.ts";
import { epsilon, type LaidGuest } from "./laid.ts";
import type { Layout } from "./layout.ts";

/**
 * Tries a small cluster again: a few guests go somewhere by chance, all is improved from there, and what is no better in the end is undone.
 * The chance has a fixed seed and the number of tries depends on the cluster's size alone, so that the same cluster gives the same places.
 */
export function retry(layout: Layout, cover?: Cover): void {
  const free = layout.guests.filter(({ isFixed }) => !isFixed);
  const open = layout.open.filter(({ mayReceive }) => mayReceive);
  const trials = Math.min(24, Math.floor(10_000 / Math.max(1, free.length * open.length)));
  if (free.length === 0 || open.length < 2) return;
  const random = xoroshiro128plus(1);
  const below = (count: number): number => uniformInt(random, 0, count - 1);
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const covered = cover?.uncoveredMiB() ?? 0;
  let best = layout.total;
  for (let trial = 0; trial < trials; trial++) {
    const kept = layout.places();
    const send = (guest: LaidGuest, to = oneOf(open)) => {
      if (to !== guest.host && layout.fits(guest, to) && layout.gain(guest, to) > Number.NEGATIVE_INFINITY)
        layout.move(guest, to);
    };
    const moved = layout.moved.filter(({ isFixed, home }) => !isFixed && home.mayReceive);
    for (let count = below(4); count > 0 && moved.length > 0; count--) {
      const guest = oneOf(moved);
      send(guest, guest.home);
    }
    for (let count = 1 + below(3); count > 0; count--) send(oneOf(free));
    // Whether a host may be lost is dear to ask for: it is asked of ends, not of each step.
    improve(layout);
    const isBetter = layout.total < best - epsilon && (cover?.uncoveredMiB() ?? 0) <= covered;
    if (isBetter) best = layout.total;
    else layout.restore(kept);
  }
}
