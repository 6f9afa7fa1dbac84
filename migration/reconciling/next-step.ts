import { refuseCrashed } from "../../fleet/crashed.ts";
import type { Intent } from "../../fleet/intent.ts";
import type { OverlayPresence } from "../../fleet/overlay.ts";
import { GuestActiveTwice, hasPart, isActive, isUnlinked } from "../../fleet/whereabouts.ts";
import type { Sighting } from "../../libvirt/sighting.ts";
import { boots, movesRunning, savesMemory } from "../../moves/modes.ts";

/** All that decides how a begun move goes on. */
export interface World {
  source: Sighting;
  destination: Sighting;
  /** The testbed's other hosts, to which only a person can have brought the guest. Absent: they were not asked. */
  others?: readonly Sighting[];
  /** A complete state file (a saved memory) at either endpoint; an incomplete one is worth nothing. */
  stateAtSource: boolean;
  stateAtDestination: boolean;
  /**
   * Whether the disk at either endpoint was written to since the intent noted it: the one whose memory was saved, or whose overlay was
   * copied; and that copy. Absent: it was not noted, or is gone.
   */
  written?: Partial<Record<End, boolean>>;
  /** Hosts with a memory that a person saved (virsh managedsave), and that is older than the disk. */
  staleSaves?: readonly string[];
  /**
   * The overlay at either endpoint; absent: on shared storage. What is at the destination is whole and current as long as the guest is
   * defined there: libvirt, or a copy that is complete, precedes the definition, and the definition goes before the source runs again.
   */
  overlays?: Record<End, OverlayPresence>;
  /** Where the overlay was written to last, where both endpoints have one and none was noted. Absent: their times tell nothing. */
  newerOverlay?: End;
}

export type End = "source" | "destination";

/** Why a guest that is off is booted. */
export type BootReason =
  /** It is what its mode does. */
  | "moved"
  /** The same, but the destination cannot have it. */
  | "put back"
  /** No usable copy of its memory is left. */
  | "memory lost"
  /** It is not booted: it goes on from a memory that a person saved there. */
  | "saved"
  /** Its memory was saved, and its disk was written to since then: someone started it. */
  | "disk written"
  /** It was shut down, from inside or by a person. */
  | "shut down";

/** A boot of a guest that is moved with its memory. */
export type UnplannedBoot = Exclude<BootReason, "moved" | "put back" | "saved">;

/** The one thing to do next. Each is idempotent, and each brings the world nearer to `settled`. */
export type Step =
  /** It shuts down, or a job of libvirt's still works on it: see what comes of it. */
  | { do: "wait-for-job"; at: End }
  /** Ends a copy that has not run since the other took over, or whose memory can no longer become whole. */
  | { do: "destroy"; at: End }
  | { do: "undefine"; at: End }
  /** Lets a paused copy run. */
  | { do: "resume"; at: End }
  /** From here on the saved memory is stale, or the source's memory where the destination has the whole of it. */
  | { do: "mark-resuming" }
  /** A guest that was restored at the destination goes, and has not run there: its memory is as good as when it was saved. */
  | { do: "mark-begun" }
  /** What arrived at the destination is not whole and has never run: the source has all of the memory, and may keep it. */
  | { do: "mark-returning" }
  /** The memory was saved, but its disk is not noted yet; nobody has started the guest in between. */
  | { do: "note-disk" }
  /** Each endpoint has a part of the memory, and they lost each other: connects them again. */
  | { do: "resume-postcopy" }
  | { do: "copy-state" }
  /** The guest is off: its overlay goes to the destination. */
  | { do: "copy-overlay" }
  /** From the state file, still paused. */
  | { do: "restore"; at: End }
  | { do: "discard-state" }
  | { do: "discard-overlay"; at: End }
  /** A memory that a person saved, and that libvirt would start the guest with although its disk is newer. */
  | { do: "discard-save"; host: string }
  /** As it is defined at the other endpoint. */
  | { do: "define"; at: End }
  | { do: "start"; at: End; why: BootReason }
  /** A person has left it, or its memory, on another host alone: it is started there. */
  | { do: "start-elsewhere"; host: string; why: BootReason }
  /** It runs once, at this endpoint, and nothing is left over. */
  | { do: "settled"; at: End }
  /** It runs once, on another host: a person has brought it there. Definitions elsewhere are for `leftovers.ts`. */
  | { do: "settled-elsewhere"; host: string };

