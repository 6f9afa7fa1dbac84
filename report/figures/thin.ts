/** How many points a figure shows at most: more cover each other, and make a page that scrolls badly. */
const mostPoints = 500;

/**
 * Leaves out points of groups that are too large to be shown whole: of each group the least and the greatest stay, and as many in between as
 * its part of the whole allows, at even ranks, so that what is left is spread as before. The same points for the same data.
 */
export function thinned<T>(
  groups: readonly (readonly T[])[],
  of: (one: T) => number,
  most = mostPoints,
): T[][] {
  const all = groups.reduce((sum, { length }) => sum + length, 0);
  if (all <= most) return groups.map((group) => [...group]);
  return groups.map((group) => {
    const share = Math.max(2, Math.floor((group.length / all) * most));
    if (group.length <= share) return [...group];
    const sorted = group.toSorted((a, b) => of(a) - of(b));
    return Array.from(
      { length: share },
      (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (share - 1))] as T,
    );
  });
}

/** For the caption; empty: nothing was left out. */
export const thinningNote = (shown: number, all: number): string[] =>
  shown === all
    ? []
    : [
        `Of ${all} points ${shown} are drawn: of each cell the least, the greatest, and some at even ranks in between. Medians and intervals are of all.`,
      ];
