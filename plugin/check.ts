import type { CheckFailure } from "@pulumi/pulumi/provider/index.js";
import type * as z from "zod";
import { hasUnknown } from "../provider/unknown.ts";
import { child, explain } from "../stacks/explain.ts";

/** All that is wrong in a resource's inputs. What is not known yet, in a preview, is taken to be right. */
export function failuresOf(schema: z.ZodType, inputs: unknown): CheckFailure[] {
  const issues = schema.safeParse(inputs, { reportInput: true }).error?.issues ?? [];
  const known = issues.filter(({ path }) => !isUnknownAt(inputs, path));
  return explain(schema, known, inputs, propertyPath).map(({ path, problem, fix }) => ({
    property: path,
    reason: `${problem}; ${fix}`,
  }));
}

const isUnknownAt = (value: unknown, [key, ...rest]: readonly PropertyKey[]): boolean => {
  if (typeof value === "string" || key === undefined) return hasUnknown(value);
  return isUnknownAt(child(value, key), rest);
};

const propertyPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (before, key) =>
      typeof key === "number" ? `${before}[${key}]` : before ? `${before}.${String(key)}` : String(key),
    "",
  );
