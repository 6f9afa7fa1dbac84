/** The engine's resources, by their names in resources.ts, and what Pulumi calls each. */
const names = {
  cluster: "Cluster",
  domain: "Domain",
  failover: "Failover",
  fence: "Fence",
  gate: "Gate",
  hostPower: "HostPower",
  migration: "Migration",
} as const;

export type EngineResourceName = keyof typeof names;

/** The Pulumi package that the plugin provides, to programs in every language. */
export const packageName = "kvmtestbed";

/** The type that a TypeScript program declares: Pulumi's dynamic provider then calls the engine. */
export const dynamicTypeOf = (resource: EngineResourceName): string =>
  `pulumi-nodejs:dynamic/testbed:${names[resource]}`;

/** The plugin's type for the same. */
export const pluginTypeOf = (resource: EngineResourceName): string =>
  `${packageName}:index:${names[resource]}`;

/** The plugin's type of a testbed as a whole. */
export const pluginTestbed = `${packageName}:index:Testbed`;

/** The resource of which a plugin's type is; undefined: of none. */
export const resourceOfPluginType = (type: string): EngineResourceName | undefined =>
  (Object.keys(names) as EngineResourceName[]).find((resource) => pluginTypeOf(resource) === type);

/** Whether a type in a state is that of a resource, whichever provider it is of. */
export const isTypeOf = (type: string, resource: EngineResourceName): boolean =>
  type === dynamicTypeOf(resource) || type === pluginTypeOf(resource);
