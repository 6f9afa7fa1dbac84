import type { Drift } from "../moves/options.ts";
/** What to do when a guest is found on another host than the last run left it on. */

export interface Placement {
  guest: string;
  /** Where the stack's config says it should run. */
  desired: string;
  /** Where it was found. */
  actual: string;
  /** What the config said at the end of the last successful run; absent at the first. */
  applied?: string;
  /** Where the last successful run left it. */
  placed?: string;
  drift: Drift;
  /** Hosts on which no guest should run. Default: none. */
  drained?: readonly string[];
}

export type Decision =
  | { kind: "stay" }
  /** Someone moved it by hand, and it may stay there until the config asks for something new. */
  | { kind: "adopt"; host: string }
  | { kind: "move"; from: string; to: string; why: "requested" | "returned" }
  | { kind: "refuse"; message: string };

/**
 * Compares where a guest should be with where it is. A placement that was changed in the config is always followed; `drift` speaks
 * only of a guest that was moved by someone else while the config stayed as it was, and not onto a host that is drained.
 */
export function decideMove({ guest, desired, actual, applied, placed, drift, drained }: Placement): Decision {
  if (actual === desired) return { kind: "stay" };
  if (desired !== applied || drained?.includes(actual))
    return { kind: "move", from: actual, to: desired, why: "requested" };
  // The config is as it was: it was adopted there before, or someone moved it since.
  if (actual === placed) return { kind: "stay" };
  if (drift === "adopt") return { kind: "adopt", host: actual };
  if (drift === "return") return { kind: "move", from: actual, to: desired, why: "returned" };
  return {
    kind: "refuse",
    message:
      `Guest ${guest} runs on ${actual}, where someone moved it by hand; the stack's config places it on ${desired}, and drift is "error". ` +
      `Set testbed:placement.${guest} to ${actual} to keep it there, or migration.drift to "return" to have it moved back.`,
  };
}
