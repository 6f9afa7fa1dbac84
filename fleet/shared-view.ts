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
    return await (await look.view).guest(uuid);
  } catch (error) {
    // The next caller tries again.
    if (looks.get(key) === look) looks.delete(key);
    throw error;
  }
}

/** The look that is under way, and the one that comes after it. */
interface Turn {
  readonly now: Promise<unknown>;
  next?: Promise<FleetView>;
}

/** By the machines that are looked at. */
const underWay = new Map<string, Turn>();

/**
 * A look that begins after it was asked for, so that what it shows holds for who asks, as that of a look alone does: those who ask while one is
 * under way share the next. Many guests that are made at a time are looked for together.
 */
export function lookAfresh(fleet: Fleet): Promise<FleetView> {
  const key = JSON.stringify(fleet);
  const begin = () => {
    const now = observeFleet(fleet);
    const turn: Turn = { now };
    underWay.set(key, turn);
    // The next one takes its place by itself.
    const end = () => void (turn.next ?? underWay.delete(key));
    now.then(end, end);
    return now;
  };
  const turn = underWay.get(key);
  if (!turn) return begin();
  turn.next ??= turn.now.then(begin, begin);
  return turn.next;
}

/** To be called when this program may have changed something: what was seen before is no longer so. */
export const forgetLooks = (): void => looks.clear();