/**
 * What to do next about a move that was begun, by this run or by one that died: decided from the world as it is. The move's first
 * action (transfer, save, shutdown) is the caller's; from then on, moving and recovering are the same.
 *
 * @param goBack the destination cannot be had, or is not wanted any more: a guest that has not run there is put back at the source
 *
 * Throws GuestActiveTwice, GuestCrashed, and when only a person can tell which disk is right, or the guest is defined nowhere.
 */
export function nextStep(intent: Intent, world: World, goBack = false): Step {
  const step = decide(intent, world, goBack);
  if (endsUnusedCopy(intent, world, step)) return { do: "mark-begun" };
  const runsAtSource =
    (step.do === "resume" || step.do === "restore" || step.do === "start") && step.at === "source";
  // From then on a copy of its overlay is stale; and one that was written to, or has a snapshot over it now, the destination may not know.
  return runsAtSource && (world.overlays || world.written?.source) && world.destination.state === "inactive"
    ? { do: "undefine", at: "destination" }
    : step;
}

/**
 * A copy that was marked to run goes, and libvirt knows that it has not run: the mark goes first, or a later run would hold what someone
 * else wrote to the disk for that copy's.
 */
const endsUnusedCopy = ({ mode, phase }: Intent, { destination }: World, step: Step): boolean =>
  savesMemory(mode) &&
  phase === "resuming" &&
  step.do === "destroy" &&
  step.at === "destination" &&
  hasNeverRun(destination);

function decide(intent: Intent, world: World, goBack: boolean): Step {
  const { source, destination, others = [] } = world;
  const elsewhere = others.filter(isActive);
  if (elsewhere.length > 0) return broughtElsewhere(intent, world, elsewhere);
  if (isActive(source) && isActive(destination)) refuseTwo(intent, source, destination);

  if (hasPart(source) || hasPart(destination)) return inPostcopy(world);
  const busy = [source, destination].find(({ job, state }) => job !== undefined || state === "stopping");
  if (busy) return { do: "wait-for-job", at: busy === source ? "source" : "destination" };

  for (const end of [source, destination]) refuseCrashed(intent.guest, end);
  if (destination.state === "running") return releaseSource(intent, world);
  if (source.state === "running") return releaseDestination(world);
  if (destination.state === "paused") return pausedAtDestination(intent, world, goBack);
  if (source.state === "paused") return pausedAtSource(intent, world);
  return runsNowhere(intent, world, goBack);
}

/** Someone has the guest run on a host that is no endpoint of the move. */
function broughtElsewhere(intent: Intent, world: World, elsewhere: readonly Sighting[]): Step {
  const { source, destination } = world;
  const active = [source, destination, ...elsewhere].filter(isActive);
  // What has never run, and is not whole or was only restored, is worth nothing beside what runs.
  const isWorthless = (end: Sighting) =>
    hasNeverRun(end) && end.job === undefined && (savesMemory(intent.mode) || !end.persistent);
  if (elsewhere.length === 1 && elsewhere[0]?.state === "running") {
    if (isWorthless(destination)) return { do: "destroy", at: "destination" };
    if (isWorthless(source)) return { do: "destroy", at: "source" };
  }
  if (active.length > 1) {
    throw new GuestActiveTwice(intent.guest, active);
  }
  if (world.stateAtSource || world.stateAtDestination) return { do: "discard-state" };
  const [{ host } = { host: "" }] = active;
  return { do: "settled-elsewhere", host };
}

/** libvirt's reason for the state of a guest that it has let in, or restored, and that has not run since. */
const arrived = "migrating";
const hasNeverRun = ({ state, reason }: Sighting): boolean => state === "paused" && reason === arrived;

/** It runs, or crashed or was paused after it had run: by a person or its disk. Neither libvirt nor this program leaves an endpoint like that. */
const hasRun = ({ state, reason }: Sighting): boolean =>
  ["running", "crashed"].includes(state) ||
  (state === "paused" && ["user", "ioerror", "watchdog"].includes(reason));

