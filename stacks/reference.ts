import * as z from "zod";
import { stackSchema } from "./config.ts";
import { namespace } from "./mistake.ts";
import type { JsonSchema } from "./schema.ts";
import { inFlow } from "./words.ts";

/** docs/config.md's reference: a table of keys for each section of a stack's config, from the schema's own words. */
export function configReference(): string {
  const { properties = {}, required = [] } = z.toJSONSchema(stackSchema, { io: "input" });
  return Object.entries(properties as { [key: string]: JsonSchema })
    .map(([key, schema]) => section(key, schema, required.includes(key)))
    .join("\n\n");
}

function section(key: string, schema: JsonSchema, isRequired: boolean): string {
  const said = `${sentence(schema.description)}${isRequired ? " It must be there." : ""}`;
  const rows = keysIn(schema, schema.type === "array" ? "[]." : "");
  return [
    `## ${namespace}:${key}`,
    said,
    ...(rows.length > 0 ? [table(["key", "what", "values", "default"], rows)] : []),
  ].join("\n\n");
}

/** Columns in line, as the formatter wants them. */
function table(head: string[], rows: readonly string[][]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: string[], pad: string) =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, pad)).join(" | ")} |`;
  const [first = [], ...rest] = lines;
  return [line(first, " "), line([], "-"), ...rest.map((cells) => line(cells, " "))].join("\n");
}

function keysIn(schema: JsonSchema, prefix: string): string[][] {
  const { properties = {}, required = [] } = schema.type === "array" ? (schema.items as JsonSchema) : schema;
  const own = Object.entries(properties as { [key: string]: JsonSchema }).flatMap(([key, inner]) => [
    [
      `\`${prefix}${key}\``,
      inner.description ?? "",
      valuesOf(inner),
      defaultOf(inner, required.includes(key)),
    ],
    ...("sameAs" in inner ? [] : keysIn(inner, `${prefix}${key}${inner.type === "array" ? "[]" : ""}.`)),
  ]);
  return [...own, ...kindsIn(schema, prefix)];
}

/** Of a group of several kinds: the key that says which, and each kind's other keys. */
function kindsIn({ oneOf = [] }: JsonSchema, prefix: string): string[][] {
  const kinds = (oneOf as JsonSchema[]).map(({ properties = {}, ...kind }) => {
    const all = Object.entries(properties as { [key: string]: JsonSchema });
    const [[key, { const: word }] = ["", {} as JsonSchema]] = all.filter(
      ([, inner]) => inner.const !== undefined,
    );
    const others = Object.fromEntries(all.filter(([other]) => other !== key));
    return { key, word: code(word), rows: keysIn({ ...kind, properties: others }, prefix) };
  });
  const [first] = kinds;
  if (first === undefined) return [];
  return [
    [`\`${prefix}${first.key}\``, "which kind", kinds.map(({ word }) => word).join(", "), mustBeThere],
    ...kinds.flatMap(({ word, rows }) =>
      rows.map(([key = "", what, ...rest]) => [key, `${word}: ${what}`, ...rest]),
    ),
  ];
}

function valuesOf({
  enum: words,
  type,
  minimum,
  maximum,
  exclusiveMinimum,
  examples,
  sameAs,
}: JsonSchema): string {
  if (words) return words.map(code).join(", ");
  if (sameAs !== undefined) return `the keys of ${sameAs}`;
  if (exclusiveMinimum !== undefined) return `more than ${exclusiveMinimum}`;
  if (type === "integer") return `${minimum} to ${maximum}`;
  return Array.isArray(examples) ? `such as ${code(examples[0])}` : "";
}

const mustBeThere = "it must be there";

function defaultOf({ default: value, otherwise, type }: JsonSchema, isRequired: boolean): string {
  if (isRequired) return mustBeThere;
  if (typeof otherwise === "string") return otherwise;
  // A group's default is made of its keys' defaults, which have lines of their own.
  return value === undefined || type === "object" ? "" : code(value);
}

function code(value: unknown): string {
  return `\`${inFlow(value)}\``;
}

function sentence(text = ""): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
