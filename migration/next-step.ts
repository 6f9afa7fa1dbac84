import type { Sighting } from "../libvirt/sighting.ts";
import { boots, movesRunning } from "../report/record.ts";
import type { Intent } from "./intent.ts";
import type { RedoPresence } from "./redo-log.ts";
import { GuestActiveTwice, isActive } from "./whereabouts.ts";

/** All that decides how a begun move goes on. */
export interface World {
  source: Sighting;
  destination: Sighting;
  /** A complete state file (a saved memory) at either end; an incomplete one is worth nothing. */
  stateAtSource: boolean;
  stateAtDestination: boolean;
  /**
   * The redo log at either end; absent: on shared storage. What is at the destination is whole and current as long as the guest is defined
   * there: libvirt, or a copy that is complete, precedes the definition, and the definition goes before the source runs again.
   */
  redo?: Record<End, RedoPresence>;
}

export type End = "source" | "destination";

/** The one thing to do next. Each is idempotent, and each brings the world nearer to `settled`. */
export type Step =
  /** It shuts down, or a job of libvirt's still works on it: see what comes of it. */
  | { do: "wait-for-job"; at: End }
  /** Ends a copy whose CPUs have not run since the other one has them, or whose memory cannot become whole any more. */
  | { do: "destroy"; at: End }
  | { do: "undefine"; at: End }
  /** Lets a paused copy run. */
  | { do: "resume"; at: End }
  /** From here on the saved memory is stale. */
  | { do: "mark-resuming" }
  /** Post-copy was announced and has not begun: the source has all of the memory, and may have it for good. */
  | { do: "mark-begun" }
  /** Each end has a part of the memory and they have lost each other: connects them again. */
  | { do: "resume-postcopy" }
  | { do: "copy-state" }
  /** The guest is off: its redo log goes to the destination, and then its definition. */
  | { do: "copy-redo" }
  /** From the state file, still paused. */
  | { do: "restore"; at: End }
  | { do: "discard-state" }
  | { do: "discard-redo"; at: End }
  | { do: "define"; at: "destination" }
  | { do: "start"; at: End; memoryLost: boolean }
  /** It runs once, at this end, and nothing is left over. */
  | { do: "settled"; at: End };

/**
 * What to do next about a move that was begun, by this run or by one that died: decided from the world as it is. The move's first
 * action (transfer, save, shutdown) is the caller's; from then on, moving and recovering are the same.
 *
 * @param goBack the destination cannot be had, or is not wanted any more: a guest that is off and still belongs to the source is put back there
 *
 * Throws GuestActiveTwice, and when the guest is defined nowhere.
 */
export function nextStep(intent: Intent, world: World, goBack = false): Step {
  const step = decide(intent, world, goBack);
  const runsAtSource =
    (step.do === "resume" || step.do === "restore" || step.do === "start") && step.at === "source";
  // From then on a copy of its redo log is stale.
  return runsAtSource && world.redo && world.destination.state === "inactive"
    ? { do: "undefine", at: "destination" }
    : step;
}

function decide(intent: Intent, world: World, goBack: boolean): Step {
  const { source, destination } = world;
  const bothActive = isActive(source) && isActive(destination);
  // After an offline move's copy has run, a source that is active again was started by someone else; so was one that runs beside a
  // destination that has a part of its memory.
  const bothMayHaveRun =
    (source.state === "running" && (destination.state === "running" || hasPart(destination))) ||
    intent.phase === "resuming";
  if (bothActive && bothMayHaveRun) {
    throw new GuestActiveTwice(intent.guest, [source.host, destination.host]);
  }

  if (hasPart(source) || hasPart(destination)) return inPostcopy(world);
  const busy = [source, destination].find(({ job, state }) => job !== undefined || state === "stopping");
  if (busy) return { do: "wait-for-job", at: busy === source ? "source" : "destination" };

  if (destination.state === "running") return releaseSource(intent, world);
  if (source.state === "running") return releaseDestination(world);
  if (destination.state === "paused") return pausedAtDestination(intent, world);
  if (source.state === "paused") return pausedAtSource(intent, world);
  return runsNowhere(intent, world, goBack);
}

/** libvirt's reasons for the state of a guest whose memory is spread over both ends. */
const linked = "post-copy";
const unlinked = "post-copy failed";

/** This end has a part of the guest's memory: the source what was not pulled yet, the destination the rest. */
export const hasPart = ({ reason }: Sighting): boolean => reason === linked || reason === unlinked;

