import type { GuestPlatform } from "../../domain/hardware.ts";
import type { Fleet } from "../../fleet/fleet.ts";
import type { LocalRedo } from "../../fleet/redo-log.ts";
import type { MigrationMode, MigrationRecord } from "../../moves/record.ts";

export { defaultTimeoutMs } from "../../moves/record.ts";
/** QEMU's own. */
export const defaultMaxDowntimeMs = 300;
/** What a downtime worth measuring is some tens of. */
export const defaultProbeIntervalMs = 5;

/** How a guest is moved. Units are in the names; what is absent is the hypervisor's own default. */
export interface MigrationOptions {
  mode: MigrationMode;
  /** live, hybrid: QEMU switches over when what remains can be sent within this time. Default: QEMU's, 300 ms. */
  maxDowntimeMs?: number;
  /**
   * Moves of a running guest: ceiling of the transfer, in post-copy too; moves that leave or enter a host at the same time share it.
   * Default: none.
   */
  bandwidthMiBps?: number;
  /** hybrid: when pre-copy ends and post-copy begins; the first of both. Default: after one pass. */
  hybrid?: { afterPasses?: number | undefined; afterMs?: number | undefined };
  /** Moves of a running guest: TCP port at the destination. Default: the first free one of libvirt's, 49152 to 49215. */
  port?: number;
  /** Pre-copy: slows the guest's CPUs down until it converges; percents. Default: it is not slowed down. */
  autoConverge?: { initial?: number | undefined; increment?: number | undefined };
  /** Pre-copy: of pages that were sent before (xbzrle), or of all that goes over parallel connections. Default: none. */
  compression?: "zlib" | "zstd" | "xbzrle";
  /** Moves of a running guest: how many connections share its memory. Default: one, of another kind. */
  parallelConnections?: number;
  /** Moves of a running guest: plain TCP, TLS, or inside libvirt's own connection. Default: tcp. */
  transport?: "tcp" | "tls" | "tunnelled";
  /** How long the move may take before `onTimeout`. Default 600 000. */
  timeoutMs?: number;
  /**
   * What then becomes of a pre-copy: given up, the guest stays where it was; or brought to its end, by post-copy, or by pausing the guest
   * until it is at the destination. Default: abort.
   */
  onTimeout?: "abort" | "postcopy" | "suspend";
  /** How often a prober on the storage host asks the guest for an answer while it is moved; 0: never. Default 5. */
  probeIntervalMs?: number;
  /** live, offline: let a TCP stream flow to the guest through the move, and say what became of it. Default: no. */
  throughput?: boolean;
}

/** As they are asked for: `auto` leaves the mode open until the guest was measured. */
export type AskedOptions = Omit<MigrationOptions, "mode"> & { mode: MigrationOptions["mode"] | "auto" };

/** What the records say about the conditions of a move besides what is measured. */
export interface Conditions {
  memoryMiB: number;
  workload?: unknown;
  accelerator: "kvm" | "tcg";
  nfsTransport: "kernel" | "userspace";
  /** Where its redo log lies. Absent: on the shared storage. */
  redo?: "local";
}

export interface MigrationRequest {
  guest: string;
  uuid: string;
  /** Host where the guest should run. */
  to: string;
  options: AskedOptions;
  conditions: Conditions;
  /** The guest's IPv4 address, for the prober. Absent or empty: by DHCP, so it is asked for. */
  address?: string;
  /** What it runs with: asked of the destination before the move. Absent: not asked. */
  platform?: GuestPlatform;
  /** Its redo log, where that is on the host where it runs. Absent: on shared storage. */
  redo?: LocalRedo;
  /** How many moves a host takes part in at a time, as source or destination; others wait. Default: 2. */
  concurrentPerHost?: number;
  fleet: Fleet;
  /** Its moves until now, newest first: `auto` learns from them. */
  history?: readonly MigrationRecord[];
  /** Moves of all guests of its stack until now, newest first: predictions follow from them. Default: `history`. */
  known?: readonly MigrationRecord[];
}
