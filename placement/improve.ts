import { uncoveredMiB } from "./cover.ts";
import { epsilon, type LaidGuest, type LaidHost, type Layout } from "./layout.ts";
import { dimensions } from "./settings.ts";

/** A guest goes to a host, or changes places with another guest. */
interface Trial {
  guest: LaidGuest;
  to: LaidHost;
  other?: LaidGuest;
  gain: number;
}

/** With how many hosts a host's guests are tried: with all in a testbed, with the likeliest in a large cluster. */
const partnersOf = (hosts: number): number => (hosts <= 200 ? 48 : 12);
const swapPartners = 8;

/**
 * Makes the layout better by the best move there is, again and again, then by guests that change places too, until nothing gains more than
 * it costs. A host keeps the best that was found for it; whether that still holds is only looked at when its turn comes, so that a step
 * costs a few hosts' guests and not all of them.
 *
 * @param keepsCover whether a move that leaves more memory uncovered (N+1) is not to be made
 */
export function improve(layout: Layout, keepsCover: boolean): void {
  const hosts = layout.hosts;
  const found = new Map<LaidHost, { trial?: Trial; version: number }>();
  const barred = new Set<string>();
  let version = 0;
  let covered = keepsCover ? uncoveredMiB(layout) : 0;

  const look = (host: LaidHost, withSwaps: boolean): Trial | undefined => {
    const trial = bestFrom(layout, host, withSwaps, barred);
    found.set(host, { trial, version });
    return trial;
  };
  const make = (trial: Trial): boolean => {
    const from = trial.guest.host;
    const undo = apply(layout, trial);
    if (keepsCover) {
      const now = uncoveredMiB(layout);
      if (now > covered) {
        undo();
        barred.add(keyOf(trial));
        found.delete(from);
        found.delete(trial.to);
        return false;
      }
      covered = now;
    }
    version++;
    found.delete(from);
    found.delete(trial.to);
    return true;
  };

  for (;;) {
    // A host that was never looked at, or has changed, comes first.
    const unknown = hosts.find((host) => !found.has(host));
    if (unknown !== undefined) {
      look(unknown, false);
      continue;
    }
    let best: { host: LaidHost; trial: Trial; version: number } | undefined;
    for (const [host, { trial, version }] of found)
      if (trial !== undefined && (best === undefined || trial.gain > best.trial.gain))
        best = { host, trial, version };
    if (best === undefined) break;
    if (best.version === version) make(best.trial);
    else look(best.host, false);
  }
  // What found nothing may find something now; a pass that changes nothing is the last.
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const host of hosts) {
      for (let trial = look(host, true); trial !== undefined; trial = look(host, true))
        if (make(trial)) isChanged = true;
    }
  }
}

function apply(layout: Layout, { guest, to, other }: Trial): () => void {
  const from = guest.host;
  if (other === undefined) layout.move(guest, to);
  else layout.swap(guest, other);
  return () => (other === undefined ? layout.move(guest, from) : layout.swap(guest, other));
}

const keyOf = ({ guest, to, other }: Trial): string => `${guest.index} ${to.name} ${other?.index ?? ""}`;

function bestFrom(
  layout: Layout,
  host: LaidHost,
  withSwaps: boolean,
  barred: ReadonlySet<string>,
): Trial | undefined {
  let best: Trial | undefined;
  let least = epsilon;
  // What a step gains is quicker known than whether it may be made.
  const consider = (trial: Trial, isFit: () => boolean) => {
    if (trial.gain <= least || (barred.size > 0 && barred.has(keyOf(trial))) || !isFit()) return;
    best = trial;
    least = trial.gain;
  };
  const move = (guest: LaidGuest, to: LaidHost) => {
    if (to === guest.host) return;
    consider({ guest, to, gain: layout.gain(guest, to) }, () => layout.fits(guest, to));
  };
  const swap = (guest: LaidGuest, other: LaidGuest) => {
    const trial = { guest, to: other.host, other, gain: layout.gainOfSwap(guest, other) };
    consider(trial, () => layout.swapFits(guest, other));
  };
  const near = likely(layout, host);
  const free = [...host.guests].filter(({ isFixed }) => !isFixed);
  for (const guest of free) {
    for (const to of near) move(guest, to);
    move(guest, guest.home);
  }
  if (host.mayReceive)
    for (const partner of near) for (const guest of partner.guests) if (!guest.isFixed) move(guest, host);
  if (withSwaps && least === epsilon)
    for (const partner of near.slice(0, swapPartners)) {
      // A list of its own: whether two may change places is tried out, which takes them off the host and puts them back.
      const others = [...partner.guests].filter(({ isFixed }) => !isFixed);
      for (const guest of free) for (const other of others) swap(guest, other);
    }
  return best;
}

/** The hosts that have most of what this one has least of; of equals the first. */
function likely(layout: Layout, host: LaidHost): readonly LaidHost[] {
  const own = layout.lean(host);
  return layout.open
    .filter((other) => other !== host && other.mayReceive)
    .map((other) => {
      const lean = layout.lean(other);
      return { other, match: dimensions.reduce((sum, name) => sum + own[name] * lean[name], 0) };
    })
    .sort((one, another) => one.match - another.match)
    .slice(0, partnersOf(layout.open.length))
    .map(({ other }) => other);
}