/** Throws when both may have run on: then only a person can tell which one is right. */
function refuseTwo({ guest, mode, phase }: Intent, source: Sighting, destination: Sighting): void {
  const bothMayHaveRun = movesRunning(mode)
    ? // A source that was let run while the destination has a part of its memory, or has run.
      ["running", "crashed"].includes(source.state) && (hasRun(destination) || hasPart(destination))
    : // A move of a guest that is off lets only one of them run.
      boots(mode) || (hasRun(source) ? !hasNeverRun(destination) : phase === "resuming");
  if (bothMayHaveRun) throw new GuestActiveTwice(guest, [source, destination]);
}

/** Post-copy has begun: the guest goes on at the destination or nowhere. */
function inPostcopy({ source, destination }: World): Step {
  if (isActive(source) && isActive(destination)) {
    const pulled = destination.state === "running" && !hasPart(destination);
    const works = [source, destination].find((end) => end.job !== undefined && !isUnlinked(end));
    if (isUnlinked(source) || isUnlinked(destination) || !works) {
      return pulled ? { do: "destroy", at: "source" } : { do: "resume-postcopy" };
    }
    return { do: "wait-for-job", at: works === source ? "source" : "destination" };
  }
  // The other one died, and with it a part of the memory; unless libvirt is just about to say that all is done.
  const [left, at]: [Sighting, End] = isActive(source) ? [source, "source"] : [destination, "destination"];
  return left.job !== undefined && !isUnlinked(left) ? { do: "wait-for-job", at } : { do: "destroy", at };
}

/** The move succeeded: what is left at the source goes. */
function releaseSource(
  { guest, to, from }: Intent,
  { source, stateAtSource, stateAtDestination, overlays }: World,
): Step {
  if (isActive(source)) return { do: "destroy", at: "source" };
  if (source.state === "inactive") return { do: "undefine", at: "source" };
  if (stateAtSource || stateAtDestination) return { do: "discard-state" };
  if (overlays && overlays.source !== "absent") {
    if (overlays.destination === "file") return { do: "discard-overlay", at: "source" };
    throw new Error(
      `Guest ${guest} runs on ${to}, and its overlay is not there but on ${from}. Nothing was removed. ` +
        `Someone has taken it away while it is open: keep the guest running, and copy its disk (virsh blockcopy).`,
    );
  }
  return { do: "settled", at: "destination" };
}

/** The guest never left: what was prepared at the destination goes. */
function releaseDestination({ destination, stateAtSource, stateAtDestination, overlays }: World): Step {
  if (isActive(destination)) return { do: "destroy", at: "destination" };
  if (destination.state === "inactive") return { do: "undefine", at: "destination" };
  if (stateAtSource || stateAtDestination) return { do: "discard-state" };
  if (overlays && overlays.destination !== "absent") return { do: "discard-overlay", at: "destination" };
  return { do: "settled", at: "source" };
}

/** libvirt stopped it for a save or switchover that did not happen, or it was put back. */
function pausedAtSource(intent: Intent, world: World): Step {
  const { source, destination } = world;
  // It has run at the destination and died there; or it may have, since post-copy was about to begin.
  const isStale =
    movesRunning(intent.mode) && (destination.state === "inactive" || intent.phase === "postcopy");
  // What arrived there is gone, and was not ended here: it may have run before someone removed it.
  const mayBeStale = movesRunning(intent.mode) && hasNeverRun(source) && intent.phase !== "returning";
  if (isStale || mayBeStale) return { do: "destroy", at: "source" };
  const isRestored = hasSaved(world) && hasNeverRun(source);
  if (isRestored && !fitsItsDisk(world)) return { do: "destroy", at: "source" };
  return hasSaved(world) && intent.phase === "begun"
    ? { do: "mark-resuming" }
    : { do: "resume", at: "source" };
}

const hasSaved = ({ stateAtSource, stateAtDestination }: World): boolean =>
  stateAtSource || stateAtDestination;

/** Whether nobody has written to the disk since the memory was saved, nor to its copy. */
const fitsItsDisk = ({ written }: World): boolean => written?.source === false && !written.destination;

