/** How a guest writes to its memory. */
export interface Writing {
  /** How fast it gets pages dirty that were clean, in MiB/s, when all are clean. */
  dirtyMiBps: number;
  /** The memory that it writes to again and again: no more of it can be dirty at a time. */
  workingSetMiB: number;
  /** Round and round through it: no page twice before every other one. Default: at random. */
  isCyclic?: boolean;
}

/**
 * What is dirty after a time, when nothing was at its beginning: W (1 - exp(-r t / W)), for writes that fall on the working set W at
 * random, at a rate r. At first all of them make a page dirty, later most find one that is dirty already. For those that go round and
 * round through it: r t, and W at most.
 */
export function dirtiedMiB({ dirtyMiBps, workingSetMiB, isCyclic }: Writing, ms: number): number {
  if (workingSetMiB <= 0) return 0;
  if (isCyclic) return Math.min(workingSetMiB, (dirtyMiBps * ms) / 1000);
  return -workingSetMiB * Math.expm1((-dirtyMiBps * ms) / 1000 / workingSetMiB);
}

/**
 * The working set by which a guest that writes at a rate gets so much dirty in a time: the inverse of `dirtiedMiB`.
 *
 * @param mostMiB what it is at most; also the answer when the guest wrote as if nothing was dirty twice
 */
export function workingSetOf(dirtyMiBps: number, ms: number, dirtyMiB: number, mostMiB: number): number {
  let [low, high] = [Math.min(dirtyMiB, mostMiB), mostMiB];
  if (dirtiedMiB({ dirtyMiBps, workingSetMiB: high }, ms) <= dirtyMiB) return high;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (dirtiedMiB({ dirtyMiBps, workingSetMiB: middle }, ms) < dirtyMiB) low = middle;
    else high = middle;
  }
  return high;
}
