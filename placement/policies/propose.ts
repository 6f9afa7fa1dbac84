import { checkCluster } from "../layout/check.ts";
import { Cover } from "../layout/cover.ts";
import type { LaidGuest, LaidHost } from "../layout/laid.ts";
import { Layout } from "../layout/layout.ts";
import { type Sequence, sequence } from "../order/sequence.ts";
import type { Reasons } from "../search/repair.ts";
import type { Cluster } from "../terms/cluster.ts";
import type { Impossible, Place, Planner, Proposal, ProposedStep } from "../terms/policy.ts";
import type { LeftOut, PlacementProblem, Reason } from "../terms/reason.ts";
import type { PolicySettings } from "../terms/settings.ts";
import type { Amounts, Standing } from "../terms/standing.ts";

/** Moves guests in a layout to where a policy wants them, and says why; or says why that can't be. */
export type Arrange = (
  layout: Layout,
  cluster: Cluster,
  settings: PolicySettings,
  reasons: Reasons,
) => readonly PlacementProblem[];

/** So often a policy looks at what it came to itself, until it has no more wishes. */
const mostRounds = 8;

/**
 * Makes a planner of what arranges a layout: it does so until that changes nothing any more, so that the next time moves nothing, then
 * finds an order of the moves. Guests that no order can move stay, and the others are arranged around them.
 */
export function plannerOf(arrange: Arrange, settings: PolicySettings): Planner {
  return (cluster) => {
    const problems = checkCluster(cluster);
    if (problems.length > 0) return { isFeasible: false, problems };
    const held = new Set<string>();
    const left: LeftOut[] = [];
    for (;;) {
      const settled = settle(arrange, cluster, settings, held);
      if ("isFeasible" in settled) return settled;
      const layout = new Layout(cluster, settings);
      const cover = new Cover(layout);
      const before = standingOf(layout, cover);
      const places = layout.guests.map(({ name, home }) => layout.host(settled.hosts.get(name) ?? home.name));
      const order = sequence(layout, places, cover);
      if (order.stuck.length === 0) {
        const done = carriedOut(layout, settled, order);
        const after = standingOf(layout, new Cover(layout));
        return { isFeasible: true, ...done, left: [...left, ...slow(cluster, settled)], before, after };
      }
      const mustLeave = order.stuck.filter(({ guest }) => !guest.home.isOpen);
      if (mustLeave.length > 0)
        return {
          isFeasible: false,
          problems: mustLeave.map(({ guest, to }) => ({
            kind: "no-way",
            guest: guest.name,
            from: guest.home.name,
            to: to.name,
          })),
        };
      for (const { guest, to, leftMiB } of order.stuck) {
        held.add(guest.name);
        const { memory: memoryMiB } = guest.needs;
        left.push({
          kind: "no-way",
          guest: guest.name,
          host: guest.home.name,
          to: to.name,
          memoryMiB,
          leftMiB,
        });
      }
    }
  };
}

interface Settled {
  /** By guest. */
  hosts: ReadonlyMap<string, string>;
  reasons: ReadonlyMap<string, Reason>;
}

function settle(
  arrange: Arrange,
  cluster: Cluster,
  settings: PolicySettings,
  held: ReadonlySet<string>,
): Settled | Impossible {
  let hosts = new Map(cluster.guests.map(({ name, host }) => [name, host]));
  const homes = new Map(hosts);
  const reasons = new Map<string, Reason>();
  const drained = new Set(cluster.hosts.filter(({ isDrained }) => isDrained).map(({ name }) => name));
  const isLeaving = cluster.guests.some(({ host }) => drained.has(host));
  for (let round = 0; round < mostRounds; round++) {
    const guests = cluster.guests.map((guest) => ({ ...guest, host: hosts.get(guest.name) ?? guest.host }));
    const layout = new Layout({ ...cluster, guests }, settings);
    for (const guest of layout.guests) if (held.has(guest.name) && guest.host.isOpen) guest.isFixed = true;
    const why: Reasons = new Map();
    const problems = arrange(layout, { ...cluster, guests }, settings, why);
    if (problems.length > 0) {
      if (round === 0) return { isFeasible: false, problems };
      break;
    }
    if (layout.moved.length === 0) break;
    const next = new Map(layout.guests.map(({ name, host }) => [name, host.name]));
    const moved = layout.guests.filter(({ name, host }) => homes.get(name) !== host.name);
    const movedMiB = moved.reduce((sum, { needs }) => sum + needs.memory, 0);
    const { maxMoves = Number.POSITIVE_INFINITY, maxMiB = Number.POSITIVE_INFINITY } = settings;
    // The first round keeps the limits itself, but for what must be.
    if (round > 0 && (moved.length > maxMoves || movedMiB > maxMiB)) break;
    for (const guest of layout.moved) {
      const reason = why.get(guest) ?? { kind: "balanced", host: guest.home.name };
      // Why it left home, not why it went on from where it would have been.
      if (!reasons.has(guest.name) || homes.get(guest.name) === guest.home.name)
        reasons.set(guest.name, reason);
    }
    hosts = next;
    // Guests of drained hosts leave, and the others stay as they are: they may be seen to the next time.
    if (isLeaving) break;
  }
  return { hosts, reasons };
}

/** Makes the moves, and says why and what for. */
function carriedOut(
  layout: Layout,
  { hosts, reasons }: Settled,
  order: Sequence,
): Pick<Proposal, "places" | "moves"> {
  const reasonOf = ({ name, home }: LaidGuest): Reason =>
    reasons.get(name) ?? { kind: "balanced", host: home.name };
  const moves = order.moves.map(({ guest, from, to, after, isDetour }): ProposedStep => {
    const [one, other, imbalance] = [sharesOf(from), sharesOf(to), layout.imbalance];
    layout.move(guest, to);
    return {
      guest: guest.name,
      from: from.name,
      to: to.name,
      reason: reasonOf(guest),
      after,
      isDetour,
      gain: {
        imbalance: { before: imbalance, after: layout.imbalance },
        from: { before: one, after: sharesOf(from) },
        to: { before: other, after: sharesOf(to) },
      },
    };
  });
  const places = layout.guests.map((guest): [string, Place] => {
    const host = hosts.get(guest.name) ?? guest.home.name;
    return [guest.name, host === guest.home.name ? { host } : { host, reason: reasonOf(guest) }];
  });
  return { places: Object.fromEntries(places), moves };
}

/** Guests that stay since their moves would not come to an end. */
const slow = ({ guests }: Cluster, { hosts }: Settled): readonly LeftOut[] =>
  guests.flatMap(({ name, host, isPinned, move }): LeftOut[] =>
    !isPinned && move?.converges === false && hosts.get(name) === host
      ? [{ kind: "would-not-converge", guest: name }]
      : [],
  );

function standingOf(layout: Layout, cover: Cover): Standing {
  const [overMemoryMiB, brokenFirm, overLimits, brokenSoft] = layout.faults;
  return {
    imbalance: layout.imbalance,
    overMemoryMiB,
    brokenFirm,
    overLimits,
    brokenSoft,
    uncovered: cover.uncovered(),
    hosts: Object.fromEntries(layout.hosts.map((host) => [host.name, sharesOf(host)])),
  };
}

const sharesOf = ({ used, size }: LaidHost): Amounts => ({
  memory: used.memory / size.memory,
  vcpus: used.vcpus / size.vcpus,
  cpu: used.cpu / size.cpu,
});
