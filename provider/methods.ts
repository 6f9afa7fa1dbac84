type Method = (...args: unknown[]) => Promise<unknown>;

/** The same resource, with each call of its methods run by `around`, which may give other arguments, and return something else. */
export function aroundMethods<T extends object>(
  resource: T,
  around: (method: Method, args: unknown[]) => Promise<unknown>,
): T {
  const methods = Object.entries(resource).map(([name, method]) => [
    name,
    (...args: unknown[]) => around(async (...given) => method(...given), args),
  ]);
  return Object.fromEntries(methods) as T;
}
