import { guestFaults } from "./by-guest.ts";
import { handFaults, handsBetweenRuns } from "./by-hand.ts";
import type { Fault } from "./fault.ts";
import { networkFaults } from "./network-faults.ts";
import { postcopyFaults } from "./postcopy-faults.ts";
import { processFaults } from "./process-faults.ts";
import { storageFaults } from "./storage-faults.ts";
import { tlsFaults } from "./tls-faults.ts";

/** All that goes wrong, by what does. */
export const faults = {
  ...processFaults,
  ...networkFaults,
  ...storageFaults,
  ...tlsFaults,
  ...guestFaults,
  ...handFaults,
  ...handsBetweenRuns,
  ...postcopyFaults,
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;
