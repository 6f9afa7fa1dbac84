import type * as z from "zod";
import { type StackConfig, stackSchema } from "../config.ts";
import { child, explain } from "../explain.ts";
import { type Mistake, pathText, StackConfigError } from "../mistake.ts";
import type { Draft } from "./draft.ts";
import { brokenRules } from "./rules.ts";

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
  const mistakes = [
    ...explain(stackSchema, issues, raw, pathText),
    ...(draft === undefined ? [] : brokenRules(draft, stack)),
  ];
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
