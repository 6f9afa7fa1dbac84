import { isDeepStrictEqual } from "node:util";
import type { DomainSpec } from "../libvirt/domain-xml.ts";

/** What of a guest's hardware changed, by the names of DomainSpec; each change takes a restart. */
export function hardwareChanges(before: DomainSpec, after: DomainSpec): (keyof DomainSpec)[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof DomainSpec>;
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}
