import { faultsOf } from "../layout/check.ts";
import { Cover } from "../layout/cover.ts";
import { type LaidGuest, type LaidHost, largestFirst } from "../layout/laid.ts";
import type { Layout } from "../layout/layout.ts";
import { bestFirst, pack } from "../layout/pack.ts";
import { leave, leavingOf } from "../search/leave.ts";
import { type Reasons, repair } from "../search/repair.ts";
import type { Cluster } from "../terms/cluster.ts";
import type { Planner, StackPolicy } from "../terms/policy.ts";
import type { OwnReason } from "../terms/reason.ts";
import { defaultSettings, dimensions, type PolicySettings } from "../terms/settings.ts";
import { type Arrange, plannerOf } from "./propose.ts";

/**
 * Empties as many hosts as can be, so that they may be switched off: the others hold all guests within limits and rules, and one of them
 * may still be lost, if that is wished. A host is only emptied if what that saves is worth what is moved.
 */
export const consolidate = (settings: Partial<PolicySettings> = {}): Planner =>
  plannerOf(arrange, { ...defaultSettings, ...settings });

export const consolidatePolicy: StackPolicy = {
  does: "empties hosts, as long as the others hold all guests",
  planner: consolidate,
  hasMoveLimits: false,
  emptiesHosts: true,
};

/** Why a guest leaves a host that is to be without any. */
export const emptied = (host: string): OwnReason => ({ kind: "emptied", host, says: `${host} is emptied` });

const arrange: Arrange = (layout, cluster, settings, reasons) => {
  const cover = cluster.spare === 1 ? new Cover(layout) : undefined;
  if (leavingOf(layout).length > 0) {
    const problems = leave(layout, { cover, mayMakeRoom: true }, reasons);
    return problems.length > 0 ? problems : faultsOf(layout);
  }
  repair(layout, cover, reasons);
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
    const emptied = emptyAll(layout, worth, settings, cover, wattsOf);
    const savedWatts = emptied.reduce((sum, host) => sum + wattsOf(host), 0);
    return {
      places: layout.places(),
      net: savedWatts - priceOf(layout.guests, settings),
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

const priceOf = (guests: readonly LaidGuest[], { savingPerGiB }: PolicySettings): number =>
  guests.reduce((sum, { host, home, needs }) => sum + (host === home ? 0 : needs.memory), 0) *
  (savingPerGiB / 1024);

/** Empties hosts, the one first whose turn it is by its worth. What is empty takes no guests, and none of a host that is lost. */
function emptyAll(
  layout: Layout,
  worth: (host: LaidHost) => number,
  settings: PolicySettings,
  cover: Cover | undefined,
  wattsOf: (host: LaidHost) => number,
): readonly LaidHost[] {
  const closed = layout.open.filter(({ guests }) => guests.size === 0);
  for (const host of closed) layout.admit(host, false);
  const waiting = new Set(layout.open.filter(({ mayReceive }) => mayReceive));
  const emptied: LaidHost[] = [];
  const covered = cover?.uncoveredMiB() ?? 0;
  while (layout.open.length - closed.length > Math.max(1, settings.keepOn)) {
    const [host] = bestFirst([...waiting], worth);
    if (host === undefined) break;
    waiting.delete(host);
    const leaving = largestFirst(host.guests);
    const price = priceOf(leaving, settings);
    if (!moveOff(layout, host, leaving, settings)) continue;
    layout.admit(host, false);
    const isEmpty =
      layout.movedCount <= (settings.maxMoves ?? Number.POSITIVE_INFINITY) &&
      wattsOf(host) >= priceOf(leaving, settings) - price &&
      (cover?.uncoveredMiB() ?? 0) <= covered;
    if (isEmpty) {
      closed.push(host);
      emptied.push(host);
    } else {
      for (const guest of leaving) layout.move(guest, host);
      layout.admit(host, true);
    }
  }
  for (const host of closed) layout.admit(host, true);
  return emptied;
}

/** Each guest to where its shape fits best, so that little of any one thing is left over. */
function moveOff(
  layout: Layout,
  host: LaidHost,
  leaving: readonly LaidGuest[],
  { loadError }: PolicySettings,
): boolean {
  if (leaving.some(({ isFixed }) => isFixed)) return false;
  // Loads that go up as far as they may be off are not to bring a host over its limit.
  const mayTake = (guest: LaidGuest, to: LaidHost) =>
    to !== host &&
    layout.fits(guest, to) &&
    (to.used.cpu + guest.needs.cpu) * (1 + loadError) <= to.limit.cpu;
  return pack(
    leaving,
    {
      *bins(guest) {
        const fitting = layout.open.filter((to) => mayTake(guest, to));
        for (const to of bestFirst(fitting, (to) => -leftOver(guest, to))) yield to;
      },
      put: (guest, to) => layout.move(guest, to),
      take: (guest) => layout.move(guest, host),
    },
    1000,
  );
}

/** What a host would have left of all, as squares of shares, if the guest came. */
function leftOver({ needs }: LaidGuest, { used, limit }: LaidHost): number {
  let sum = 0;
  for (const name of dimensions)
    if (Number.isFinite(limit[name])) sum += (1 - (used[name] + needs[name]) / limit[name]) ** 2;
  return sum;
}

function explain(layout: Layout, places: readonly LaidHost[], reasons: Reasons): void {
  for (const guest of layout.moved) {
    const from = places[guest.index];
    if (from !== undefined && from !== guest.host) reasons.set(guest, emptied(from.name));
  }
}
