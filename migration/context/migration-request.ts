import type { GuestPlatform } from "../../domain/hardware.ts";
import type { Fleet } from "../../fleet/fleet.ts";
import type { LocalOverlay } from "../../fleet/overlay.ts";
import type { AskedOptions } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";

/** What the records say about the conditions of a move other than what is measured. */
export interface Conditions {
  memoryMiB: number;
  workload?: MigrationRecord["workload"];
  accelerator: "kvm" | "tcg";
  nfsTransport: "kernel" | "userspace";
  /** Where its overlay lies. Absent: on the shared storage. */
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
  /** Its overlay, where that is on the host where it runs. Undefined: on shared storage. Not optional, so that nobody forgets it. */
  localOverlay: LocalOverlay | undefined;
  /** How many moves a host takes part in at a time, as source or destination; others wait. Default: `defaultConcurrentPerHost`. */
  concurrentPerHost?: number;
  /** Which one it is among the moves of its policy's decision: those that wait take their turns so. Default: the one that is done soonest goes first. */
  turn?: number;
  /** With how many other moves it is expected to share its hosts, on average over its time. Default: as many as the queue shows at its turn. */
  others?: number;
  fleet: Fleet;
  /** Its moves until now, newest first: `auto` learns from them. */
  history?: readonly MigrationRecord[];
  /** Moves of all guests of its stack until now, newest first: predictions follow from them. Default: `history`. */
  known?: readonly MigrationRecord[];
}
