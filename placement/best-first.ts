/**
 * The values from the best one on, of equals the first. The next one is only looked for when it is asked for: mostly the first will do, which
 * costs less than to sort them all.
 */
export function* bestFirst<T>(values: readonly T[], worthOf: (value: T) => number): Generator<T> {
  const worths = values.map(worthOf);
  for (let count = worths.length; count > 0; count--) {
    let best = -1;
    for (let index = 0; index < worths.length; index++)
      if (!Number.isNaN(worths[index]) && (best < 0 || (worths[index] as number) > (worths[best] as number)))
        best = index;
    yield values[best] as T;
    worths[best] = Number.NaN;
  }
}
