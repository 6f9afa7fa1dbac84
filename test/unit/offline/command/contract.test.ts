// Holds the stand-in for the command plugin against @pulumi/command's own SDK: every property that the SDK knows is
// one that the stand-in takes or gives, of the same type, or one that it refuses by name.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  checkInputs,
  connection,
  copyToRemoteSchema,
  localCommandSchema,
  proxyConnection,
  refusedFunctions,
  remoteCommandSchema,
  resourceTypes,
} from "../../../../offline/command/schema.ts";
import { hasSecret, type WireProperties } from "../../../../offline/command/values.ts";

const require = createRequire(import.meta.url);
const sdk = dirname(require.resolve("@pulumi/command/package.json"));

/** The members of an interface or class in one of the SDK's declaration files: name to type, "?" if it is optional. */
function members(file: string, name: string): Record<string, string> {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(sdk, file), "utf8"),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: Record<string, string> = {};
  const visit = (node: ts.Node): void => {
    if ((ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) && node.name?.text === name) {
      for (const member of node.members) {
        if (!ts.isPropertySignature(member) && !ts.isPropertyDeclaration(member)) continue;
        found[member.name.getText()] = `${typeText(member.type)}${member.questionToken ? "?" : ""}`;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (Object.keys(found).length === 0) throw new Error(`${file} has no ${name}`);
  return found;
}

/** A type without pulumi.Input around it or in it, and without blanks. */
function typeText(node: ts.TypeNode | undefined): string {
  let text = node?.getText().replace(/\s|;/g, "") ?? "";
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(/pulumi\.Input<([^<>]*)>/g, "$1");
  }
  return text;
}

const named = new Map<z.ZodType, string>([
  [connection, "inputs.remote.ConnectionArgs"],
  [proxyConnection, "inputs.remote.ProxyConnectionArgs"],
  [localCommandSchema.shape.logging, "enums.local.Logging"],
  [copyToRemoteSchema.shape.source, "pulumi.asset.Asset|pulumi.asset.Archive"],
]);

/** What the SDK would call the type that a schema takes. */
function sdkType(schema: z.ZodType): string {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    const named =
      nameOf(schema) ?? nameOf(schema.unwrap() as z.ZodType) ?? sdkType(schema.unwrap() as z.ZodType);
    return `${named}?`;
  }
  const name = nameOf(schema);
  if (name !== undefined) return name;
  if (schema instanceof z.ZodString) return "string";
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodUnknown) return "any";
  if (schema instanceof z.ZodArray) return `${sdkType(schema.element as z.ZodType)}[]`;
  if (schema instanceof z.ZodRecord) return `{[key:string]:${sdkType(schema.valueType as z.ZodType)}}`;
  throw new Error(`what does the SDK call a ${schema.constructor.name}?`);
}

function nameOf(schema: z.ZodType): string | undefined {
  return named.get(schema);
}

function sdkTypes(schema: z.ZodObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(schema.shape).map(([name, type]) => [name, sdkType(type as z.ZodType)]),
  );
}

function without(properties: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name)));
}

const resources = [
  { type: "command:local:Command", file: "local/command.d.ts", name: "Command", schema: localCommandSchema },
  {
    type: "command:remote:Command",
    file: "remote/command.d.ts",
    name: "Command",
    schema: remoteCommandSchema,
  },
  {
    type: "command:remote:CopyToRemote",
    file: "remote/copyToRemote.d.ts",
    name: "CopyToRemote",
    schema: copyToRemoteSchema,
  },
];

test.each(resources)("$type takes what the SDK sends", ({ type, file, name, schema }) => {
  const refused = resourceTypes[type]?.refused ?? [];
  const expected = without(members(file, `${name}Args`), refused);
  // Both SDK modules have a Logging of their own, with the same values.
  for (const [property, text] of Object.entries(expected))
    expected[property] = text.replace("enums.remote.Logging", "enums.local.Logging");
  expect(sdkTypes(schema)).toEqual(expected);
});

test.each(resources)("$type gives what the SDK expects, or refuses it", ({ type, file, name, schema }) => {
  const known = resourceTypes[type];
  const given = [...Object.keys(schema.shape), ...(known?.outputs ?? []), ...(known?.refused ?? [])];
  expect(given.sort()).toEqual(Object.keys(members(file, name)).sort());
});

test("a refused property is refused by its name", () => {
  for (const [type, known] of Object.entries(resourceTypes)) {
    for (const name of known?.refused ?? []) {
      const { failures } = checkInputs(type, { [name]: ["x"] });
      expect(failures).toContainEqual({
        property: name,
        reason: expect.stringContaining(`${name} is not supported`),
      });
    }
  }
});

test("connections have the SDK's properties, and its defaults", async () => {
  expect(sdkTypes(connection)).toEqual(members("types/input.d.ts", "ConnectionArgs"));
  expect(sdkTypes(proxyConnection)).toEqual(members("types/input.d.ts", "ProxyConnectionArgs"));
  const { remote } = require("@pulumi/command/types/input");
  expect(connection.parse({ host: "h" })).toEqual(
    JSON.parse(JSON.stringify(remote.connectionArgsProvideDefaults({ host: "h" }))),
  );
});

test("logging has the SDK's values", () => {
  const values = (module: string) =>
    Object.values(require(`@pulumi/command/types/enums/${module}`).Logging).sort();
  const own = [...localCommandSchema.shape.logging.unwrap().options].sort();
  expect(own).toEqual(values("local"));
  expect(own).toEqual(values("remote"));
});

test("every resource and function of the SDK is known, if only to be refused", () => {
  const tokens = new Set<string>();
  for (const module of ["local", "remote"]) {
    const exported: Record<string, unknown> = require(`@pulumi/command/${module}`);
    for (const name of Object.keys(exported)) {
      if (name.endsWith("Output")) continue; // the same function, for outputs
      if (/^[A-Z]/.test(name) && typeof exported[name] !== "function") continue; // an enum
      tokens.add(`command:${module}:${name}`);
    }
  }
  expect([...Object.keys(resourceTypes), ...refusedFunctions].sort()).toEqual([...tokens].sort());
});

test("the connection becomes a secret, as the SDK has it", () => {
  const inputs: WireProperties = { connection: { host: "h" }, create: "true" };
  const checked = checkInputs("command:remote:Command", inputs);
  expect(checked.failures).toEqual([]);
  expect(hasSecret(checked.inputs.connection)).toBe(true);
  expect(hasSecret(checked.inputs.create)).toBe(false);
});
