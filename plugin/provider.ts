import type * as pulumi from "@pulumi/pulumi";
import type {
  CheckFailure,
  CheckResult,
  ConstructResult,
  CreateResult,
  DiffResult,
  Provider,
  ReadResult,
  UpdateResult,
} from "@pulumi/pulumi/provider/index.js";
import type * as z from "zod";
import { defaultDrift } from "../moves/options.ts";
import { cancel } from "../provider/cancellation.ts";
import { cluster, domain, failover, fence, gate, hostPower, migration } from "../provider/resources.ts";
import { inRowOf } from "../provider/screen.ts";
import {
  type EngineResourceName,
  packageName,
  pluginTestbed,
  resourceOfPluginType,
} from "../provider/types.ts";
import { failuresOf } from "./check.ts";
import { constructTestbed } from "./construct.ts";
import { importDomain } from "./import.ts";
import { domainInputs, migrationInputs } from "./inputs.ts";
import { packageSchema } from "./schema.ts";
import { secretKeys, withoutSecrets, withSecrets } from "./secrets.ts";
import { version } from "./version.ts";

/** Properties by their names, as they go over Pulumi's protocol. */
type Properties = Record<string, unknown>;

/** What all of the engine's resources have: the methods that Pulumi's dynamic provider calls, too. */
interface EngineResource {
  check?(olds: Properties, news: Properties): Promise<{ inputs: Properties }>;
  diff(id: string, olds: Properties, news: Properties): Promise<DiffResult>;
  create(inputs: Properties): Promise<{ id: string; outs: Properties }>;
  read(id: string, state: Properties): Promise<{ id: string; props: Properties }>;
  update(id: string, olds: Properties, news: Properties): Promise<{ outs: Properties }>;
  delete(id: string, state: Properties): Promise<void>;
}

/** Those that programs declare themselves; the others are a Testbed's own. */
const schemas: Partial<Record<EngineResourceName, z.ZodType>> = {
  domain: domainInputs,
  migration: migrationInputs,
};

const alwaysSecret = ["vncPassword"];

/** What Pulumi asks of the package `kvmtestbed`. */
export class TestbedProvider implements Provider {
  readonly version = version;

  async getSchema(): Promise<string> {
    return JSON.stringify(packageSchema());
  }

  async check(urn: pulumi.URN, olds: Properties, news: Properties): Promise<CheckResult> {
    const resource = resourceOf(urn);
    const schema = schemas[resource];
    const secrets = [...secretKeys(news), ...alwaysSecret];
    const failures = schema
      ? failuresOf(schema, withoutSecrets(news)).map((one) => withoutValue(one, secrets))
      : [];
    if (failures.length > 0) return { failures };
    const inputs = resource === "migration" ? { drift: defaultDrift, stack: stackOf(urn), ...news } : news;
    const { check } = methodsOf(resource);
    if (!check) return { inputs };
    return this.#with(urn, inputs, async (own) => (await check(stateOf(olds), own)).inputs).then(
      (checked) => ({
        inputs: checked,
      }),
    );
  }

  diff(id: pulumi.ID, urn: pulumi.URN, olds: Properties, news: Properties): Promise<DiffResult> {
    return inRowOf(urn, () => methodsOf(resourceOf(urn)).diff(id, stateOf(olds), stateOf(news)));
  }

  async create(urn: pulumi.URN, inputs: Properties): Promise<CreateResult> {
    let id = "";
    const outs = await this.#with(urn, inputs, async (own) => {
      const created = await methodsOf(resourceOf(urn)).create(own);
      id = created.id;
      return created.outs;
    });
    return { id, outs };
  }

  async read(id: pulumi.ID, urn: pulumi.URN, state: Properties): Promise<ReadResult> {
    if (Object.keys(state).length === 0) return this.#import(id, urn);
    let found = "";
    const props = await this.#with(urn, state, async (own) => {
      const read = await methodsOf(resourceOf(urn)).read(id, own);
      found = read.id;
      return read.props;
    });
    return { id: found, props };
  }

  async #import(id: pulumi.ID, urn: pulumi.URN): Promise<ReadResult> {
    const resource = resourceOf(urn);
    if (resource !== "domain")
      throw new Error(
        `${id} can't be imported: of ${packageName}'s resources a Domain can. Nothing was changed. Declare the other ones: a Migration leaves a guest alone that is where it belongs`,
      );
    const { inputs, props, ...found } = await inRowOf(urn, () => importDomain(id));
    return {
      ...found,
      inputs: withSecrets(inputs, alwaysSecret),
      props: withSecrets(props, alwaysSecret),
    };
  }

  async update(id: pulumi.ID, urn: pulumi.URN, olds: Properties, news: Properties): Promise<UpdateResult> {
    const outs = await this.#with(
      urn,
      news,
      async (own) => (await methodsOf(resourceOf(urn)).update(id, stateOf(olds), own)).outs,
    );
    return { outs };
  }

  delete(id: pulumi.ID, urn: pulumi.URN, state: Properties): Promise<void> {
    return inRowOf(urn, () => methodsOf(resourceOf(urn)).delete(id, stateOf(state)));
  }

  async construct(
    name: string,
    type: string,
    inputs: pulumi.Inputs,
    options: pulumi.ComponentResourceOptions,
  ): Promise<ConstructResult> {
    if (type !== pluginTestbed)
      throw new Error(`${packageName} has no component ${type}; its component is ${pluginTestbed}`);
    return constructTestbed(name, inputs, options);
  }

  async cancel(): Promise<void> {
    cancel();
  }

  /** Works with plain values; what of the inputs is secret is so in what comes out, also when that is a failure's state. */
  async #with(
    urn: pulumi.URN,
    inputs: Properties,
    work: (own: Properties) => Promise<Properties>,
  ): Promise<Properties> {
    const secrets = [...secretKeys(inputs), ...alwaysSecret];
    try {
      return withSecrets(await inRowOf(urn, () => work(stateOf(inputs))), secrets);
    } catch (error) {
      if (error instanceof Error && "properties" in error)
        error.properties = withSecrets(error.properties as Properties, secrets);
      throw error;
    }
  }
}

/** Pulumi shows the value beside a property that is named. */
function withoutValue({ property, reason }: CheckFailure, secrets: readonly string[]): CheckFailure {
  const isSecret = secrets.includes(property.split(/[.[]/)[0] ?? "");
  return isSecret ? { property: "", reason: `${property}: ${reason}` } : { property, reason };
}

/** Without what Pulumi's dynamic provider had kept with it, before the plugin took it over. */
function stateOf(properties: Properties): Properties {
  const { __provider: _, ...own } = withoutSecrets(properties) as Properties;
  return own;
}

// urn:pulumi:stack::project::parent's type$type::name
const stackOf = (urn: pulumi.URN): string => urn.split("::")[0]?.replace(/^urn:pulumi:/, "") ?? "";

function resourceOf(urn: pulumi.URN): EngineResourceName {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const resource = resourceOfPluginType(type);
  if (resource === undefined)
    throw new Error(
      `${packageName} has no resource ${type}; those to declare are ${pluginTestbed}, Domain and Migration`,
    );
  return resource;
}

const resources = { cluster, domain, failover, fence, gate, hostPower, migration };

/** Their inputs were checked, or are a component's. */
const methodsOf = (resource: EngineResourceName) => resources[resource] as unknown as EngineResource;