/** libvirt knows that this end has lost the other. */
export const isUnlinked = ({ reason }: Sighting): boolean => reason === unlinked;

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
  { source, stateAtSource, stateAtDestination, redo }: World,
): Step {
  if (isActive(source)) return { do: "destroy", at: "source" };
  if (source.state === "inactive") return { do: "undefine", at: "source" };
  if (stateAtSource || stateAtDestination) return { do: "discard-state" };
  if (redo && redo.source !== "absent") {
    if (redo.destination === "file") return { do: "discard-redo", at: "source" };
    throw new Error(
      `Guest ${guest} runs on ${to}, and its redo log is not there but on ${from}. Nothing was removed. ` +
        `Someone has taken it away while it is open: keep the guest running, and copy its disk (virsh blockcopy).`,
    );
  }
  return { do: "settled", at: "destination" };
}

/** The guest never left: what was prepared at the destination goes. */
function releaseDestination({ destination, stateAtSource, stateAtDestination, redo }: World): Step {
  if (isActive(destination)) return { do: "destroy", at: "destination" };
  if (destination.state === "inactive") return { do: "undefine", at: "destination" };
  if (stateAtSource || stateAtDestination) return { do: "discard-state" };
  if (redo && redo.destination !== "absent") return { do: "discard-redo", at: "destination" };
  return { do: "settled", at: "source" };
}

/** libvirt stopped it for a save or a switchover of which nothing came, or it was put back. */
function pausedAtSource(intent: Intent, { destination, stateAtSource, stateAtDestination }: World): Step {
  // It has run at the destination and died there; or it may have, since post-copy was about to begin.
  const isStale =
    movesRunning(intent.mode) && (destination.state === "inactive" || intent.phase === "postcopy");
  if (isStale) return { do: "destroy", at: "source" };
  const isSaved = stateAtSource || stateAtDestination;
  return isSaved && intent.phase === "begun" ? { do: "mark-resuming" } : { do: "resume", at: "source" };
}

function pausedAtDestination(intent: Intent, { source, destination }: World): Step {
  if (intent.mode === "offline" && !isActive(source)) {
    // Restored in full: only the mark stands between it and running.
    return intent.phase === "resuming" ? { do: "resume", at: "destination" } : { do: "mark-resuming" };
  }
  // libvirt writes the guest's definition at the destination once the source has sent all of its memory (or has begun a post-copy),
  // right before it runs there: from then on the source's memory may be stale. Until then the source has the whole of it.
  const incomplete = !destination.persistent && (isActive(source) || destination.reason === "migrating");
  if (incomplete) {
    const sourceIsWhole = isActive(source) && intent.phase === "postcopy";
    return sourceIsWhole ? { do: "mark-begun" } : { do: "destroy", at: "destination" };
  }
  return isActive(source) ? { do: "destroy", at: "source" } : { do: "resume", at: "destination" };
}

function runsNowhere(intent: Intent, world: World, goBack: boolean): Step {
  const { source, destination, stateAtSource, stateAtDestination, redo } = world;
  const needsRedo = redo !== undefined && destination.state !== "inactive";
  if (intent.mode === "offline") {
    if (intent.phase === "begun") {
      if (goBack && stateAtSource) return { do: "restore", at: "source" };
      if (stateAtSource && needsRedo) return { do: "copy-redo" };
      if (stateAtDestination) return { do: "restore", at: "destination" };
      if (stateAtSource) return { do: "copy-state" };
    } else if (stateAtSource || stateAtDestination) {
      return { do: "discard-state" };
    }
  }
  const defined = source.state === "inactive" || destination.state === "inactive";
  if (!defined) {
    throw new Error(
      `Guest ${intent.guest} was being moved from ${intent.from} to ${intent.to} (${intent.mode}) and is now defined on neither host. ` +
        "Its disk is untouched. Remove the intent record on the storage host and run again: the guest is then defined and booted anew.",
    );
  }
  if (boots(intent.mode)) {
    if (goBack && source.state === "inactive") {
      if (destination.state === "inactive") return { do: "undefine", at: "destination" };
      return { do: "start", at: "source", memoryLost: false };
    }
    if (needsRedo) return { do: "copy-redo" };
    if (destination.state !== "inactive") return { do: "define", at: "destination" };
    if (source.state === "inactive") return { do: "undefine", at: "source" };
    return { do: "start", at: "destination", memoryLost: false };
  }
  // A redo log that the destination is defined with is the newer one: the guest was about to run on it there, or did.
  const atSource = source.state === "inactive" && (!redo || needsRedo);
  return { do: "start", at: atSource ? "source" : "destination", memoryLost: true };
}
