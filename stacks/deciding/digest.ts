import { createHash } from "node:crypto";
import type { StackConfig } from "../config.ts";

/** What of a stack's config a decision follows from, in short. Loads are not in it. */
export function digestOf(config: StackConfig): string {
  const { policy, affinity, placement, drain, off, lost, hosts, guests, migration } = config;
  const said = {
    policy,
    affinity,
    placement,
    drain,
    off,
    lost,
    hosts: hosts.map(({ name, memoryMiB, cpus, reserveMiB, power }) => ({
      ...{ name, memoryMiB, cpus, reserveMiB },
      idleW: power?.idleW,
    })),
    guests: guests.map(({ vnc: _, ...guest }) => guest),
    migration,
  };
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
