import { programsTestbed } from "../components/engine-resource.ts";
import { dynamicTypeOf, packageName, pluginTestbed, pluginTypeOf } from "../provider/types.ts";
import { stackSchema } from "../stacks/config.ts";
import { domainInputs, migrationInputs } from "./inputs.ts";
import { type ObjectType, type PropertySpec, PulumiTypes } from "./pulumi-types.ts";
import { description, keywords, license, version } from "./version.ts";

// Pulumi's package schema (https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/), from which SDKs for typed languages
// are made, and by which YAML is checked.

const any = { $ref: "pulumi.json#/Any" };
const mapOf = (type: object) => ({ type: "object", additionalProperties: type });

/** What comes out of each resource beside its inputs. */
const outputs: Record<"testbed" | "domain" | "migration", Record<string, PropertySpec>> = {
  testbed: {
    hosts: { ...mapOf(any), description: "What is known of each host, by its name." },
    guests: { ...mapOf(any), description: "What each guest is and where it runs, by its name." },
    migrations: { ...mapOf(any), description: "How each guest moved last, and how often, by its name." },
    policy: { ...any, description: "What the policy decided. Absent: there is none." },
  },
  domain: {
    bootedOn: { type: "string", description: "The host on which it was booted last." },
    boots: { type: "integer", description: "How often it was booted from here." },
    state: {
      type: "string",
      description: "As libvirt says: running, paused; off when no host runs it.",
    },
  },
  migration: {
    host: { type: "string", description: "Where the guest runs." },
    moves: { type: "integer", description: "How many of its moves were completed." },
    history: {
      type: "array",
      items: any,
      description: "The records of its moves, newest first, at most 50.",
    },
  },
};

export function packageSchema() {
  const types = new PulumiTypes(packageName);
  const testbed = types.objectOf("Testbed", stackSchema);
  const domain = types.objectOf("Domain", domainInputs);
  const migration = types.objectOf("Migration", migrationInputs);
  return {
    name: packageName,
    displayName: "KVM migration testbed",
    version,
    description,
    keywords: [...keywords, "kind/native", "category/infrastructure"],
    license,
    types: types.named,
    resources: {
      [pluginTestbed]: {
        isComponent: true,
        description:
          "Hosts, their storage and network, guests, and where each guest runs. A change of where it is placed moves it. One in each stack.",
        ...inputsOf(testbed),
        properties: outputs.testbed,
        required: ["hosts", "guests", "migrations"],
        aliases: [{ type: programsTestbed }],
      },
      [pluginTypeOf("domain")]: {
        description:
          "A guest with an identity and no location: it is looked for on every host, by its UUID. It is defined once and runs; it is deleted wherever it is.",
        ...inputsOf(domain),
        ...stateOf(domain, outputs.domain),
        aliases: [{ type: dynamicTypeOf("domain") }],
      },
      [pluginTypeOf("migration")]: {
        description: "Where a guest runs. It moves when `to` changes, and every move is measured.",
        ...inputsOf(migration),
        ...stateOf(migration, outputs.migration),
        aliases: [{ type: dynamicTypeOf("migration") }],
      },
    },
    language: {
      nodejs: { respectSchemaVersion: true },
      python: { respectSchemaVersion: true, pyproject: { enabled: true } },
      go: { respectSchemaVersion: true, generateResourceContainerTypes: true },
      csharp: { respectSchemaVersion: true },
    },
  };
}

const inputsOf = ({ properties, required }: ObjectType) => ({
  inputProperties: properties,
  requiredInputs: required,
});

const stateOf = ({ properties, required }: ObjectType, own: Record<string, PropertySpec>) => ({
  properties: { ...properties, ...own },
  required: [...required, ...Object.keys(own)],
});