function pausedAtDestination(intent: Intent, world: World, goBack: boolean): Step {
  const { source, destination } = world;
  if (savesMemory(intent.mode)) return restoredAtDestination(intent, world, goBack);
  // libvirt writes the guest's definition at the destination once the source has sent all of its memory (or has begun a post-copy),
  // right before it runs there: from then on the source's memory may be stale. Until then the source has the whole of it.
  const incomplete = !destination.persistent && (isActive(source) || destination.reason === arrived);
  if (incomplete) {
    const isToBeMarked = isActive(source) && intent.phase !== "returning";
    return isToBeMarked ? { do: "mark-returning" } : { do: "destroy", at: "destination" };
  }
  // Once the source is gone, the mark tells that it was ended here, and not by someone who had let it run.
  const isMarked = intent.phase === "resuming";
  if (isActive(source)) return isMarked ? { do: "destroy", at: "source" } : { do: "mark-resuming" };
  const someoneEndedSource = source.reason === "destroyed" || source.reason === "shutdown";
  return isMarked || !someoneEndedSource
    ? { do: "resume", at: "destination" }
    : { do: "destroy", at: "destination" };
}

function restoredAtDestination({ phase }: Intent, world: World, goBack: boolean): Step {
  const { source, destination } = world;
  // A guest that runs at the source was started by someone, after the memory was saved.
  if (isActive(source)) return { do: "destroy", at: hasNeverRun(source) ? "source" : "destination" };
  if (!hasNeverRun(destination)) {
    return phase === "resuming" ? { do: "resume", at: "destination" } : { do: "mark-resuming" };
  }
  if (!fitsItsDisk(world)) {
    return mayBeNoted(world) ? { do: "note-disk" } : { do: "destroy", at: "destination" };
  }
  if (goBack && world.stateAtSource) return { do: "destroy", at: "destination" };
  // Restored in full: only the mark stands between it and running.
  return phase === "resuming" ? { do: "resume", at: "destination" } : { do: "mark-resuming" };
}

/** The run died right after the save, before it could note the disk; libvirt knows that nobody has started the guest there since. */
const mayBeNoted = ({ source, destination, others = [], written }: World): boolean =>
  written?.source === undefined &&
  source.state === "inactive" &&
  source.reason === "saved" &&
  !source.isSaved &&
  [destination, ...others].every(({ state }) => state === "absent");

function runsNowhere(intent: Intent, world: World, goBack: boolean): Step {
  if (savesMemory(intent.mode) && hasSaved(world)) {
    if (intent.phase !== "begun") return { do: "discard-state" };
    if (!fitsItsDisk(world)) return mayBeNoted(world) ? { do: "note-disk" } : { do: "discard-state" };
    return fromStateFile(world, goBack);
  }
  const { source, destination, others = [], staleSaves = [] } = world;
  const saved = [source, destination, ...others].filter(({ isSaved }) => isSaved);
  const stale = saved.find(({ host }) => staleSaves.includes(host));
  if (stale) return { do: "discard-save", host: stale.host };
  const fromSave = saved[0] && startFromSave(saved[0], world, goBack);
  if (fromSave) return fromSave;
  if (source.state !== "inactive" && destination.state !== "inactive") {
    return definedElsewhere(intent, others);
  }
  if (world.overlays) refuseTwoOverlays(intent, world);
  return boots(intent.mode) ? bootedByMode(world, goBack) : bootedAnew(intent, world, goBack);
}

/** Whatever the mode: what a person saved is whole, and nothing has written to the disk since. */
function startFromSave(
  saved: Sighting,
  { source, destination, overlays }: World,
  goBack: boolean,
): Step | undefined {
  const why = "saved";
  const canGoBack = goBack && overlays === undefined && source.state === "inactive";
  if (saved === destination && canGoBack) return { do: "start", at: "source", why: "memory lost" };
  if (saved === source && overlays?.destination !== "file") return { do: "start", at: "source", why };
  if (saved === destination && overlays?.source !== "file") return { do: "start", at: "destination", why };
  const isElsewhere = saved !== source && saved !== destination && overlays === undefined;
  return isElsewhere ? { do: "start-elsewhere", host: saved.host, why } : undefined;
}

function fromStateFile(world: World, goBack: boolean): Step {
  if (goBack && world.stateAtSource) return { do: "restore", at: "source" };
  const toCopy = world.stateAtSource ? copyOfOverlay(world) : undefined;
  if (toCopy) return toCopy;
  if (world.stateAtDestination) return { do: "restore", at: "destination" };
  return { do: "copy-state" };
}

