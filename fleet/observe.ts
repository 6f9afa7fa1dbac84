import { type Sighting, sight, sightAll } from "../libvirt/sighting.ts";
import { HostUnreachable } from "../ssh/errors.ts";
import type { SshSession } from "../ssh/session.ts";
import { withSessions } from "../ssh/session-pool.ts";
import type { Fleet } from "./fleet.ts";
import { isRememberedOff, isSwitchedOff } from "./host-off.ts";
import { type Intent, intentPath, readIntent, readIntents } from "./intent.ts";

/** What all hosts and the storage host say about a guest. */
export interface Observation {
  sightings: Sighting[];
  /** A move that a run began and did not end. */
  intent?: Intent;
}

/** Open connections to every machine of the fleet. */
export interface FleetSessions {
  host: (name: string) => SshSession;
  hosts: SshSession[];
  storage: SshSession;
}

/**
 * Runs `use` with connections to every machine. Throws HostUnreachable: a guest is only absent where a host says so, or where this
 * program has switched the host off.
 */
export async function withFleet<T>(fleet: Fleet, use: (sessions: FleetSessions) => Promise<T>): Promise<T> {
  const names = Object.keys(fleet.hosts).filter((name) => !isRememberedOff(fleet.storage, name));
  let isUsed = false;
  try {
    return await withNamed(names, fleet, (sessions) => {
      isUsed = true;
      return use(sessions);
    });
  } catch (error) {
    // Nothing was begun yet with the others.
    const isSilent = error instanceof HostUnreachable && !isUsed;
    if (!isSilent || !(await isSwitchedOff(fleet, error.host))) throw error;
    return withFleet(fleet, use);
  }
}

function withNamed<T>(
  names: readonly string[],
  fleet: Fleet,
  use: (sessions: FleetSessions) => Promise<T>,
): Promise<T> {
  const targets = [...names.flatMap((name) => fleet.hosts[name]?.ssh ?? []), fleet.storage.ssh];
  return withSessions(targets, (sessions) => {
    const host = (name: string): SshSession => {
      const target = fleet.hosts[name]?.ssh;
      const session = target && sessions.get(target.name);
      if (!session && target)
        throw new Error(
          `Host ${name} is off: it was switched off, or is lost. Nothing can be done there until it is on again`,
        );
      if (!session)
        throw new Error(`There is no host "${name}" in this testbed; its hosts are ${names.join(", ")}`);
      return session;
    };
    const storage = sessions.get(fleet.storage.ssh.name) as SshSession;
    return use({ host, hosts: names.map(host), storage });
  });
}

/** Looks for a guest everywhere at once, and for a move of it that was not ended. Changes nothing. */
export async function observeGuest(
  sessions: FleetSessions,
  fleet: Fleet,
  uuid: string,
): Promise<Observation> {
  const { intentDirectory, formerDirectory } = fleet.storage;
  const [intent, ...sightings] = await Promise.all([
    readIntent(
      sessions.storage,
      intentPath(intentDirectory, uuid),
      formerDirectory && intentPath(formerDirectory, uuid),
    ),
    ...sessions.hosts.map((session) => sight(session, uuid)),
  ]);
  return { sightings, ...(intent ? { intent } : {}) };
}

/** The same, with connections of its own. */
export const lookNow = (fleet: Fleet, uuid: string): Promise<Observation> =>
  withFleet(fleet, (sessions) => observeGuest(sessions, fleet, uuid));

/** What one look at every machine showed. */
export interface FleetView {
  /** Of any guest. */
  guest(uuid: string): Promise<Observation>;
  /** The guests that have a name: each of a host, by its uuid. */
  named(name: string): { readonly host: string; readonly uuid: string }[];
}

/** Looks for all guests everywhere at once: one command a machine, however many guests there are. Changes nothing. */
export async function observeFleet(fleet: Fleet): Promise<FleetView> {
  const { intentDirectory, formerDirectory } = fleet.storage;
  const [intentOf, ...hosts] = await withFleet(fleet, (sessions) =>
    Promise.all([
      readIntents(sessions.storage, intentDirectory, formerDirectory),
      ...sessions.hosts.map(async (session) => ({
        host: session.target.name,
        view: await sightAll(session),
      })),
    ]),
  );
  return {
    async guest(uuid) {
      const sightings = hosts.map(({ view }) => view.guest(uuid));
      // The guest came while a host was asked.
      if (!sightings.every((each) => each !== undefined)) return lookNow(fleet, uuid);
      const intent = intentOf(uuid);
      return { sightings, ...(intent ? { intent } : {}) };
    },
    named: (name) =>
      hosts.flatMap(({ host, view }) => {
        const uuid = view.named(name);
        return uuid === undefined ? [] : [{ host, uuid }];
      }),
  };
}
