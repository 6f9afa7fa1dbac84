import { createHash } from "node:crypto";
import { isTypeOf } from "../provider/types.ts";
import { withForgotten } from "./key-generation.ts";

/** As much of `pulumi stack export` as is looked at here. */
export interface Exported {
  deployment: { resources?: Resource[] };
}

interface Resource {
  urn: string;
  type: string;
  parent?: string;
  /** "urn::id" */
  provider?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[]>;
  deletedWith?: string;
  inputs?: Properties;
  outputs?: Properties;
}

interface Properties {
  /** A Domain's or a Migration's. */
  fleet?: { hosts?: Hosts; pages?: string[]; without?: string[] };
  /** A HostCluster's. */
  common?: { hosts: Hosts };
  earlier?: { page: string; hosts: Hosts }[];
}

type Hosts = Record<string, unknown>;

/** Components that do something on every host, in a resource that is named after both. */
const perHost = ["HostTrust", "HostTls", "OnEveryHost", "NfsPool", "Bridge"].map(
  (type) => `testbed:index:${type}`,
);

/** What is on no host, and named after one: what switches it, or has proved that it is off. */
const powers = [
  ["hostPower", "power"],
  ["fence", "fence"],
] as const;

/**
 * A stack's state without one of its hosts: without what is on it, and without the memory that guests could be there. Nothing of what is on
 * the host is undone by that: it is for a machine that is lost. The next update replaces the keys that the machine had.
 *
 * @returns undefined when the state has no such host
 */
export function withoutHost<State extends Exported>(exported: State, host: string): State | undefined {
  const resources = exported.deployment.resources ?? [];
  const gone = new Set<string>();
  // A resource comes after its parent and its provider.
  for (const resource of resources) {
    const { urn, type, parent = "", provider = "" } = resource;
    const isHost = type === "testbed:index:KvmHost" && nameOf(urn) === host;
    const isPower = powers.some(([of, name]) => isTypeOf(type, of) && nameOf(urn) === `${host}-${name}`);
    const isOn = perHost.includes(typeOf(parent)) && nameOf(urn) === `${nameOf(parent)}-${host}`;
    if (isHost || isPower || isOn || gone.has(parent) || gone.has(provider.replace(/::[^:]*$/, "")))
      gone.add(urn);
  }
  if (gone.size === 0) return undefined;
  const lost = JSON.stringify(resources.filter(({ urn }) => gone.has(urn)));
  // Made from all that was known of the machine, not its name alone: another may get that name.
  const mark = createHash("sha256").update(lost).digest("hex").slice(0, 16);
  const kept = resources
    .filter(({ urn }) => !gone.has(urn))
    .map((resource) => forgetting(resource, gone, host))
    .map((resource) =>
      resource.type === "testbed:index:HostTrust" ? withForgotten(resource, mark) : resource,
    );
  return { ...exported, deployment: { ...exported.deployment, resources: kept } };
}

function forgetting(resource: Resource, gone: ReadonlySet<string>, host: string): Resource {
  const left = (urns: readonly string[]) => urns.filter((urn) => !gone.has(urn));
  const { dependencies, propertyDependencies, deletedWith, inputs, outputs, ...rest } = resource;
  return {
    ...rest,
    ...(inputs && { inputs: unlooked(inputs, host) }),
    ...(outputs && { outputs: unlooked(outputs, host) }),
    ...(dependencies && { dependencies: left(dependencies) }),
    ...(propertyDependencies && {
      propertyDependencies: Object.fromEntries(
        Object.entries(propertyDependencies).map(([property, urns]) => [property, left(urns)]),
      ),
    }),
    ...(deletedWith && !gone.has(deletedWith) && { deletedWith }),
  };
}

/** What a Domain or a Migration has, without the host among those on which its guest is looked for; and its cluster. */
function unlooked(properties: Properties, host: string): Properties {
  const { fleet, common, earlier } = properties;
  const left = ({ [host]: _, ...others }: Hosts) => others;
  return {
    ...properties,
    ...(fleet?.hosts && { fleet: { ...fleet, hosts: left(fleet.hosts) } }),
    ...(fleet?.pages && { fleet: { ...fleet, without: [...new Set([...(fleet.without ?? []), host])] } }),
    // Its page says so no more: the next update writes a new one.
    ...(common && { common: { ...common, hosts: left(common.hosts) } }),
    ...(earlier && { earlier: earlier.map((each) => ({ ...each, hosts: left(each.hosts) })) }),
  };
}

// urn:pulumi:stack::project::parent's type$type::name
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";