/** What brings the overlay and then the definition to the destination; undefined: both are there, or the disk is shared. */
function copyOfOverlay({ destination, overlays, written }: World): Step | undefined {
  if (overlays === undefined || destination.state === "inactive") return undefined;
  // Whole and noted; or someone wrote to it and undefined the guest later.
  const isCopied = overlays.destination === "file" && written?.destination !== undefined && !written.source;
  return isCopied ? { do: "define", at: "destination" } : { do: "copy-overlay" };
}

function definedElsewhere({ guest, from, to, mode }: Intent, others: readonly Sighting[]): Step {
  const [other, another] = others.filter(({ state }) => state === "inactive");
  if (other && !another) return { do: "start-elsewhere", host: other.host, why: "memory lost" };
  const where = another
    ? `defined on ${others
        .filter(({ state }) => state === "inactive")
        .map(({ host }) => host)
        .join(" and ")}`
    : "defined on no host";
  throw new GuestNowhere(
    `Guest ${guest} was being moved from ${from} to ${to} (${mode}), and is off and ${where} now. Its disk is untouched. ` +
      (another
        ? `Keep the definition that is right (virsh undefine ${guest}, on the others), and run again.`
        : "Run again: it is then defined and booted anew."),
    another === undefined,
  );
}

/** A guest that is off, and no definition tells where it belongs. */
export class GuestNowhere extends Error {
  /** It is defined on no host: there is nothing to reconcile, and its Domain defines it again. */
  readonly isUndefined: boolean;

  constructor(message: string, isUndefined: boolean) {
    super(message);
    this.name = "GuestNowhere";
    this.isUndefined = isUndefined;
  }
}

/** Throws when the guest was written to at both endpoints since its overlay was copied. */
function refuseTwoOverlays({ guest, from, to }: Intent, { written }: World): void {
  if (!written?.source || !written.destination) return;
  throw new Error(
    `Guest ${guest} is off, and after its overlay was copied from ${from} to ${to} both were written to: someone has started it on each. Nothing was changed. ` +
      `See which of them is right, remove the definition on the other host (virsh undefine ${guest}), and run again.`,
  );
}

/** Cold: it was shut down to be booted at the destination. Where its disk is shared nothing is lost by going back. */
function bootedByMode(world: World, goBack: boolean): Step {
  const { source, destination, overlays, written } = world;
  const isDefinedThere = destination.state === "inactive";
  // Someone has started it at the source since its overlay was copied: the copy is old.
  if (overlays && isDefinedThere && written?.source) return { do: "undefine", at: "destination" };
  const mayHaveRunThere = overlays !== undefined && (written?.destination ?? isDefinedThere);
  if (goBack && source.state === "inactive" && !mayHaveRunThere) {
    return { do: "start", at: "source", why: "put back" };
  }
  return (
    copyOfOverlay(world) ??
    (isDefinedThere ? { do: "start", at: "destination", why: "moved" } : { do: "define", at: "destination" })
  );
}

/** Its memory is of no use any more. */
function bootedAnew({ mode, phase }: Intent, world: World, goBack: boolean): Step {
  const { source, destination, overlays, written, newerOverlay } = world;
  const why: BootReason =
    savesMemory(mode) && phase === "begun" && (written?.source || written?.destination)
      ? "disk written"
      : [source, destination].some(({ state, reason }) => state === "inactive" && reason === "shutdown")
        ? "shut down"
        : "memory lost";
  // An overlay that the destination is defined with is the newer one: the guest was about to run on it there, or did; unless the source's
  // was written to since it was copied. One that was written to there is newer even where someone has undefined the guest.
  const isNewerHere = overlays !== undefined && (written?.source === true || newerOverlay === "source");
  const isNewerThere =
    overlays !== undefined &&
    !isNewerHere &&
    (destination.state === "inactive" || written?.destination === true || newerOverlay === "destination");
  if (isNewerThere && destination.state !== "inactive") return { do: "define", at: "destination" };
  if (isNewerHere && source.state !== "inactive") return { do: "define", at: "source" };
  const first: End = source.state === "inactive" && !isNewerThere ? "source" : "destination";
  const second: End = first === "source" ? "destination" : "source";
  const mayStartAtSecond = overlays === undefined && world[second].state === "inactive";
  return { do: "start", at: goBack && mayStartAtSecond ? second : first, why };
}
