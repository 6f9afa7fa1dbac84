import * as z from "zod";
import { stackSchema } from "./config.ts";
import { namespace } from "./mistake.ts";

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** How Pulumi writes an encrypted value into a stack file. */
const secure: JsonSchema = {
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
  description: "a value encrypted by `pulumi config set --secret`",
};

/** The JSON schema of stacks/Pulumi.<stack>.yaml, with which editors complete and check it. */
export function stackFileSchema(): JsonSchema {
  const { $schema, properties = {}, required = [] } = editorSchema(stackSchema);
  const inNamespace = (key: string) => `${namespace}:${key}`;
  return {
    $schema,
    title: "Stack of kvm-migration-testbed",
    type: "object",
    properties: {
      config: {
        type: "object",
        properties: Object.fromEntries(
          Object.entries(properties).map(([key, schema]) => [
            inNamespace(key),
            { anyOf: [schema as JsonSchema, secure] },
          ]),
        ),
        required: required.map(inNamespace),
        // Keys of other namespaces are Pulumi's and its providers' business.
        patternProperties: { [`^(?!${namespace}:)`]: true },
        additionalProperties: false,
      },
      // Pulumi's own, which it adds when a stack is made.
      encryptionsalt: { type: "string" },
      encryptedkey: { type: "string" },
      secretsprovider: { type: "string" },
      environment: true,
    },
    required: ["config"],
    additionalProperties: false,
  };
}

/** The JSON schema of what a person writes: our own marks are put into terms that an editor knows. */
export const editorSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: "input", override });

function override({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  const { otherwise, secret, sameAs: _, ...rest } = jsonSchema;
  delete jsonSchema.otherwise;
  delete jsonSchema.secret;
  delete jsonSchema.sameAs;
  // These formats are zod's; the pattern beside them says it to everyone.
  if (rest.pattern !== undefined) delete jsonSchema.format;
  if (typeof otherwise === "string") jsonSchema.description = `${rest.description}; by default ${otherwise}`;
  if (secret === true) {
    for (const key of Object.keys(jsonSchema)) if (key !== "description") delete jsonSchema[key];
    const { description: _d, ...plain } = rest;
    jsonSchema.anyOf = [plain, secure];
  }
}
