import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Cover } from "../layout/cover.ts";
import { epsilon, type LaidGuest, type LaidHost } from "../layout/laid.ts";
import type { Layout } from "../layout/layout.ts";
import { barredTrials, bestMove, bestSwap, moversByHost, type Trial } from "./trial.ts";

/** In larger clusters what did not change is not looked at again, and a pass is the last that gains less than a twentieth of what came before. */
const mostThorough = 40;

/**
 * Makes the layout better by the best move there is, again and again, then by guests that change places too, until nothing gains more than
 * it costs. In a large cluster a host keeps the best that was found for its guests. It is weighed again when its turn comes, and looked for
 * again when it was made, or when one of its two hosts has changed, so that a step costs a few hosts' guests and not all of them.
 *
 * @param cover where no move is to be made that leaves more memory uncovered (N+1)
 */
export function improve(layout: Layout, cover?: Cover): void {
  const { hosts } = layout;
  const barred = barredTrials();
  const moversOf = moversByHost();
  const found: (Trial | undefined)[] = [];
  const isThorough = layout.open.length <= mostThorough;
  let uncovered = cover?.uncoveredMiB() ?? 0;
  const before = layout.total;

  const look = (host: LaidHost): void => {
    found[host.index] = bestMove(layout, host, moversOf, barred);
  };
  const make = (trial: Trial): boolean => {
    const undo = apply(layout, trial);
    const now = cover?.uncoveredMiB() ?? 0;
    const isKept = now <= uncovered;
    if (isKept) uncovered = now;
    else {
      undo();
      barred.add(trial);
    }
    return isKept;
  };

  for (const host of hosts) look(host);
  for (let trial = bestOf(found); trial !== undefined; trial = bestOf(found)) {
    const { guest, to, version } = trial;
    const from = guest.host;
    if (version === layout.version) {
      make(trial);
      for (const host of isThorough ? hosts : [from]) look(host);
    } else if (from.changedAt > version || to.changedAt > version || !layout.fits(guest, to)) look(from);
    // What others gave each other changes how much it counts.
    else found[from.index] = { ...trial, gain: layout.gain(guest, to), version: layout.version };
  }
  // What found nothing may find something now. First where hosts have changed since the last pass, then everywhere, until nothing is found.
  const enough = isThorough ? 0 : (before - layout.total) / 20;
  for (let since = -1; ; ) {
    const { version, total } = layout;
    for (const host of hosts) {
      const next = () =>
        bestMove(layout, host, moversOf, barred, since) ?? bestSwap(layout, host, moversOf, barred, since);
      for (let trial = next(); trial !== undefined; trial = next()) make(trial);
    }
    const isChanged = layout.version > version;
    if (enough > 0 ? total - layout.total < enough : since === -1 && !isChanged) break;
    since = isChanged ? version : -1;
  }
}

function bestOf(trials: readonly (Trial | undefined)[]): Trial | undefined {
  let best: Trial | undefined;
  for (const trial of trials)
    if (trial !== undefined && trial.gain > epsilon && (best === undefined || trial.gain > best.gain))
      best = trial;
  return best;
}

function apply(layout: Layout, { guest, to, other }: Trial): () => void {
  const from = guest.host;
  if (other === undefined) layout.move(guest, to);
  else layout.swap(guest, other);
  return () => (other === undefined ? layout.move(guest, from) : layout.swap(guest, other));
}

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
