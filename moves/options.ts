import type { MigrationMode } from "./modes.ts";

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

/** How long a move may take that is not given another time. */
export const defaultTimeoutMs = 600_000;

/** Whether libvirt is to be ready for post-copy. */
export const mayUsePostcopy = ({ mode, onTimeout }: AskedOptions): boolean =>
  mode === "postcopy" || mode === "hybrid" || (mode === "live" && onTimeout === "postcopy");
