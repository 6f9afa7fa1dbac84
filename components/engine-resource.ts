import * as pulumi from "@pulumi/pulumi";
import { dynamicTypeOf, type EngineResourceName, pluginTestbed, pluginTypeOf } from "../provider/types.ts";

/** The version of the plugin in whose process the components are declared. Absent: they are declared by a program. */
let pluginVersion: string | undefined;

/** From now on, what components declare in this process is the plugin's. */
export function declareForPlugin(version: string): void {
  pluginVersion = version;
}

/** As Pulumi knows it. */
export const typeOf = (resource: EngineResourceName): string =>
  pluginVersion === undefined ? dynamicTypeOf(resource) : pluginTypeOf(resource);

/**
 * A resource of the engine's. A program's is one of Pulumi's dynamic provider, which finds the engine at run time, from the folder in which
 * Pulumi runs the program. What `pulumi.dynamic.Resource` would make of the code at hand, by a TypeScript compiler, is written down here:
 * the text that Pulumi keeps in the state of each, without any logic, path or secret. The plugin has the engine in its own process; what a
 * program declared before is taken over.
 */
export class EngineResource extends pulumi.CustomResource {
  constructor(
    resource: EngineResourceName,
    name: string,
    props: pulumi.Inputs,
    opts: pulumi.CustomResourceOptions = {},
  ) {
    if (pluginVersion === undefined) {
      super(typeOf(resource), name, { ...props, __provider: providerOf(resource) }, opts);
      return;
    }
    const aliases = [...(opts.aliases ?? []), { type: dynamicTypeOf(resource) }];
    // With a version, it is of the same provider as its component: one process that knows what it has looked up already.
    super(typeOf(resource), name, props, { ...opts, aliases, version: pluginVersion });
  }
}

/** A module whose `handler` returns the provider; it is run in the project's folder. */
export const providerOf = (resource: EngineResourceName): string =>
  `exports.handler = () => require("node:module").createRequire(process.cwd() + "/package.json")("kvm-migration-testbed/engine").${resource};`;

/** The type of a Testbed that a TypeScript program declares. */
export const programsTestbed = "testbed:index:Testbed";

/** Of the testbed as a whole, which is the plugin's component, too. */
export const testbedType = (): { type: string; aliases: pulumi.Alias[] } =>
  pluginVersion === undefined
    ? { type: programsTestbed, aliases: [] }
    : { type: pluginTestbed, aliases: [{ type: programsTestbed }] };
