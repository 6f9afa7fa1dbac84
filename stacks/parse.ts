import * as z from "zod";
import { crossCheck, type Draft } from "./checks.ts";
import { type StackConfig, stackSchema } from "./config.ts";
import { didYouMean, list, type Mistake, pathText, StackConfigError } from "./mistake.ts";

/**
 * Checks a stack's config and fills in its defaults.
 *
 * @param raw the values under the namespace `testbed`, by their keys, without the namespace
 * @param stack the stack's name; default MAC addresses are made from it
 * @throws StackConfigError with every mistake there is, not only the first
 */
export function parseStackConfig(raw: unknown, stack: string): StackConfig {
  const { success, data, error } = stackSchema.safeParse(raw, { reportInput: true });
  const issues = error?.issues ?? [];
  const draft = withoutFaults(raw, issues);
  const mistakes = [...issues.flatMap(toMistakes), ...(draft === undefined ? [] : crossCheck(draft, stack))];
  if (mistakes.length > 0) throw new StackConfigError(mistakes.sort(bySection));
  if (!success) throw error;
  return data;
}

/** In the order of the schema's sections, unknown ones first: a mistake is found near others of its place. */
function bySection(one: Mistake, other: Mistake): number {
  const sections = Object.keys(stackSchema.shape).map((key) => pathText([key]));
  const place = ({ path }: Mistake) => sections.indexOf(path.split(/[.[]/)[0] ?? "");
  return place(one) - place(other);
}

/**
 * What the rules between keys can look at: the config with `undefined` for every value that the schema refuses.
 * Nothing is left when it is no config at all.
 */
function withoutFaults(raw: unknown, issues: readonly z.core.$ZodIssue[]): Draft | undefined {
  const root = { draft: structuredClone(raw) };
  for (const issue of issues) {
    const path = ["draft", ...issue.path];
    const faults = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
    // A list that is too short has sound entries, and a name that does not fit is still what placement refers to.
    if (Array.isArray(issue.input) && issue.code === "too_small") continue;
    if (typeof issue.input === "string" && issue.path.at(-1) === "name") continue;
    for (const fault of faults) remove(root, fault);
  }
  return root.draft as Draft | undefined;
}

function remove(root: object, path: readonly PropertyKey[]): void {
  const parent: unknown = path.slice(0, -1).reduce<unknown>(child, root);
  const last = path[path.length - 1];
  // In a list a hole stays, so that the entries behind it keep their index.
  if (typeof parent === "object" && parent !== null && last !== undefined)
    Reflect.set(parent, last, undefined);
}

function child(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function toMistakes(issue: z.core.$ZodIssue): Mistake[] {
  const at = schemaAt(stackSchema, issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(at);
    return issue.keys.map((key) => ({
      path: pathText([...issue.path, key]),
      problem: "there is no such key",
      mend: `keys here are ${list(known)}${didYouMean(key, known)}`,
    }));
  }
  return [{ path: pathText(issue.path), problem: problemOf(issue, at), mend: mendOf(issue, at) }];
}

function problemOf(issue: z.core.$ZodIssue, at: z.ZodType): string {
  const { input } = issue;
  const value = metaOf(at).secret === true ? "this secret" : show(input);
  if (input === undefined) return "is missing";
  if (input === null) return "is empty";
  switch (issue.code) {
    case "invalid_type":
      return `${value} is not ${withArticle(issue.expected)}`;
    case "too_small":
    case "too_big": {
      const bound = issue.code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      if (issue.origin === "string")
        return `${value} is too ${issue.code === "too_small" ? "short" : "long"}`;
      return Array.isArray(input)
        ? `it has ${input.length}, where ${bound} are needed`
        : `${value} is out of range, ${bound}`;
    }
    default:
      return `${value} does not fit`;
  }
}

function mendOf(issue: z.core.$ZodIssue, at: z.ZodType): string {
  const { description, examples } = metaOf(at);
  const orNot = issue.input === null && at.isOptional() ? ", or leave the key out" : "";
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    return `give ${list(values, "or")}${didYouMean(String(issue.input), values)}${orNot}`;
  }
  // YAML takes 12345678 for a number, whatever is meant.
  const quotes =
    issue.code === "invalid_type" && issue.expected === "string" && typeof issue.input === "number"
      ? ", in quotes"
      : "";
  const example = Array.isArray(examples) ? `, such as ${plain(examples[0])}` : "";
  return `give ${description ?? "another value"}${quotes}${example}${orNot}`;
}

function show(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a group of keys" : String(value);
}

function plain(value: unknown): string {
  return typeof value === "object"
    ? JSON.stringify(value).replaceAll('"', "").replaceAll(":", ": ")
    : String(value);
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

/** The schema of what a path leads to; the innermost that is known when the path leads out of it. */
function schemaAt(root: z.ZodType, path: readonly PropertyKey[]): z.ZodType {
  return path.reduce<z.ZodType>((schema, key) => {
    const inner = unwrapped(schema);
    if (inner instanceof z.ZodObject) return (inner.shape[key as string] as z.ZodType | undefined) ?? inner;
    if (inner instanceof z.ZodArray) return inner.element as z.ZodType;
    if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
    return inner;
  }, root);
}

function keysOf(schema: z.ZodType): string[] {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function unwrapped(schema: z.ZodType): z.ZodType {
  const inner = innerOf(schema);
  return inner ? unwrapped(inner) : schema;
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
