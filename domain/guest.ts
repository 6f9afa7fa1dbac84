import { dirname } from "node:path/posix";
import { refuseCrashed } from "../fleet/crashed.ts";
import { isSaveStale } from "../fleet/disk-stamp.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { type GuestSessions, withGuest } from "../fleet/guest-lock.ts";
import { clearIntent, intentPath } from "../fleet/intent.ts";
import { discardNvram, makeNvram } from "../fleet/nvram.ts";
import { type FleetSessions, type FleetView, type Observation, observeGuest } from "../fleet/observe.ts";
import { refuseOlderDisk } from "../fleet/older-disk.ts";
import { discardOverlay, localOverlayOf } from "../fleet/overlay.ts";
import { clearPlace } from "../fleet/queue-place.ts";
import { lookAfresh } from "../fleet/shared-view.ts";
import { discardStateFiles } from "../fleet/state-file.ts";
import type { Tell } from "../fleet/tell.ts";
import { removeTokens } from "../fleet/tokens.ts";
import { isActive, type Whereabouts, whereabouts } from "../fleet/whereabouts.ts";
import type { Belongings } from "../libvirt/belongings.ts";
import { consoleLogPath, type DomainSpec, domainXml } from "../libvirt/domain-xml.ts";
import { discardSave } from "../libvirt/managed-save.ts";
import { pastStaleJob } from "../libvirt/stale-job.ts";
import { undefine } from "../libvirt/undefine.ts";
import { virsh } from "../libvirt/virsh.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import {
  askAbout,
  type ByHand,
  byHand,
  diskHolder,
  refuseLoss,
  refuseNewerDisk,
  refuseOtherDisk,
  tellOf,
} from "./by-hand.ts";
import { hostWithDisk } from "./disk-host.ts";
import { shutDown } from "./power.ts";
import type { GuestRequest } from "./request.ts";

interface GuestState {
  /** Where it runs. */
  host: string;
  /** It was off, or new, and has been started as it is declared; not one that went on from a saved memory or with what it was given by hand. */
  booted: boolean;
  /** It was on no host before. */
  isNew?: true;
}

/**
 * Makes sure that the guest is defined once and runs: where it runs it is left alone, where it is off it is started with its present
 * definition (with its platform renewed, unless a person changed it), and where it is nowhere it is defined on `request.host`. Throws
 * HostUnreachable, GuestActiveTwice, GuestCrashed, CommandFailed.
 */
export function ensureRunning(request: GuestRequest, tell: Tell): Promise<GuestState> {
  const { spec, fleet } = request;
  return withGuest(
    { guest: spec.name, uuid: spec.uuid, doing: "starting it" },
    fleet,
    tell,
    async (sessions) => {
      const view = await lookAfresh(fleet);
      const { place, definedOn } = settled(spec, await view.guest(spec.uuid));
      if (place.kind === "active") {
        refuseCrashed(spec.name, place.sighting);
        return { host: place.host, booted: false };
      }
      if (place.kind === "nowhere") refuseNamesakes(spec, view);
      const host = await hostWithDisk(request, place, sessions);
      const session = sessions.host(host);
      if (place.kind === "nowhere") {
        await refuseNewerDisk(spec, diskHolder(spec, session, sessions.storage), session);
        tell(`${spec.name}: booting it on ${host}`);
        sessions.assertLocked();
        await define(session, request, sessions);
        await start(session, spec, tell);
        return { host, booted: true, isNew: true };
      }
      const { belongings } = await askAbout(session, spec);
      const hand = handOf(spec, belongings);
      refuseOtherDisk(spec, host, hand);
      await refuseOlderDiskOf(spec, session, definedOn, sessions);
      const kept = tellOf(spec, hand, false);
      const isSaved =
        belongings?.isSaved === true && !(await discardStaleSave(spec, session, sessions, tell));
      tell(`${spec.name}: is off; starting it on ${host}${isSaved ? ", from its saved memory" : ""}`);
      for (const line of kept) tell(line);
      sessions.assertLocked();
      // What was saved goes on as it was; and what a person gave the guest stays.
      const isAsMade = kept.length === 0 && !isSaved;
      if (isAsMade) await define(session, request, sessions);
      await start(session, spec, tell);
      return { host, booted: isAsMade };
    },
  );
}

