import type { Fleet, FleetHost } from "../../fleet/fleet.ts";
import type { FleetSessions } from "../../fleet/observe.ts";
import type { LocalRedo } from "../../fleet/redo-log.ts";
import type { SshSession } from "../../libvirt/ssh-session.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import type { IntentRecord } from "./intent-record.ts";

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

/** A move under way: who, from where to where, and the means to do it. What changes while it goes on is in its intent record alone. */
export interface Moving {
  readonly guest: string;
  readonly uuid: string;
  readonly intent: IntentRecord;
  readonly source: Station;
  readonly destination: Station;
  /** The testbed's other hosts, to be looked at too: a person may have had a hand in a move that a dead run left. Absent: in one of this run's own. */
  readonly others?: readonly Station[];
  readonly storage: SshSession;
  readonly options: Readonly<MigrationOptions>;
  /** Its redo log, where that moves along; absent: on shared storage. */
  readonly redo?: LocalRedo;
  readonly timeoutMs: number;
  /** Aborts when the move is not wanted any more: whatever has a way back takes it. */
  readonly cancelled: AbortSignal;
  /** Throws when another run may work on the guest by now: to be called before each step. */
  readonly assertLocked: () => void;
  /** Shows a line of progress to the person. */
  readonly tell: (line: string) => void;
}

/** The end of a move, or another host, by its name. */
export const stationNamed = ({ source, destination, others = [] }: Moving, host: string): Station =>
  [source, destination, ...others].find(({ name }) => name === host) as Station;

/** The redo log that moves along. */
export const redoOf = ({ guest, redo }: Moving): LocalRedo => {
  if (!redo) throw new Error(`the redo log of guest ${guest} is on shared storage and was to be copied`);
  return redo;
};
