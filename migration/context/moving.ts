import type { Fleet, FleetHost } from "../../fleet/fleet.ts";
import type { FleetSessions } from "../../fleet/observe.ts";
import type { LocalOverlay } from "../../fleet/overlay.ts";
import type { Tell } from "../../fleet/tell.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import type { SshSession } from "../../ssh/session.ts";
import type { IntentRecord } from "./intent-record.ts";

/** One of a move's two hosts. */
export interface Endpoint {
  name: string;
  host: FleetHost;
  session: SshSession;
}

export const endpointOf = (fleet: Fleet, sessions: Pick<FleetSessions, "host">, name: string): Endpoint => ({
  name,
  host: fleet.hosts[name] as FleetHost,
  session: sessions.host(name),
});

/** A move under way: who, from where to where, and the means to do it. What changes while it goes on is in its intent record alone. */
export interface Moving {
  readonly guest: string;
  readonly uuid: string;
  readonly intent: IntentRecord;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** The testbed's other hosts that are on: a person may bring the guest to one of them at any time. */
  readonly others: readonly Endpoint[];
  /** A dead run has left it, and what a person did to it since is not known. */
  readonly isLeft: boolean;
  readonly storage: SshSession;
  readonly options: Readonly<MigrationOptions>;
  /** Its overlay, where that moves along; absent: on shared storage. */
  readonly localOverlay?: LocalOverlay;
  readonly timeoutMs: number;
  /** Aborts when the move is not wanted any more: what can be undone is undone. */
  readonly cancelled: AbortSignal;
  /** Throws when another run may work on the guest by now: to be called before each step. */
  readonly assertLocked: () => void;
  readonly tell: Tell;
}

/** An endpoint of a move, or another host, by its name. */
export const endpointNamed = ({ source, destination, others }: Moving, host: string): Endpoint =>
  [source, destination, ...others].find(({ name }) => name === host) as Endpoint;

/** The overlay that moves along. */
export const overlayOf = ({ guest, localOverlay }: Moving): LocalOverlay => {
  if (!localOverlay)
    throw new Error(`the overlay of guest ${guest} is on shared storage and was to be copied`);
  return localOverlay;
};
