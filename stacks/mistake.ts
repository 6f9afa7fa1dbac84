/** One thing that is wrong in a stack's config. */
export interface Mistake {
  /** Where, as one would write it for `pulumi config set --path`: `testbed:guests[0].mac`. */
  path: string;
  /** What is wrong there. */
  problem: string;
  /** What would be right. */
  fix: string;
}

export function mistake(path: readonly PropertyKey[], problem: string, fix: string): Mistake {
  return { path: pathText(path), problem, fix };
}

/** All that is wrong in a stack's config; the message is meant for a terminal. */
export class StackConfigError extends Error {
  override readonly name = "StackConfigError";
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
    const lines = mistakes.map(({ path, problem, fix }) => `  ${path}: ${problem}; ${fix}`);
    super([`The stack's config has ${count}; nothing was touched:`, ...lines].join("\n"));
    this.mistakes = mistakes;
  }
}

export const namespace = "testbed";

/** For those who give a config as plain data: there `testbed:guests[0].mac` is `guests[0].mac`. */
export const withoutNamespace = (text: string): string =>
  text.replaceAll(new RegExp(`\\b${namespace}:(?=\\w)`, "g"), "");

/** `["guests", 0, "mac"]` is `testbed:guests[0].mac`. */
export function pathText(path: readonly PropertyKey[]): string {
  const [top, ...rest] = path;
  if (top === undefined) return namespace;
  const tail = rest.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return `${namespace}:${String(top)}${tail.join("")}`;
}
