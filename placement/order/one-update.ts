import type { Proposal, ProposedStep } from "../terms/policy.ts";
import type { LeftOut } from "../terms/reason.ts";

/**
 * What of a proposal one update can do, in which each guest moves once: one that goes round by a third host gets there, and what waits for
 * the rest of its way is left for the next update. `after` of the standing is what it all comes to.
 */
export function oneUpdate(proposal: Proposal): Proposal {
  const { moves } = proposal;
  const later = new Set<number>();
  const left: LeftOut[] = [];
  for (const [at, move] of moves.entries()) {
    const first = moves.slice(0, at).find((other) => other.guest === move.guest);
    const awaited = move.after.find((before) => later.has(before));
    if (first === undefined && awaited === undefined) continue;
    later.add(at);
    left.push(
      first === undefined
        ? { kind: "waits", guest: move.guest, for: moves[awaited as number]?.guest ?? "", to: move.to }
        : { kind: "goes-on", guest: move.guest, host: first.to, to: move.to },
    );
  }
  if (later.size === 0) return proposal;
  const indices = [...moves.keys()].filter((at) => !later.has(at));
  const kept = indices.map((at): ProposedStep => {
    const move = moves[at] as ProposedStep;
    return { ...move, after: move.after.map((before) => indices.indexOf(before)) };
  });
  const homes = new Map(moves.toReversed().map(({ guest, from }) => [guest, from]));
  const places = Object.entries(proposal.places).map(([guest, place]) => {
    const move = kept.find((one) => one.guest === guest);
    const home = homes.get(guest);
    if (home === undefined) return [guest, place] as const;
    return [guest, move ? { host: move.to, reason: move.reason } : { host: home }] as const;
  });
  return { ...proposal, places: Object.fromEntries(places), moves: kept, left: [...proposal.left, ...left] };
}
