import type { Fleet } from "./fleet.ts";
import { type FleetView, type Observation, observeFleet } from "./observe.ts";

// All resources of a phase of `pulumi up` ask where their guests are within seconds, in one process: they share a look.

/** How old a look may be: what was seen of other guests some seconds ago is what an `up` that began then would have seen. */
const freshMs = 5_000;

interface Look {
  readonly begunMs: number;
  readonly view: Promise<FleetView>;
}

/** By the machines that were looked at. */
const looks = new Map<string, Look>();

/**
 * Where a guest is: all who ask about the same machines within seconds share one look. Only for deciding whether there is something to do:
 * before doing it, look again.
 */
export async function lookFor(fleet: Fleet, uuid: string): Promise<Observation> {
  const key = JSON.stringify(fleet);
  const former = looks.get(key);
  const isFresh = former !== undefined && performance.now() - former.begunMs < freshMs;
  const look = isFresh ? former : { begunMs: performance.now(), view: observeFleet(fleet) };
  looks.set(key, look);
  try {
    return (await look.view)(uuid);
  } catch (error) {
    // The next caller tries again.
    if (looks.get(key) === look) looks.delete(key);
    throw error;
  }
}

/** To be called when this program may have changed something: what was seen before is no longer so. */
export const forgetLooks = (): void => looks.clear();
