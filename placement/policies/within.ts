import type { Cluster } from "../terms/cluster.ts";
import type { Impossible, Planner, Proposal } from "../terms/policy.ts";
import type { PolicySettings } from "../terms/settings.ts";

/** Parts of the usual price that moves are tried with: for nothing, then dearer and dearer until there are no more than may be. */
const prices = [0, 2, 4, 8, 16];

/**
 * Makes the most of few moves. With moves of the usual price, those that gain most use up what may be moved, though several others may gain
 * more together. The dearer moves are, the more each has to gain for its price: the plan of several prices that evens out most is taken.
 */
export function withinLimits(
  plannerOf: (settings: PolicySettings) => Planner,
  settings: PolicySettings,
): Planner {
  const { maxMoves = Number.POSITIVE_INFINITY, maxMiB = Number.POSITIVE_INFINITY, minGain } = settings;
  return (cluster) => {
    const memory = new Map(cluster.guests.map(({ name, memoryMiB }) => [name, memoryMiB]));
    const leastMiB = Math.min(...memory.values());
    /** Whether one guest more would be too much. */
    const isUsedUp = (answer: Proposal | Impossible): answer is Proposal => {
      if (!answer.isFeasible) return false;
      const guests = new Set(answer.moves.map(({ guest }) => guest));
      const movedMiB = [...guests].reduce((sum, name) => sum + (memory.get(name) ?? 0), 0);
      return guests.size >= maxMoves || movedMiB + leastMiB > maxMiB;
    };
    const first = plannerOf(settings)(cluster);
    if (!isUsedUp(first) || first.moves.length === 0) return first;
    let best = first;
    for (const factor of prices) {
      const next = plannerOf({ ...settings, minGain: factor * minGain })(cluster);
      if (next.isFeasible && isBetter(next, best, cluster)) best = next;
      if (factor > 1 && !isUsedUp(next)) break;
    }
    return best;
  };
}

/** What must be, must be as well, and more even. */
function isBetter({ after: one }: Proposal, { after: other }: Proposal, { spare }: Cluster): boolean {
  const faults = ["overMemoryMiB", "brokenFirm", "overLimits", "brokenSoft"] as const;
  return (
    faults.every((fault) => one[fault] <= other[fault]) &&
    (spare !== 1 || one.uncovered.length <= other.uncovered.length) &&
    one.imbalance < other.imbalance
  );
}
