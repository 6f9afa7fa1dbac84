import * as pulumi from "@pulumi/pulumi";

/** A resource of the engine's, by its name in provider/resources.ts, and what Pulumi calls its type. */
const types = {
  cluster: "testbed:Cluster",
  domain: "testbed:Domain",
  failover: "testbed:Failover",
  fence: "testbed:Fence",
  gate: "testbed:Gate",
  hostPower: "testbed:HostPower",
  migration: "testbed:Migration",
} as const;

/**
 * A resource of Pulumi's dynamic provider, which finds the engine at run time, from the folder in which Pulumi runs the program. What
 * `pulumi.dynamic.Resource` would make of the code at hand, by a TypeScript compiler, is written down here: the text that Pulumi keeps
 * in the state of each, without any logic, path or secret.
 */
export class EngineResource extends pulumi.CustomResource {
  constructor(
    resource: keyof typeof types,
    name: string,
    props: pulumi.Inputs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(typeOf(resource), name, { ...props, __provider: providerOf(resource) }, opts);
  }
}

/** As Pulumi knows it. */
export const typeOf = (resource: keyof typeof types): string => `pulumi-nodejs:dynamic/${types[resource]}`;

/** A module whose `handler` returns the provider; it is run in the project's folder. */
export const providerOf = (resource: keyof typeof types): string =>
  `exports.handler = () => require("node:module").createRequire(process.cwd() + "/package.json")("kvm-migration-testbed/engine").${resource};`;
