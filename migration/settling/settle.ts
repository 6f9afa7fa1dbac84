import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { clearIntent, type Intent, writeIntent } from "../../fleet/intent.ts";
import { discardRedo, redoPresence } from "../../fleet/redo-log.ts";
import { discardStateFiles, hasStateFile } from "../../fleet/state-file.ts";
import { isActive } from "../../fleet/whereabouts.ts";
import { CommandFailed } from "../../libvirt/errors.ts";
import { discardSave } from "../../libvirt/managed-save.ts";
import { type Sighting, sight } from "../../libvirt/sighting.ts";
import { undefine } from "../../libvirt/undefine.ts";
import { virsh } from "../../libvirt/virsh.ts";
import type { Moving, Station } from "../context/moving.ts";
import { defineAt } from "../modes/cold.ts";
import { copyState, restorePaused } from "../modes/offline.ts";
import { copyRedo } from "./copy-redo.ts";
import { isSaveStale, lastWritten, noteDiskLate, writtenSince } from "./disk-stamp.ts";
import {
  type BootReason,
  type End,
  GuestNowhere,
  hasPart,
  isUnlinked,
  nextStep,
  type Step,
  type World,
} from "./next-step.ts";
import { resumePostcopy } from "./resume-postcopy.ts";

export interface Settled {
  /** Where it runs. */
  host: string;
  /** That is not the move's source: its destination, or where a person has brought it. */
  hasLeft: boolean;
  /** The guest was booted although its mode does not do that: why. */
  booted?: Exclude<BootReason, "moved" | "put back" | "saved">;
  /** The other end keeps its definition, since it refuses to let it go. */
  undefineRefusal?: CommandFailed;
  /** Why the destination could not have it, or should not any more, so that it was put back. */
  refusal?: Error;
}

/** Called after each step; for the phases of a move. */
export type OnStep = (step: Step) => void;

/** Looks at both ends, and at the hosts that are none where a person may have had a hand in it. */
export async function observe(moving: Moving): Promise<World> {
  const { uuid, intent, source, destination, redo } = moving;
  const offline = intent.mode === "offline";
  const looking = Promise.all((moving.others ?? []).map(({ session }) => sight(session, uuid)));
  const [others, written, atSource, atDestination, stateAtSource, stateAtDestination, ...redos] =
    await Promise.all([
      looking,
      writtenSince(moving),
      sight(source.session, uuid),
      sight(destination.session, uuid),
      offline && hasStateFile(source.session, uuid),
      offline && hasStateFile(destination.session, uuid),
      ...(redo ? [redoPresence(source.session, redo), redoPresence(destination.session, redo)] : []),
    ]);
  const [redoAtSource, redoAtDestination] = redos;
  const sightings = [atSource, atDestination, ...others];
  return {
    source: atSource,
    destination: atDestination,
    others,
    stateAtSource,
    stateAtDestination,
    written,
    ...(!sightings.some(isActive) && { staleSaves: await staleSaves(moving, sightings) }),
    ...(redoAtSource &&
      redoAtDestination && { redo: { source: redoAtSource, destination: redoAtDestination } }),
    // Which of two redo logs is the newer one matters only for a guest that is off.
    ...(redoAtSource === "file" &&
      redoAtDestination === "file" &&
      !intent.disk &&
      ![atSource, atDestination].some(isActive) &&
      (await lastWritten(moving))),
  };
}

async function staleSaves(moving: Moving, sightings: readonly Sighting[]): Promise<string[]> {
  const saved = sightings.filter(({ isSaved }) => isSaved).map(({ host }) => host);
  const isStale = await Promise.all(
    saved.map((host) => isSaveStale(moving, stationNamed(moving, host).session)),
  );
  return saved.filter((_, i) => isStale[i]);
}

const stationNamed = ({ source, destination, others = [] }: Moving, host: string): Station =>
  [source, destination, ...others].find(({ name }) => name === host) as Station;

/**
 * Brings a begun move to its end: looks, does the next step, looks again, until the guest runs once and nothing is left over;
 * then clears the intent record. The same for a move that goes well and for one that a dead run left behind.
 */
