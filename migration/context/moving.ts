import type { Fleet, FleetHost } from "../../fleet/fleet.ts";
import type { Intent } from "../../fleet/intent.ts";
import type { FleetSessions } from "../../fleet/observe.ts";
import type { LocalRedo } from "../../fleet/redo-log.ts";
import type { SshSession } from "../../libvirt/ssh-session.ts";
import type { MigrationOptions } from "../../moves/options.ts";

/** One end of a move. */
export interface Station {
  name: string;
  host: FleetHost;
  session: SshSession;
}

export const stationOf = (fleet: Fleet, sessions: Pick<FleetSessions, "host">, name: string): Station => ({
  name,
  host: fleet.hosts[name] as FleetHost,
  session: sessions.host(name),
});

/** A move under way: who, from where to where, and the means to do it. */
export interface Moving {
  guest: string;
  uuid: string;
  intent: Intent;
  intentFile: string;
  source: Station;
  destination: Station;
  /** The testbed's other hosts, to be looked at too: a person may have had a hand in a move that a dead run left. Absent: in one of this run's own. */
  others?: readonly Station[];
  storage: SshSession;
  options: MigrationOptions;
  /** Its redo log, where that moves along; absent: on shared storage. */
  redo?: LocalRedo;
  /** How much of the redo log this program has copied. */
  storageMiB?: number;
  timeoutMs: number;
  /** Aborts when the move is not wanted any more: whatever has a way back takes it. */
  cancelled: AbortSignal;
  /** Throws when another run may work on the guest by now: to be called before each step. */
  assertLocked: () => void;
  /** Shows a line of progress to the person. */
  tell: (line: string) => void;
}

/** The end of a move, or another host, by its name. */
export const stationNamed = ({ source, destination, others = [] }: Moving, host: string): Station =>
  [source, destination, ...others].find(({ name }) => name === host) as Station;

/** The redo log that moves along. */
export const redoOf = ({ guest, redo }: Moving): LocalRedo => {
  if (!redo) throw new Error(`the redo log of guest ${guest} is on shared storage and was to be copied`);
  return redo;
};
