import * as z from "zod";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** A property in Pulumi's package schema. */
export interface PropertySpec {
  type?: string;
  description?: string;
  $ref?: string;
  items?: PropertySpec;
  additionalProperties?: PropertySpec;
  secret?: boolean;
}

export interface ObjectType {
  type: "object";
  description?: string;
  properties: Record<string, PropertySpec>;
  required: string[];
}

/** Turns zod schemas into the types of a Pulumi package: each object in them gets a name, after where it is. */
export class PulumiTypes {
  /** By their tokens. */
  readonly named: Record<string, ObjectType> = {};
  readonly #package: string;

  constructor(packageName: string) {
    this.#package = packageName;
  }

  /** An object's properties; those that are objects themselves are named after it. */
  objectOf(name: string, schema: z.ZodType): ObjectType {
    // `unrepresentable`: any JSON value is any of Pulumi's.
    return this.#object(
      name,
      z.toJSONSchema(schema, { io: "input", reused: "inline", unrepresentable: "any" }),
    );
  }

  #object(name: string, { description, properties = {}, required = [] }: JsonSchema): ObjectType {
    return {
      type: "object",
      ...(description !== undefined && { description: sentence(description) }),
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, schema]) => [
          key,
          this.#property(name + pascal(key), schema as JsonSchema),
        ]),
      ),
      required: [...required],
    };
  }

  #property(name: string, schema: JsonSchema): PropertySpec {
    const { description, otherwise, default: byDefault, secret } = schema;
    const words = (schema.enum ?? []).map(String);
    const fallback =
      otherwise ?? (byDefault !== undefined && typeof byDefault !== "object" ? byDefault : undefined);
    const parts = [
      description,
      ...(words.length > 0 && !words.every((word) => description?.includes(word)) ? [words.join(", ")] : []),
      ...(fallback !== undefined ? [`by default ${String(fallback)}`] : []),
    ].filter((part) => part !== undefined);
    return {
      ...this.#type(name, schema),
      ...(parts.length > 0 && { description: sentence(parts.join("; ")) }),
      ...(secret === true && { secret: true }),
    };
  }

  /** @param at where it is; what is in several places has a title, and that as its name */
  #type(at: string, schema: JsonSchema): PropertySpec {
    const name = schema.title ?? at;
    const choices = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
    if (choices) return this.#choice(name, choices);
    if (schema.const !== undefined) return { type: primitiveOf(schema.const) };
    if (schema.enum) return { type: primitiveOf(schema.enum[0]) };
    switch (schema.type) {
      case "array":
        return { type: "array", items: this.#type(singular(name), schema.items as JsonSchema) };
      case "object":
        if (schema.properties) return { $ref: this.#name(name, this.#object(name, schema)) };
        return {
          type: "object",
          additionalProperties: this.#type(singular(name), schema.additionalProperties as JsonSchema),
        };
      case "string":
      case "integer":
      case "number":
      case "boolean":
        return { type: schema.type };
      default:
        return { $ref: "pulumi.json#/Any" };
    }
  }

  /** Several kinds of text are a text. Several kinds of object are one with the properties of all; which belong together is checked later. */
  #choice(name: string, choices: readonly JsonSchema[]): PropertySpec {
    if (choices.every(({ properties }) => properties)) {
      const kinds = choices.map((choice) => {
        const [key = "", kind = ""] =
          Object.entries(choice.properties ?? {}).find(([, of]) => (of as JsonSchema).const !== undefined) ??
          [];
        return { key, kind: String((kind as JsonSchema).const), ...this.#object(name, choice) };
      });
      const discriminator = kinds[0]?.key ?? "";
      const properties: Record<string, PropertySpec> = {};
      for (const { kind, properties: own } of kinds)
        for (const [key, { description = "", ...of }] of Object.entries(own)) {
          const before = properties[key]?.description;
          properties[key] = {
            ...of,
            description: `${before ? `${before} ` : ""}${pascal(kind)}: ${description}`,
          };
        }
      properties[discriminator] = {
        type: "string",
        description: `Which kind: ${kinds.map(({ kind }) => kind).join(", ")}.`,
      };
      return {
        $ref: this.#name(name, {
          type: "object",
          properties,
          required: Object.keys(properties).filter((key) =>
            kinds.every(({ required }) => required.includes(key)),
          ),
        }),
      };
    }
    const types = choices.map((choice) => this.#type(name, choice));
    const [first] = types;
    return first?.type && types.every(({ type, items }) => type === first.type && !items)
      ? { type: first.type }
      : { $ref: "pulumi.json#/Any" };
  }

  #name(name: string, type: ObjectType): string {
    const token = `${this.#package}:index:${name}`;
    this.named[token] = type;
    return `#/types/${token}`;
  }
}

const primitiveOf = (value: unknown): string =>
  typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;

const pascal = (key: string): string => key.charAt(0).toUpperCase() + key.slice(1);

/** Each of `TestbedGuests` is a `TestbedGuest`. */
const singular = (name: string): string => name.replace(/s$/, "");

const sentence = (text: string): string => `${pascal(text)}${text.endsWith(".") ? "" : "."}`;
