import { distance } from "fastest-levenshtein";

/** One thing that is wrong in a stack's config. */
export interface Mistake {
  /** Where, as one would write it for `pulumi config set --path`: `testbed:guests[0].mac`. */
  path: string;
  /** What is wrong there. */
  problem: string;
  /** What would be right. */
  mend: string;
}

/** All that is wrong in a stack's config; the message is meant for a terminal. */
export class StackConfigError extends Error {
  override readonly name = "StackConfigError";
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
    const lines = mistakes.map(({ path, problem, mend }) => `  ${path}: ${problem}; ${mend}`);
    super([`The stack's config has ${count}; nothing was touched:`, ...lines].join("\n"));
    this.mistakes = mistakes;
  }
}

export const namespace = "testbed";

/** `["guests", 0, "mac"]` is `testbed:guests[0].mac`. */
export function pathText(path: readonly PropertyKey[]): string {
  const [top, ...rest] = path;
  if (top === undefined) return namespace;
  const tail = rest.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return `${namespace}:${String(top)}${tail.join("")}`;
}

/** ` (did you mean "host2"?)`, or nothing when no candidate is like the word, or several equally so. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const [near, next] = candidates
    .map((candidate) => ({ candidate, edits: distance(word, candidate) }))
    .sort((one, other) => one.edits - other.edits);
  // Two edits are two letters that changed places: "prot" for "port".
  const likeEnough = word.length < 4 ? 1 : Math.max(2, word.length / 3);
  if (near === undefined || near.edits > likeEnough || near.edits === next?.edits) return "";
  return ` (did you mean "${near.candidate}"?)`;
}

/** A value as one would write it into a stack file, on one line. */
export function inFlow(value: unknown): string {
  return typeof value === "object"
    ? JSON.stringify(value).replaceAll('"', "").replaceAll(/[:,]/g, "$& ")
    : String(value);
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[], last = "and"): string {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} ${last} ${words[words.length - 1]}`;
}
