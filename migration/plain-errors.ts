/** Faults of the program: whoever mends them wants to know where they are. */
const faults = [TypeError, ReferenceError, RangeError, SyntaxError];

/**
 * The same resource, whose errors are their message alone. @pulumi/pulumi's dynamic provider prints the stack of whatever is thrown, and
 * a refusal, or a host that does not answer, would drown in it.
 */
export function withPlainErrors<T extends object>(resource: T): T {
  const methods = Object.entries(resource).map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await method(...args);
      } catch (error) {
        if (error instanceof Error && !faults.some((fault) => error instanceof fault)) error.stack = "";
        throw error;
      }
    },
  ]);
  return Object.fromEntries(methods) as T;
}
