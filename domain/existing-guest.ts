import type { Fleet } from "../fleet/fleet.ts";
import { observeGuest, withFleet } from "../fleet/observe.ts";
import { whereabouts } from "../fleet/whereabouts.ts";
import type { DomainSpec } from "../libvirt/domain-xml.ts";
import { virsh } from "../libvirt/virsh.ts";
import { withoutEntities } from "../libvirt/xml.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import { specOfDefinition } from "./own-definition.ts";

/** A guest that a person, or another program, has made. */
interface ExistingGuest {
  spec: DomainSpec;
  vncPassword?: string;
  /** Where it is. */
  host: string;
  /** As libvirt says: running, paused; "off". */
  state: string;
}

/**
 * Reads a guest that is on one of a fleet's hosts. Changes nothing.
 *
 * @throws when it is on none of them, on several, in the middle of a move, or such that it could not be looked after; GuestActiveTwice,
 *   HostUnreachable
 */
export function readExistingGuest(name: string, fleet: Fleet): Promise<ExistingGuest> {
  return withFleet(fleet, async (sessions) => {
    const names = sessions.hosts.map(({ target }) => target.name);
    const uuids = await Promise.all(sessions.hosts.map((session) => uuidOf(session, name)));
    const [uuid, ...others] = [...new Set(uuids.filter((each) => each !== ""))];
    if (uuid === undefined)
      throw refusal(name, `is on none of ${names.join(", ")}`, "See its name with `virsh list --all`");
    if (others.length > 0)
      throw refusal(name, `is another one on each of ${namesWhere(names, uuids)}`, "Name it by its UUID");
    const { sightings, intent } = await observeGuest(sessions, fleet, uuid);
    const place = whereabouts(name, sightings);
    const held = sightings.filter(({ persistent }) => persistent);
    if (intent || place.kind === "nowhere" || held.length > 1)
      throw refusal(
        name,
        intent
          ? `is in the middle of a move from ${intent.from} to ${intent.to}`
          : `is defined on ${held.length === 0 ? "no host for good" : held.map(({ host }) => host).join(" and ")}`,
        "Leave it defined on the one host where it is to stay (virsh undefine, virsh define)",
      );
    const session = sessions.host(place.host);
    const [definition, secret] = await Promise.all([
      dump(session, name, uuid, []),
      dump(session, name, uuid, ["--security-info"]),
    ]);
    const spec = specIn(name, definition);
    const { overlayPath, server } = spec.storage;
    const { stdout } = await sessions.storage.run(
      `looking for the disk of guest ${name}`,
      `[ -f ${quote(overlayPath)} ] && echo there || true`,
    );
    if (stdout.trim() === "")
      throw refusal(
        name,
        `has its disk in ${overlayPath}, and that is no file on ${sessions.storage.target.name}`,
        "Its disk must lie on the export, which the hosts mount at the same path as the storage host has it",
      );
    const password = /<graphics\b[^>]* passwd='([^']*)'/.exec(secret)?.[1];
    return {
      spec: { ...spec, storage: { ...spec.storage, server: server || fleet.storage.ssh.address } },
      ...(password !== undefined && { vncPassword: withoutEntities(password) }),
      host: place.host,
      state: place.kind === "active" ? place.sighting.state : "off",
    };
  });
}

async function uuidOf(session: SshSession, guest: string): Promise<string> {
  const { stdout } = await virsh(session, `looking for guest ${guest}`, ["domuuid", guest], {
    allowFailure: true,
  });
  return stdout.trim();
}

const namesWhere = (names: readonly string[], uuids: readonly string[]): string =>
  names.filter((_, at) => uuids[at] !== "").join(" and ");

async function dump(session: SshSession, name: string, uuid: string, options: string[]): Promise<string> {
  const { stdout } = await virsh(session, `reading the definition of guest ${name}`, [
    "dumpxml",
    "--inactive",
    ...options,
    uuid,
  ]);
  return stdout;
}

function specIn(name: string, definition: string): DomainSpec {
  try {
    return specOfDefinition(definition);
  } catch (error) {
    throw refusal(name, (error as Error).message, "Change that, or move the guest by other means");
  }
}

const refusal = (guest: string, why: string, what: string): Error =>
  new Error(`Guest ${guest} can't be imported: it ${why}. Nothing was changed. ${what}.`);
