import type { HostPlan, HostShare } from "./plan.ts";

/** What a lab's hosts run on. */
export interface LabMachine {
  memoryMiB: number;
  cpus: number;
}

/**
 * What a policy may count on of each of a lab's hosts, by name: what it was given, or else an even share of the machine. Such a share is not
 * held by anything: as a limit it could end guests that fit into the machine, of labs that have always been without.
 */
export function labShares(
  hosts: readonly Pick<HostPlan, "name" | "share">[],
  machine: LabMachine,
): Record<string, Required<HostShare>> {
  const even = {
    memoryMiB: Math.floor(machine.memoryMiB / hosts.length),
    cpus: machine.cpus / hosts.length,
  };
  return Object.fromEntries(hosts.map(({ name, share }) => [name, { ...even, ...share }]));
}