/** A guest must not go on from a memory that a person saved if its disk was written to since then. */
async function discardStaleSave(
  { name, uuid, storage }: DomainSpec,
  host: SshSession,
  sessions: GuestSessions,
  tell: Tell,
): Promise<boolean> {
  const localOverlay = localOverlayOf(storage);
  const guest = { guest: name, uuid, storage: sessions.storage, ...(localOverlay && { localOverlay }) };
  if (!(await isSaveStale(guest, host))) return false;
  sessions.assertLocked();
  tell(
    `${name}: its memory was saved on ${host.target.name}, and its disk was written to since; discarding that memory`,
  );
  await discardSave(host, name, uuid);
  return true;
}

const handOf = (spec: DomainSpec, belongings: Belongings | undefined): ByHand =>
  belongings?.definition ? byHand(spec, belongings.definition) : { added: [], changed: [] };

/**
 * Says what speaks against the start of a guest that is off, or against giving one its new hardware, and tells what becomes of what was
 * done to it by hand; changes nothing.
 */
export async function refuseStart(
  before: DomainSpec,
  session: SshSession,
  redefines: boolean,
  tell: Tell,
): Promise<void> {
  const hand = handOf(before, (await askAbout(session, before)).belongings);
  const host = session.target.name;
  refuseOtherDisk(before, host, hand);
  if (redefines) refuseLoss(before, host, hand);
  for (const line of tellOf(before, hand, redefines)) tell(line);
}

/**
 * Gives the guest its new definition where it is, which takes a restart: it is shut down, redefined and started. Throws when it does not
 * shut down in time; it then still runs as it was.
 */
export function redefine(request: GuestRequest, before: DomainSpec, tell: Tell): Promise<GuestState> {
  const { spec, fleet } = request;
  return withGuest(
    { guest: spec.name, uuid: spec.uuid, doing: "changing its hardware" },
    fleet,
    tell,
    async (sessions) => {
      const { place, definedOn } = settled(spec, await observeGuest(sessions, fleet, spec.uuid));
      const host = await hostWithDisk(request, place, sessions);
      const session = sessions.host(host);
      if (place.kind === "nowhere")
        await refuseNewerDisk(spec, diskHolder(spec, session, sessions.storage), session);
      else {
        await refuseStart(before, session, true, tell);
        if (place.kind === "inactive") await refuseOlderDiskOf(before, session, definedOn, sessions);
        const isSaved = place.kind === "inactive" && (await askAbout(session, spec)).belongings?.isSaved;
        if (isSaved && !(await discardStaleSave(spec, session, sessions, tell))) {
          // libvirt would start it with the definition in the saved memory, not the new one.
          tell(`${spec.name}: starting it on ${host} from its saved memory`);
          sessions.assertLocked();
          await start(session, spec, tell);
          await shutDown(session, spec);
        }
      }
      if (place.kind === "active") {
        tell(`${spec.name}: shutting it down on ${host} to change its hardware`);
        await shutDown(session, spec);
      }
      tell(`${spec.name}: starting it on ${host}`);
      sessions.assertLocked();
      await define(session, request, sessions);
      await start(session, spec, tell);
      return { host, booted: true };
    },
  );
}

/**
 * Removes the guest wherever it is: the running copy, definitions, state files, intent record, place in the queue, tokens, UEFI variables,
 * console log and an overlay on a host's own disk. One on shared storage stays.
 */
