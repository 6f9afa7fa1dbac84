import { createHash } from "node:crypto";
import type { StackConfig } from "../config.ts";

/** What of a stack's config a decision follows from, in short. Loads are not in it. */
export function digestOf(config: StackConfig): string {
  const { policy, affinity, placement, drain, hosts, guests, migration } = config;
  const said = {
    policy,
    affinity,
    placement,
    drain,
    hosts: hosts.map(({ name }) => name),
    guests: guests.map(({ vnc: _, ...guest }) => guest),
    migration,
  };
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
