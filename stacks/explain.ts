import { isIP } from "node:net";
import * as z from "zod";
import type { Mistake } from "./mistake.ts";
import { didYouMean, inFlow, list } from "./words.ts";

/**
 * What a schema refuses, in words that say what would be right: from the schema's own descriptions, examples and words to choose from.
 *
 * @param raw what was parsed, with `reportInput`
 * @param nameOf how a path is written for the person who fixes it
 */
export const explain = (
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
  raw: unknown,
  nameOf: (path: readonly PropertyKey[]) => string,
): Mistake[] => issues.flatMap((issue) => toMistakes(schema, issue, raw, nameOf));

export function child(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function toMistakes(
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  raw: unknown,
  nameOf: (path: readonly PropertyKey[]) => string,
): Mistake[] {
  const at = schemaAt(schema, issue.path, raw);
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(groupOf(at, issue.input));
    return issue.keys.map((key) => ({
      path: nameOf([...issue.path, key]),
      problem: "there is no such key",
      fix: `keys here are ${list(known)}${didYouMean(key, known)}`,
    }));
  }
  const input = issue.path.reduce(child, raw);
  return [{ path: nameOf(issue.path), problem: problemOf(issue, input, at), fix: fixOf(issue, input, at) }];
}

function problemOf(issue: z.core.$ZodIssue, input: unknown, at: z.ZodType): string {
  if (input === undefined) return "is missing";
  if (input === null) return "is empty";
  const value = metaOf(at).secret === true ? "this secret" : show(input);
  switch (issue.code) {
    case "invalid_type":
      return `${value} is not ${withArticle(issue.expected)}`;
    case "too_small":
      if (Array.isArray(input)) return `it has ${input.length}, where at least ${issue.minimum} are needed`;
      return `${value} is out of range, ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `${value} is too long`;
      return `${value} is out of range, at most ${issue.maximum}`;
    default:
      return isIpv6(input)
        ? `${value} is an IPv6 address, which cannot be used here`
        : `${value} does not fit`;
  }
}

/** Also in brackets, with a zone or with a prefix. */
const isIpv6 = (input: unknown): boolean =>
  typeof input === "string" && isIP(/^\[?([^\]/]*)\]?(?:[/:]\d+)?$/.exec(input)?.[1] ?? "") === 6;

function fixOf(issue: z.core.$ZodIssue, input: unknown, at: z.ZodType): string {
  const { description, examples } = metaOf(at);
  const orNot = input === null && at.isOptional() ? ", or leave the key out" : "";
  const words = wordsOf(issue);
  if (words) {
    const meant = typeof input === "string" ? didYouMean(input, words) : "";
    return `give ${list(words, "or")}${meant}${orNot}`;
  }
  // YAML takes 12345678 for a number, whatever is meant.
  const isBareNumber =
    issue.code === "invalid_type" && issue.expected === "string" && typeof input === "number";
  const only = isIpv6(input) ? " (IPv4: hosts and guests do not use IPv6 here)" : "";
  const example = Array.isArray(examples) ? `, such as ${inFlow(examples[0])}` : "";
  return `give ${description ?? "another value"}${only}${isBareNumber ? ", in quotes" : ""}${example}${orNot}`;
}

/** The words of which one is expected. */
function wordsOf(issue: z.core.$ZodIssue): string[] | undefined {
  if (issue.code === "invalid_value") return issue.values.map(String);
  return "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : undefined;
}

function show(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a group of keys" : String(value);
}

function withArticle(expected: string): string {
  const words: { [type: string]: string } = {
    object: "a group of keys",
    record: "a group of keys",
    array: "a list",
    string: "a text",
    int: "a whole number",
    boolean: "true or false",
  };
  return words[expected] ?? `a ${expected}`;
}

/** The schema of what a path in a value leads to; the last that is known when the path leads out of the schema. */
function schemaAt(schema: z.ZodType, [key, ...rest]: readonly PropertyKey[], value: unknown): z.ZodType {
  if (key === undefined) return schema;
  return schemaAt(innerSchema(groupOf(schema, value), key), rest, child(value, key));
}

function innerSchema(group: z.ZodType, key: PropertyKey): z.ZodType {
  if (group instanceof z.ZodObject) return (group.shape[key as string] as z.ZodType | undefined) ?? group;
  if (group instanceof z.ZodArray) return group.element as z.ZodType;
  if (group instanceof z.ZodRecord) return group.valueType as z.ZodType;
  return group;
}

/** What holds the keys: without wrappers, and of several kinds of group the one that the value says it is. */
function groupOf(schema: z.ZodType, value: unknown): z.ZodType {
  const inner = innerOf(schema);
  if (inner) return groupOf(inner, value);
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const { discriminator } = schema.def;
  const kind = schema.options.find(
    (option) =>
      option instanceof z.ZodObject &&
      z.safeParse(option.shape[discriminator] as z.ZodType, child(value, discriminator)).success,
  );
  return (kind ?? schema) as z.ZodType;
}

function keysOf(group: z.ZodType): string[] {
  return group instanceof z.ZodObject ? Object.keys(group.shape) : [];
}

/** What is inside an optional, a default or a prefault. */
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? (schema.unwrap() as z.ZodType)
    : undefined;
}

/** Description, examples and marks, wherever between the wrappers they were given. */
function metaOf(schema: z.ZodType): { [key: string]: unknown } {
  const inner = innerOf(schema);
  return { ...(inner ? metaOf(inner) : {}), ...schema.meta() };
}
