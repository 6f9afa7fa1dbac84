import { isDeepStrictEqual } from "node:util";
import { refuseOlderDisk } from "../../fleet/older-disk.ts";
import { isActive } from "../../fleet/whereabouts.ts";
import { CommandFailed } from "../../ssh/errors.ts";
import { endpointNamed, type Moving } from "../context/moving.ts";
import { lookAt, lookAtOthers } from "./look.ts";
import { type End, GuestNowhere, nextStep, type Step, type UnplannedBoot, type World } from "./next-step.ts";
import { isBoot, perform } from "./perform.ts";

export interface Reconciled {
  /** Where it runs. */
  host: string;
  /** That is not the move's source: its destination, or where a person has brought it. */
  hasLeft: boolean;
  /** The guest was booted although its mode does not do that: why. */
  booted?: UnplannedBoot;
  /** The other endpoint keeps its definition, since it refuses to let it go. */
  undefineRefusal?: CommandFailed;
  /** Why the destination could not have it, or should not any more, so that it was put back. */
  refusal?: Error;
  /** How much of its overlay was copied on the way. */
  storageMiB?: number;
}

/** Called after each step; for the phases of a move. */
type OnStep = (step: Step) => void;

/**
 * Brings a begun move to its end: looks, does the next step, looks again, until the guest runs once and nothing is left over;
 * then clears the intent record. The same for a move that goes well and for one that a dead run left behind.
 */
export async function reconcile(moving: Moving, onStep: OnStep = () => {}): Promise<Reconciled> {
  let booted: Reconciled["booted"];
  let wasDiscarded = false;
  let failure: { step: Step; error: CommandFailed; isSecond: boolean } | undefined;
  let refusal: Error | undefined;
  let kept: { at: End; error: CommandFailed } | undefined;
  let storageMiB: number | undefined;
  // A move and its undoing have at most a dozen steps; waiting has its own limit. More means that a step does not do what it says.
  for (let steps = 0; steps < 25; steps++) {
    let world = withoutKept(await lookAt(moving), kept?.at);
    if (moving.cancelled.aborted) refusal ??= moving.cancelled.reason as Error;
    let step = await stepOf(moving, world, refusal !== undefined);
    if (letsRun(step) && world.others === undefined) {
      world = { ...world, others: await lookAtOthers(moving) };
      step = await stepOf(moving, world, refusal !== undefined);
    }
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
      await moving.intent.clear();
      onStep(step);
      const host = step.do === "settled" ? moving[step.at].name : step.host;
      return {
        host,
        hasLeft: host !== moving.source.name,
        ...(booted && { booted }),
        ...(refusal && { refusal }),
        ...(kept && { undefineRefusal: kept.error }),
        ...(storageMiB !== undefined && { storageMiB }),
      };
    }
    if (step.do === "start" || step.do === "start-elsewhere" || step.do === "restore")
      await refuseOlderDiskAt(moving, world, step);
    try {
      storageMiB = (await perform(moving, step)).storageMiB ?? storageMiB;
    } catch (error) {
      // A dead run's commands on the hosts may have done it first. Then another step is due; if it is the same, it failed.
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

/** After it a copy runs, or can be let run: nobody may have started another one. */
const letsRun = (step: Step): boolean =>
  ["restore", "start", "start-elsewhere", "mark-resuming", "resume"].includes(step.do);

/** Throws where the guest would go on from an older disk than it wrote to last. */
function refuseOlderDiskAt(
  moving: Moving,
  { source, destination, others = [] }: World,
  step: Step & { do: "start" | "start-elsewhere" | "restore" },
): Promise<void> {
  const { guest, uuid, localOverlay, storage, intent } = moving;
  const at = step.do === "start-elsewhere" ? endpointNamed(moving, step.host) : moving[step.at];
  const host = at.session;
  const elsewhere = [source, destination, ...others].filter(
    (sighting) => sighting.state === "inactive" && sighting.host !== at.name,
  );
  const definedOn = elsewhere.map((sighting) => endpointNamed(moving, sighting.host).session);
  const disks = step.do === "restore" ? intent.now.disk?.paths : undefined;
  return refuseOlderDisk({
    guest,
    uuid,
    host,
    definedOn,
    keeper: localOverlay ? host : storage,
    ...(disks && { disks }),
  });
}

const withoutKept = (world: World, at: End | undefined): World =>
  at ? { ...world, [at]: { ...world[at], state: "absent", persistent: false } } : world;

/** A host refuses a step, and there is no other. */
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

/** A guest that is defined nowhere has nothing to reconcile: its Domain defines it again, unless the intent stands in its way. */
async function stepOf(moving: Moving, world: World, goBack: boolean): Promise<Step> {
  try {
    return nextStep(moving.intent.now, world, goBack);
  } catch (error) {
    if (error instanceof GuestNowhere && error.isUndefined) {
      moving.assertLocked();
      await moving.intent.clear();
    }
    throw error;
  }
}
