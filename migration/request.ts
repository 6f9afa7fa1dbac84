import type { MigrationMode } from "../report/record.ts";
import type { Fleet } from "./fleet.ts";
import type { GuestPlatform } from "./hardware.ts";

/** How a guest is moved. Units are in the names; what is absent is the hypervisor's own default. */
export interface MigrationOptions {
  mode: MigrationMode;
  /** live: QEMU switches over when what remains can be sent within this time. Default: QEMU's, 300 ms. */
  maxDowntimeMs?: number;
  /** live: ceiling of the transfer. Default: none. */
  bandwidthMiBps?: number;
  /** live: TCP port at the destination. Default: the first free one of libvirt's, 49152 to 49215. */
  port?: number;
  /** How long the move may take before it is given up and the guest stays where it was. Default 600 000. */
  timeoutMs?: number;
  /** How often a prober on the storage host asks the guest for an answer while it is moved; 0: never. Default 5. */
  probeIntervalMs?: number;
  /** live, offline: let a TCP stream flow to the guest through the move, and say what became of it. Default: no. */
  throughput?: boolean;
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
  /** The guest's IPv4 address, for the prober. Absent or empty: by DHCP, so it is asked for. */
  address?: string;
  /** What it runs with: asked of the destination before the move. Absent: not asked. */
  platform?: GuestPlatform;
  fleet: Fleet;
}
