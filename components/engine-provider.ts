import type * as pulumi from "@pulumi/pulumi";

/**
 * A dynamic provider that only calls the engine. Pulumi keeps its text in the state, so there is no logic in it, no path and no
 * secret: the engine is found at run time, from the folder in which Pulumi runs the program.
 *
 * @param resource the engine's name of the resource, in provider/resources.ts
 */
export function engineProvider(resource: EngineResource): pulumi.dynamic.ResourceProvider {
  const provider = providers.get(resource) ?? makeProvider(resource);
  providers.set(resource, provider);
  return provider;
}

type EngineResource = "domain" | "migration";

/** One of each: Pulumi serialises a provider for every resource that has it, but the same object only once. */
const providers = new Map<EngineResource, pulumi.dynamic.ResourceProvider>();

function makeProvider(resource: EngineResource): pulumi.dynamic.ResourceProvider {
  const call = async (method: string, ...args: unknown[]) => {
    const { createRequire } = await import("node:module");
    const resources = createRequire(`${process.cwd()}/package.json`)("kvm-migration-testbed/engine");
    return resources[resource][method](...args);
  };
  return {
    diff: (id, olds, news) => call("diff", id, olds, news),
    create: (inputs) => call("create", inputs),
    read: (id, props) => call("read", id, props),
    update: (id, olds, news) => call("update", id, olds, news),
    delete: (id, props) => call("delete", id, props),
  };
}
