import type { Fleet } from "../fleet/fleet.ts";
import { type FleetReference, fleetOf } from "../fleet/fleet-page.ts";
import { aroundMethods } from "./methods.ts";
import { hasUnknown } from "./unknown.ts";

/**
 * The same resource, for a state in which a guest names its fleet: its methods are given the fleet itself, and what they return names it
 * again.
 */
export const byReference = <T extends object>(resource: T): T =>
  aroundMethods(resource, async (method, args) => {
    try {
      return named(await method(...(await Promise.all(args.map(whole)))));
    } catch (error) {
      // A failure that has a state of its own to be kept.
      if (error instanceof Error && "properties" in error) error.properties = withName(error.properties);
      throw error;
    }
  });

type Named = { fleet: Fleet | FleetReference };
const hasFleet = (value: unknown): value is Named =>
  typeof value === "object" && value !== null && typeof (value as Partial<Named>).fleet === "object";

const whole = async (value: unknown) =>
  hasFleet(value) && !hasUnknown(value.fleet) ? { ...value, fleet: await fleetOf(value.fleet) } : value;

/** A fleet that no page has is kept whole, as it was given. */
function withName(value: unknown): unknown {
  if (!hasFleet(value)) return value;
  const { storage, pages, without } = value.fleet;
  return pages === undefined ? value : { ...value, fleet: { storage, pages, ...(without && { without }) } };
}

/** What a method returns has the state in `outs` or `props`. */
const named = (result: unknown): unknown =>
  typeof result === "object" && result !== null
    ? Object.fromEntries(Object.entries(result).map(([key, value]) => [key, withName(value)]))
    : result;
