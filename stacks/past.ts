import { basename } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { isProgram, type Program } from "../images/programs.ts";
import { programsIn } from "../images/source.ts";
import type { SshTarget } from "../libvirt/ssh-target.ts";
import type { DomainOutputs } from "../migration/domain-resource.ts";
import type { MigrationOutputs } from "../migration/migration-resource.ts";

/** What earlier updates made of a stack. */
export interface Past {
  guests: PastGuest[];
  /** How its hosts were reached, by name. */
  hosts: Record<string, SshTarget>;
  /** How guests' disks are reached; absent: there are no guests yet. */
  transport?: "kernel" | "userspace";
}

export interface PastGuest {
  name: string;
  uuid: string;
  /** Where it was last seen. */
  host: string;
  /** What the image that its disk lies over was built with. */
  programs: readonly Program[];
  /** What it was made to keep doing; absent: that is not known. */
  workload?: unknown;
}

/** A resource as the engine tells of it. */
interface PastResource {
  type: string;
  outputs: unknown;
}

/**
 * Reads what Pulumi's state says of this stack, as it is now: also after an update that failed half-way, when a stack's own outputs, as a
 * StackReference has them, are not to be relied on. It is the engine's own function, works with every backend while an update runs, takes
 * milliseconds, and the stack's program alone can use it.
 */
export async function readPast(): Promise<Past> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
  return pastOf(Object.values(outputs as Record<string, PastResource>));
}

/** What the resources of a stack tell of its guests and hosts. */
export function pastOf(resources: readonly PastResource[]): Past {
  const domains = ofType<DomainOutputs>(resources, "Domain");
  const migrations = ofType<MigrationOutputs>(resources, "Migration");
  const fleets = [...domains, ...migrations].map(({ fleet }) => fleet.hosts);
  const transport = domains[0]?.spec.storage.transport;
  return {
    guests: domains.map(({ spec: { name, uuid, storage }, bootedOn }) => {
      const migration = migrations.find((each) => each.uuid === uuid);
      return {
        name,
        uuid,
        host: migration?.host ?? bootedOn,
        programs: programsIn(basename(storage.basePath)).filter(isProgram),
        ...(migration && { workload: migration.conditions.workload ?? { type: "idle" } }),
      };
    }),
    hosts: Object.fromEntries(
      fleets.flatMap((hosts) => Object.entries(hosts).map(([name, { ssh }]) => [name, ssh])),
    ),
    ...(transport && { transport }),
  };
}

function ofType<Outputs>(resources: readonly PastResource[], type: string): Outputs[] {
  return resources
    .filter((resource) => resource.type === `pulumi-nodejs:dynamic/testbed:${type}`)
    .map(({ outputs }) => outputs as Outputs);
}
