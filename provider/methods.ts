/** The same resource, with each call of its methods run by `around`. */
export function aroundMethods<T extends object>(
  resource: T,
  around: (call: () => Promise<unknown>) => Promise<unknown>,
): T {
  const methods = Object.entries(resource).map(([name, method]) => [
    name,
    (...args: unknown[]) => around(async () => method(...args)),
  ]);
  return Object.fromEntries(methods) as T;
}
