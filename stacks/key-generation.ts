import type { PastResource } from "./past-resource.ts";

/**
 * Which of the keys that hosts know each other by, in the order in which they were made, is the one in use: 0 is the first. New ones are
 * made only when a machine that had them is no longer a host.
 */
export interface KeyGeneration {
  readonly generation: number;
  /** The hosts it was raised for, as long as the stack's state tells of them: an update that was cut short goes on with it. */
  readonly left: readonly string[];
}

/** What a stack's state tells of the machines that have its keys. */
export interface KeyHolders {
  /** Hosts that were given them, by name. */
  hosts: string[];
  /** Marks of hosts that were taken out of the state by a person's word, and may have them still. */
  forgotten: string[];
  /** As earlier updates decided. */
  decided: KeyGeneration;
}

export const firstKeys: KeyGeneration = { generation: 0, left: [] };

/** What remembers the generation: its outputs are a `KeyGeneration`. */
export const keyGenerationType = "testbed:index:KeyGeneration";

/** What HostTrust's outputs also have, from when a host was taken out of the state until all others have new keys. */
interface TrustOutputs {
  forgotten?: string[];
}

/** HostTrust as it is in the state, with a mark of a machine that went with the keys. */
export function withForgotten<Resource extends { outputs?: object }>(trust: Resource, mark: string) {
  const outputs: TrustOutputs = trust.outputs ?? {};
  return { ...trust, outputs: { ...outputs, forgotten: [...(outputs.forgotten ?? []), mark] } };
}

/** @param resources by their URNs */
export function keyHolders(resources: Readonly<Record<string, PastResource>>): KeyHolders {
  const all = Object.entries(resources).map(([urn, resource]) => ({ ...partsOf(urn), ...resource }));
  const trusts = all.filter(({ type }) => type === "testbed:index:HostTrust");
  const decided = all.find(({ type }) => type === keyGenerationType)?.outputs as KeyGeneration | undefined;
  return {
    hosts: all
      .filter(({ types }) => types.endsWith("testbed:index:HostTrust$command:remote:Command"))
      .flatMap(({ name }) => trusts.flatMap((trust) => afterPrefix(`${trust.name}-`, name))),
    forgotten: trusts.flatMap(({ outputs }) => (outputs as TrustOutputs | undefined)?.forgotten ?? []),
    // It has no outputs yet if its update was cut short at once: then that is decided again, in the same way.
    decided: decided?.generation === undefined ? firstKeys : decided,
  };
}

/**
 * @param hosts the names of those that are to have the keys
 * @param replaced those that may be other machines than until now, each as a text that tells the former one
 */
export function keyGenerationOf(
  { hosts: holders, forgotten, decided }: KeyHolders,
  hosts: readonly string[],
  replaced: readonly string[] = [],
): KeyGeneration {
  const left = [...holders.filter((name) => !hosts.includes(name)), ...forgotten, ...replaced].sort();
  const isNews = left.some((holder) => !decided.left.includes(holder));
  return { generation: decided.generation + (isNews ? 1 : 0), left };
}

function partsOf(urn: string): { types: string; name: string } {
  // urn:pulumi:stack::project::parent's types$type::name
  const [, , types = "", ...name] = urn.split("::");
  return { types, name: name.join("::") };
}

const afterPrefix = (prefix: string, text: string): string[] =>
  text.startsWith(prefix) ? [text.slice(prefix.length)] : [];
