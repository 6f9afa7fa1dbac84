import type { MigrationMode } from "../report/record.ts";
import type { Fleet } from "./fleet.ts";
import type { GuestPlatform } from "./hardware.ts";

/** How a guest is moved. Units are in the names; what is absent is the hypervisor's own default. */
export interface MigrationOptions {
  mode: MigrationMode;
  /** live: QEMU switches over when what remains can be sent within this time. Default: QEMU's, 300 ms. */
  maxDowntimeMs?: number;
  /** live: ceiling of the transfer; moves that leave or enter a host at the same time share it. Default: none. */
  bandwidthMiBps?: number;
  /** live: TCP port at the destination. Default: the first free one of libvirt's, 49152 to 49215. */
  port?: number;
  /** How long the move may take before it is given up and the guest stays where it was. Default 600 000. */
  timeoutMs?: number;
}

/** What the records say about the conditions of a move besides what is measured. */
export interface Conditions {
  memoryMiB: number;
  workload?: unknown;
  accelerator: "kvm" | "tcg";
  nfsTransport: "kernel" | "userspace";
}

export interface MigrationRequest {
  guest: string;
  uuid: string;
  /** Host where the guest should run. */
  to: string;
  options: MigrationOptions;
  conditions: Conditions;
  /** What it runs with: asked of the destination before the move. Absent: not asked. */
  platform?: GuestPlatform;
  /** How many moves a host takes part in at a time, as source or destination; others wait. Default: 2. */
  concurrentPerHost?: number;
  fleet: Fleet;
}
