import { distance } from "fastest-levenshtein";

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