export async function settle(moving: Moving, onStep: OnStep = () => {}): Promise<Settled> {
  let booted: Settled["booted"];
  let wasDiscarded = false;
  let failure: { step: Step; error: CommandFailed; isSecond: boolean } | undefined;
  let refusal: Error | undefined;
  let kept: { at: End; error: CommandFailed } | undefined;
  // A move and its undoing have at most a dozen steps; waiting has its own limit. More means that a step does not do what it says.
  for (let steps = 0; steps < 25; steps++) {
    const world = withoutKept(await observe(moving), kept?.at);
    if (moving.cancelled.aborted) refusal ??= moving.cancelled.reason as Error;
    let step = await stepOf(moving, world, refusal !== undefined);
    const isRefused = failure !== undefined && isDeepStrictEqual(step, failure.step);
    if (failure && isRefused && step.do === "undefine" && runningAt(world)) {
      // It runs once: that is worth more than a definition that nobody has started. It is asked for twice.
      if (failure.isSecond) {
        kept = { at: step.at, error: failure.error };
        failure = undefined;
        continue;
      }
    } else if (failure && isRefused) {
      refusal = failure.error;
      step = await stepOf(moving, world, true);
      if (isDeepStrictEqual(step, failure.step)) throw new Unsettled(failure.error, runningAt(world));
      moving.tell(`${moving.guest}: ${refusal.message}; putting it back on ${moving.source.name}`);
    }
    // Also before the record is cleared: it may be another run's by now.
    moving.assertLocked();
    if (step.do === "settled" || step.do === "settled-elsewhere") {
      await clearIntent(moving.storage, moving.intentFile);
      onStep(step);
      const host = step.do === "settled" ? moving[step.at].name : step.host;
      return {
        host,
        hasLeft: host !== moving.source.name,
        ...(booted && { booted }),
        ...(refusal && { refusal }),
        ...(kept && { undefineRefusal: kept.error }),
      };
    }
    try {
      await perform(moving, step);
    } catch (error) {
      // What a dead run left at work on the hosts may have come first. Then another step is due; if it is the same, it failed.
      if (!(error instanceof CommandFailed)) throw error;
      failure = { step, error, isSecond: isRefused };
      continue;
    }
    failure = undefined;
    wasDiscarded ||= step.do === "discard-save";
    if ((step.do === "start" || step.do === "start-elsewhere") && isBoot(step.why))
      booted = wasDiscarded ? "disk written" : step.why;
    onStep(step);
  }
  throw new Error(
    `Moving guest ${moving.guest} from ${moving.source.name} to ${moving.destination.name} does not come to an end. ` +
      "See its state on both hosts (virsh list --all); the intent record stays, and the next run tries again.",
  );
}

const withoutKept = (world: World, at: End | undefined): World =>
  at ? { ...world, [at]: { ...world[at], state: "absent", persistent: false } } : world;

/** A step that a host refuses, and no other way. */
export class Unsettled extends Error {
  /** Where the guest runs all the same; absent: nowhere, or it is not known. */
  readonly host?: string;

  constructor(refusal: CommandFailed, host: string | undefined) {
    super(refusal.message, { cause: refusal });
    this.name = "Unsettled";
    if (host !== undefined) this.host = host;
  }
}

const runningAt = ({ source, destination }: World): string | undefined => {
  const [at, another] = [source, destination].filter(isActive);
  return another === undefined && at?.state === "running" ? at.host : undefined;
};

/** A guest that is defined nowhere has nothing to settle: its Domain defines it anew, unless the intent stands in its way. */
async function stepOf(moving: Moving, world: World, goBack: boolean): Promise<Step> {
  try {
    return nextStep(moving.intent, world, goBack);
  } catch (error) {
    if (error instanceof GuestNowhere && error.isUndefined) {
      moving.assertLocked();
      await clearIntent(moving.storage, moving.intentFile);
    }
    throw error;
  }
}

type Deed = Exclude<Step, { do: "settled" | "settled-elsewhere" }>;

async function perform(moving: Moving, step: Deed): Promise<void> {
  const { guest, uuid } = moving;
  const station = (at: End): Station => moving[at];
  switch (step.do) {
    case "wait-for-job":
      return waitForJob(moving, station(step.at));
    case "destroy":
      await virsh(station(step.at).session, `ending the stale copy of guest ${guest}`, ["destroy", uuid]);
      return;
    case "undefine":
      await undefine(station(step.at).session, `removing the definition of guest ${guest}`, uuid);
      return;
    case "resume":
      await virsh(station(step.at).session, `resuming guest ${guest}`, ["resume", uuid]);
      return;
    case "mark-resuming":
      return mark(moving, "resuming");
    case "mark-begun":
      return mark(moving, "begun");
    case "mark-returning":
      return mark(moving, "returning");
    case "resume-postcopy":
      return resumePostcopy(moving);
    case "note-disk":
      return noteDiskLate(moving);
    case "copy-state":
      return copyState(moving);
    case "copy-redo":
      return copyRedo(moving);
    case "discard-save":
      moving.tell(
        `${guest}: its memory was saved on ${step.host}, and its disk was written to since; discarding it`,
      );
      await discardSave(stationNamed(moving, step.host).session, guest, uuid);
      return;
    case "discard-redo":
      return moving.redo && discardRedo(station(step.at).session, moving.redo);
    case "restore":
      return restorePaused(moving, station(step.at));
    case "discard-state":
      await Promise.all([
        discardStateFiles(moving.source.session, uuid),
        discardStateFiles(moving.destination.session, uuid),
      ]);
      return;
    case "define":
      return defineAt(moving, step.at);
    case "start":
      return start(moving, station(step.at), step.why);
    case "start-elsewhere":
      return start(moving, stationNamed(moving, step.host), step.why);
  }
}