export function remove(guest: DomainSpec, fleet: Fleet, tell: Tell): Promise<void> {
  const localOverlay = localOverlayOf(guest.storage);
  const shared = dirname(localOverlay ? localOverlay.basePath : guest.storage.overlayPath);
  return withGuest(
    { guest: guest.name, uuid: guest.uuid, doing: "removing it" },
    fleet,
    tell,
    async (sessions) => {
      const { sightings } = await observeGuest(sessions, fleet, guest.uuid);
      await Promise.all(
        sightings.map(async (sighting) => {
          const session = sessions.host(sighting.host);
          sessions.assertLocked();
          if (sighting.state !== "absent") {
            const { otherDisk } = handOf(guest, (await askAbout(session, guest)).belongings);
            if (otherDisk !== undefined)
              tell(`${guest.name}: ${otherDisk}, which it wrote to and which this stack did not make, stays`);
          }
          if (isActive(sighting)) await virsh(session, `ending guest ${guest.name}`, ["destroy", guest.uuid]);
          if (sighting.persistent)
            await undefine(session, `removing guest ${guest.name}`, guest.uuid, tell, "remove");
          await discardStateFiles(session, guest.uuid);
          if (localOverlay) await discardOverlay(session, localOverlay);
          await session.run("removing its console log", `rm -f ${quote(consoleLogPath(guest.name))}*`);
        }),
      );
      if (guest.firmware) await discardNvram(guest.firmware, sessions.storage);
      const { intentDirectory, formerDirectory } = fleet.storage;
      const intentFile = intentPath(intentDirectory, guest.uuid);
      await clearIntent(sessions.storage, intentFile);
      await clearPlace(sessions.storage, intentDirectory, guest.uuid);
      await removeTokens(sessions.storage, guest.uuid, [shared]);
      // A run that waits for the file finds it gone, and makes a new one.
      const link = formerDirectory && ` && rm -f ${quote(formerDirectory)}`;
      sessions.assertLocked();
      await sessions.storage.run(
        "removing its lock",
        `rm -f ${quote(`${intentFile}.lock`)}; rmdir ${quote(intentDirectory)} 2>/dev/null${link ?? ""} || true`,
      );
    },
  );
}

/** Where the guest is, and where it is defined and off. Changes nothing. Throws when a move of it is unfinished: Migration must end that first. */
function settled(
  { name }: DomainSpec,
  { sightings, intent }: Observation,
): { place: Whereabouts; definedOn: string[] } {
  if (intent) {
    throw new Error(
      `Guest ${name} cannot be changed: a run died while moving it from ${intent.from} to ${intent.to} (${intent.mode}). ` +
        "Nothing was changed. Undo the change of its hardware, run `pulumi up` so that the move is ended, and make the change again.",
    );
  }
  const definedOn = sightings.filter(({ state }) => state === "inactive").map(({ host }) => host);
  return { place: whereabouts(name, sightings), definedOn };
}

/** Throws where a guest that is off may have written to other files since than it is defined with on the host that was chosen. */
const refuseOlderDiskOf = (
  spec: DomainSpec,
  host: SshSession,
  definedOn: readonly string[],
  sessions: FleetSessions,
): Promise<void> =>
  refuseOlderDisk({
    guest: spec.name,
    uuid: spec.uuid,
    host,
    definedOn: definedOn.map(sessions.host).filter((session) => session !== host),
    keeper: diskHolder(spec, host, sessions.storage),
  });

/** Two guests of one name cannot be on a host, and one that we did not make is not ours to replace. */
function refuseNamesakes({ name, uuid }: DomainSpec, view: FleetView): void {
  const other = view.named(name).find((each) => each.uuid !== uuid);
  if (!other) return;
  throw new Error(
    `Host ${other.host} has a guest named ${name} already (uuid ${other.uuid}), which this stack did not make. ` +
      "Nothing was changed. Give the guest another name in the stack's config, or remove the other one.",
  );
}

async function define(
  session: SshSession,
  { spec, vncPassword }: GuestRequest,
  { storage }: FleetSessions,
): Promise<void> {
  if (spec.firmware) await makeNvram(spec.firmware, session, storage);
  const input = domainXml(spec, vncPassword);
  await virsh(session, `defining guest ${spec.name}`, ["define", "/dev/stdin"], { input });
}

async function start(session: SshSession, { name, uuid }: DomainSpec, tell: Tell): Promise<void> {
  await pastStaleJob(session, uuid, tell, () => virsh(session, `starting guest ${name}`, ["start", uuid]));
}
