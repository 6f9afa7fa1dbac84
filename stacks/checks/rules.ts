// The rules between keys, which the schema of one key cannot hold: one file each, or one for rules about the same thing.
import type { Mistake } from "../mistake.ts";
import { guestAddresses, machineAddresses } from "./addresses.ts";
import { affinity } from "./affinity.ts";
import { bridgeUplink, guestGateway } from "./bridge.ts";
import { guestDisks, nicBridges } from "./disks.ts";
import type { Draft, Rule } from "./draft.ts";
import { exportFolder } from "./export-folder.ts";
import { image } from "./image.ts";
import { labNetwork, labSettings } from "./lab.ts";
import { lost } from "./lost.ts";
import { macs } from "./macs.ts";
import { migrationOptions } from "./migration-options.ts";
import { names, stackName } from "./names.ts";
import { off, watts } from "./off.ts";
import { drainedHosts, placement } from "./placement.ts";
import { ports } from "./ports.ts";
import { resourceNames } from "./resource-names.ts";
import { takenAddresses } from "./taken-addresses.ts";
import { vncPasswords } from "./vnc-passwords.ts";
import { workloads } from "./workloads.ts";

/** Mistakes of one section are told in this order. */
const rules: readonly Rule[] = [
  stackName,
  names,
  resourceNames,
  placement,
  drainedHosts,
  affinity,
  off,
  watts,
  lost,
  labNetwork,
  labSettings,
  machineAddresses,
  guestAddresses,
  guestGateway,
  takenAddresses,
  macs,
  guestDisks,
  nicBridges,
  ports,
  vncPasswords,
  workloads,
  migrationOptions,
  exportFolder,
  image,
  bridgeUplink,
];

/** What all rules find wrong. */
export function brokenRules(draft: Draft, stack: string): Mistake[] {
  return rules.flatMap((rule) => rule(draft, stack));
}