async function start(
  { guest, uuid, tell }: Moving,
  { name, session }: Station,
  why: BootReason,
): Promise<void> {
  if (why === "saved") tell(`${guest}: someone saved its memory on ${name}; it goes on from there`);
  else if (isBoot(why)) tell(`${guest}: ${toldBoot[why]}; booting it anew on ${name}, from its disk`);
  await virsh(session, `starting guest ${guest}`, ["start", uuid]);
}

const isBoot = (why: BootReason): why is NonNullable<Settled["booted"]> =>
  why !== "moved" && why !== "put back" && why !== "saved";

/** Why a guest that is moved with its memory was booted, in words that a record keeps. */
export const toldBoot: Record<NonNullable<Settled["booted"]>, string> = {
  "memory lost": "its memory was lost on the way",
  "disk written":
    "its disk was written to after its memory had been saved, by someone who started it meanwhile: the saved memory was discarded",
  "shut down": "it had shut down on the way, from inside or by hand",
};

/** Writes down, before it matters, what whoever takes over has to know. */
async function mark(moving: Moving, phase: Intent["phase"]): Promise<void> {
  moving.intent = { ...moving.intent, phase };
  await writeIntent(moving.storage, moving.intentFile, moving.intent);
}

/** A migration that is cancelled ends within a moment. */
const abortTakesMs = 30_000;
/** How often it is told that a post-copy still goes on. */
const tellEveryMs = 60_000;

/** Waits as long as the move may take; for a post-copy, which has no way back, as long as that takes. */
async function waitForJob(moving: Moving, station: Station): Promise<void> {
  const { guest, uuid, timeoutMs, source, destination, tell, cancelled } = moving;
  const { name, session } = station;
  const other = station === source ? destination : source;
  tell(`${guest}: a job of libvirt's still works on it on ${name}; waiting for its end`);
  const startedMs = performance.now();
  let deadlineMs = startedMs + timeoutMs;
  let aborted = false;
  for (;;) {
    const seen = await sight(session, uuid);
    const { job, state } = seen;
    // A post-copy that has lost its other end keeps its job, and waits for us.
    if ((job === undefined && state !== "stopping") || isUnlinked(seen)) return;
    const isOver = performance.now() > deadlineMs;
    // A pre-copy that a dead run left, and that does not converge: given up, as that run would have.
    if ((isOver || cancelled.aborted) && job === "Outgoing migration" && !hasPart(seen) && !aborted) {
      const why = isOver ? "its migration does not come to an end" : (cancelled.reason as Error).message;
      tell(`${guest}: ${why}; giving up, it stays on ${name}`);
      await virsh(session, `cancelling the migration of guest ${guest}`, ["domjobabort", uuid], {
        allowFailure: true,
      });
      aborted = true;
      deadlineMs = performance.now() + abortTakesMs;
      continue;
    }
    if (isOver && hasPart(seen)) {
      // libvirt 9.0 waits without end for the memory of a QEMU that is dead. One that has just given all of it is off as well.
      const isLost = !isActive(await sight(other.session, uuid)) && hasPart(await sight(session, uuid));
      if (isLost) {
        throw new Error(
          `Guest ${guest} has a part of its memory on ${name}, and is off on ${other.name}, where the rest was; libvirt still waits for that (${job ?? state}). ` +
            `Its memory is lost. End it with \`virsh destroy ${guest}\` on ${name}, and run again: it is then booted anew.`,
        );
      }
      const waitedS = Math.round((performance.now() - startedMs) / 1000);
      tell(
        `${guest}: its memory still follows from ${source.name} to ${destination.name} after ${waitedS} s; in post-copy there is no way back`,
      );
      deadlineMs = performance.now() + tellEveryMs;
    } else if (isOver) {
      throw new Error(
        `Guest ${guest} on ${name} is still busy (${job ?? state}) after ${timeoutMs / 1000} s. ` +
          `End the job with \`virsh domjobabort ${guest}\` on ${name}, and run again.`,
      );
    }
    await sleep(500);
  }
}
