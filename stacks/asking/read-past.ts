import * as pulumi from "@pulumi/pulumi";
import { type KeyHolders, keyHolders } from "../key-generation.ts";
import { hostSizes, mountsFrom, type PastStack, pastStackOf } from "../past.ts";
import type { PastResource } from "../past-resource.ts";

/**
 * Reads what Pulumi's state says of this stack, as it is now: also after an update that failed half-way, when a stack's own outputs, as a
 * StackReference has them, are not to be relied on. It is the engine's own function, works with every backend while an update runs, takes
 * milliseconds, and only the stack's program can use it, or a component that is constructed for it.
 *
 * @param testbed the name of the testbed's resource. Default: the stack's name
 */
export async function readPast(
  testbed: string = pulumi.getStack(),
): Promise<PastStack & { keyHolders: KeyHolders; mountsFrom: Record<string, string> }> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
  const resources = outputs as Record<string, PastResource>;
  return {
    ...pastStackOf(Object.values(resources)),
    sizes: hostSizes(resources),
    keyHolders: keyHolders(resources),
    mountsFrom: mountsFrom(resources, testbed),
  };
}
