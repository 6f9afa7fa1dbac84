import type { SshTarget } from "../../../ssh/target.ts";
import { SimulatedFleet, SimulatedSession } from "./simulated-fleet.ts";

// Stands in for ssh/session.ts:
//   vi.mock("../../../ssh/session.ts", () => import("./simulated-session.ts"));

/** The machines that the engine speaks to. */
export let world: SimulatedFleet;

/** Begins with new machines. */
export function simulate(...machines: ConstructorParameters<typeof SimulatedFleet>): SimulatedFleet {
  world = new SimulatedFleet(...machines);
  return world;
}

export const SshSession = { open: async (target: SshTarget) => new SimulatedSession(world, target) };
