/** How items go into bins. */
interface Packing<Item, Bin> {
  /** Those it fits in for now, best first. */
  bins(item: Item): Iterable<Bin>;
  put(item: Item, bin: Bin): void;
  take(item: Item, bin: Bin): void;
}

/**
 * Puts all items into bins, or none: each in turn where it is best, and elsewhere if one that follows finds no room then. Give large items
 * first.
 *
 * @param tries how many times an item is put somewhere before it is said that there is no way: by default all ways, for some eight guests
 *   on three hosts
 */
export function pack<Item, Bin>(
  items: readonly Item[],
  { bins, put, take }: Packing<Item, Bin>,
  tries = 10_000,
): boolean {
  let left = tries;
  const from = (index: number): boolean => {
    const item = items[index];
    if (item === undefined) return true;
    for (const bin of bins(item)) {
      if (left-- <= 0) return false;
      put(item, bin);
      if (from(index + 1)) return true;
      take(item, bin);
    }
    return false;
  };
  return from(0);
}

/**
 * The values from the best one on, of equals the first. The next one is only looked for when it is asked for: mostly the first will do, which
 * costs less than to sort them all.
 */
export function* bestFirst<T>(values: readonly T[], worthOf: (value: T) => number): Generator<T> {
  const left = values.map((value) => ({ value, worth: worthOf(value) }));
  while (left.length > 0) {
    const best = left.reduce(
      (found, { worth }, index) => (worth > (left[found]?.worth ?? 0) ? index : found),
      0,
    );
    for (const { value } of left.splice(best, 1)) yield value;
  }
}
