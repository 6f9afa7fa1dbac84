import { faultsOf } from "./check.ts";
import type { Cluster } from "./cluster.ts";
import { largestFirst, uncoveredMiB } from "./cover.ts";
import type { LaidGuest, LaidHost, Layout } from "./layout.ts";
import { leave, leavingOf } from "./leave.ts";
import { pack } from "./pack.ts";
import type { Planner } from "./policy.ts";
import { type Arrange, plannerOf } from "./propose.ts";
import { type Reasons, repair } from "./repair.ts";
import { defaultSettings, dimensions, type PolicySettings } from "./settings.ts";

/**
 * Empties as many hosts as can be, so that they may be switched off: the others hold all guests within limits and rules, and one of them
 * may still be lost, if that is wished. A host is only emptied if what that saves is worth what is moved.
 */
export const consolidate = (settings: Partial<PolicySettings> = {}): Planner =>
  plannerOf(arrange, { ...defaultSettings, ...settings });

const arrange: Arrange = (layout, cluster, settings, reasons) => {
  const wantsCover = cluster.spare === 1;
  if (leavingOf(layout).length > 0) {
    const problems = leave(layout, { wantsCover, mayMakeRoom: true }, reasons);
    return problems.length > 0 ? problems : faultsOf(layout);
  }
  repair(layout, wantsCover, reasons);
  const problems = faultsOf(layout);
  if (problems.length > 0) return problems;

  const places = layout.places();
  const wattsOf = idleWatts(cluster);
  // Which host to empty first is a trade between watts and moves: both are tried.
  const worths = [
    (host: LaidHost) => wattsOf(host) / (1024 + movedMiB(host)),
    (host: LaidHost) => wattsOf(host) / host.limit.memory,
  ].map((worth) => {
    layout.restore(places);
    const emptied = emptyAll(layout, worth, settings, wantsCover, wattsOf);
    const savedWatts = emptied.reduce((sum, host) => sum + wattsOf(host), 0);
    return {
      places: layout.places(),
      emptied,
      net: savedWatts - priceOf(layout, settings),
      cost: priceOf(layout, settings),
    };
  });
  const best = worths.reduce((one, other) => (other.net > one.net ? other : one));
  layout.restore(best.places);
  explain(layout, places, reasons);
  return [];
};

/** What a host draws that is idle; where that is not known of all, all are alike. */
function idleWatts({ hosts }: Cluster): (host: LaidHost) => number {
  const isKnown = hosts.every((host) => host.idleWatts !== undefined);
  const watts = new Map(hosts.map(({ name, idleWatts }) => [name, idleWatts]));
  // So many that a host is always worth its moves.
  return ({ name }) => (isKnown ? (watts.get(name) ?? 0) : 1e6);
}

const movedMiB = ({ guests }: LaidHost): number =>
  [...guests].reduce((sum, { needs }) => sum + needs.memory, 0);

const priceOf = (layout: Layout, { savingPerGiB }: PolicySettings): number =>
  (layout.moved.reduce((sum, { needs }) => sum + needs.memory, 0) / 1024) * savingPerGiB;

function emptyAll(
  layout: Layout,
  worth: (host: LaidHost) => number,
  settings: PolicySettings,
  wantsCover: boolean,
  wattsOf: (host: LaidHost) => number,
): readonly LaidHost[] {
  const empty = new Set(layout.open.filter(({ guests }) => guests.size === 0));
  const emptied: LaidHost[] = [];
  const tried = new Set<LaidHost>(empty);
  const covered = wantsCover ? uncoveredMiB(layout) : 0;
  while (layout.open.length - empty.size > Math.max(1, settings.keepOn)) {
    const left = layout.open.filter((host) => !tried.has(host));
    const [first, ...others] = left;
    if (first === undefined) break;
    const host = others.reduce((best, other) => (worth(other) > worth(best) ? other : best), first);
    tried.add(host);
    const [places, price] = [layout.places(), priceOf(layout, settings)];
    const isEmpty =
      moveOff(layout, host, empty, settings) &&
      layout.moved.length <= (settings.maxMoves ?? Number.POSITIVE_INFINITY) &&
      wattsOf(host) >= priceOf(layout, settings) - price &&
      (!wantsCover || uncoveredMiB(layout) <= covered);
    if (isEmpty) {
      empty.add(host);
      emptied.push(host);
    } else layout.restore(places);
  }
  return emptied;
}

/** Each guest to where its shape fits best, so that little of any one thing is left over; an empty host stays empty. */
function moveOff(
  layout: Layout,
  host: LaidHost,
  empty: ReadonlySet<LaidHost>,
  { loadError }: PolicySettings,
): boolean {
  const leaving = largestFirst([...host.guests]);
  if (leaving.some(({ isFixed }) => isFixed)) return false;
  const others = layout.open.filter((other) => other !== host && !empty.has(other));
  // Loads that go up as far as they may be off are not to bring a host over its limit.
  const mayTake = (guest: LaidGuest, to: LaidHost) =>
    layout.fits(guest, to) && (to.used.cpu + guest.needs.cpu) * (1 + loadError) <= to.limit.cpu;
  const leftOver = ({ needs }: LaidGuest, { used, limit }: LaidHost) =>
    dimensions.reduce((sum, name) => {
      const left = Number.isFinite(limit[name]) ? 1 - (used[name] + needs[name]) / limit[name] : 0;
      return sum + left ** 2;
    }, 0);
  return pack(
    leaving,
    {
      bins: (guest) =>
        others
          .filter((to) => mayTake(guest, to))
          .map((to) => ({ to, left: leftOver(guest, to) }))
          .sort((one, other) => one.left - other.left)
          .map(({ to }) => to),
      put: (guest, to) => layout.move(guest, to),
      take: (guest) => layout.move(guest, host),
    },
    1000,
  );
}

function explain(layout: Layout, places: readonly LaidHost[], reasons: Reasons): void {
  for (const guest of layout.moved) {
    const from = places[guest.index];
    if (from !== undefined && from !== guest.host) reasons.set(guest, { kind: "emptied", host: from.name });
  }
}
