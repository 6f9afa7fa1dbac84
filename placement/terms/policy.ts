import type { Cluster } from "./cluster.ts";
import type { LeftOut, PlacementProblem, Reason } from "./reason.ts";
import type { PolicySettings } from "./settings.ts";
import type { Standing, StepGain } from "./standing.ts";

/**
 * Decides where each guest of a cluster runs, by the guest's name. It is pure: it asks no host and moves nothing. One that has settings
 * is made by a function of them.
 */
export type Policy = (cluster: Cluster) => Readonly<Record<string, Place>>;

/** Where a guest runs. */
export interface Place {
  host: string;
  /** Why it does not run where it is placed. Absent: it does. */
  reason?: Reason;
}

/** A policy that says how to get there, too, or why there is no way. It is as pure. */
export type Planner = (cluster: Cluster) => Proposal | Impossible;

/** A planner that a stack can choose. */
export interface StackPolicy {
  /** How `npm run plan` calls it. Absent: as the config does. */
  command?: string;
  /** For docs and help: "evens out memory". */
  does: string;
  /** @param settings default: of settings.ts, each */
  planner: (settings?: Partial<PolicySettings>) => Planner;
  /** Whether it moves no more than `maxMoves` and `maxMiB` for its own sake. */
  hasMoveLimits: boolean;
  /** Whether it fills hosts up, and those that it leaves without guests may be switched off. */
  emptiesHosts: boolean;
}

export interface Proposal {
  isFeasible: true;
  /** Of all guests. */
  places: Readonly<Record<string, Place>>;
  /** In an order in which they can be made: each finds room, breaks no firm rule, and leaves hosts covered (N+1) if they are at both ends. */
  moves: readonly ProposedStep[];
  /** Guests that would have been moved, or might have been, and why they are not. */
  left: readonly LeftOut[];
  before: Standing;
  after: Standing;
}

/** Nothing is to be moved, as not all can be that must: what was found, for each guest, host or rule. */
export interface Impossible {
  isFeasible: false;
  problems: readonly PlacementProblem[];
}

/** One move of one guest. */
export interface ProposedStep {
  guest: string;
  from: string;
  to: string;
  reason: Reason;
  /** Where in the list those are that must be over before this one begins: they make its room, or keep its rules. */
  after: readonly number[];
  /** Whether it goes there for a while only, to make room, and on from there by another step. */
  isDetour: boolean;
  gain: StepGain;
}
