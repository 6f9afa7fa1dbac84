import { aroundMethods } from "./methods.ts";

/** Bugs of the program: those who fix them want to know where they are. */
const faults = [TypeError, ReferenceError, RangeError, SyntaxError];

/**
 * The same resource, whose errors are their message alone. @pulumi/pulumi's dynamic provider prints the stack of whatever is thrown, and
 * a refusal, or a host that does not answer, would drown in it.
 */
export const withPlainErrors = <T extends object>(resource: T): T =>
  aroundMethods(resource, async (method, args) => {
    try {
      return await method(...args);
    } catch (error) {
      if (error instanceof Error && !faults.some((fault) => error instanceof fault)) error.stack = "";
      throw error;
    }
  });
