import type { PlacementRule } from "./cluster.ts";
import type { Amounts } from "./measures.ts";
import type { Dimension } from "./settings.ts";

/** A host with the guests that are on it for now. */
export interface LaidHost {
  readonly name: string;
  readonly index: number;
  /** Whether it takes part: it is not drained. */
  readonly isOpen: boolean;
  /** Whether guests may come to it. */
  mayReceive: boolean;
  readonly size: Amounts;
  /** What one MiB or CPU is as a share of it; 0 where the host does not count. */
  readonly per: Amounts;
  readonly limit: Amounts;
  /** Its memory without its reserve, which guests can't have more of whatever the limit is. */
  readonly roomMiB: number;
  leftMiB: number;
  /** How far it is over its limits, as shares of what it has: kept up with its use. */
  overLimits: number;
  readonly used: Record<Dimension, number>;
  readonly guests: Set<LaidGuest>;
  /** The layout's version when guests last came or left. */
  changedAt: number;
}

/** A guest on the host where it is for now. */
export interface LaidGuest {
  readonly name: string;
  readonly index: number;
  readonly home: LaidHost;
  host: LaidHost;
  readonly needs: Amounts;
  readonly price: number;
  /** Whether it may be moved for the sake of the others. */
  isFixed: boolean;
  readonly rules: readonly LaidRule[];
}

/** A rule with how many of its guests are on each host. */
export interface LaidRule {
  readonly rule: PlacementRule;
  readonly counts: Map<LaidHost, number>;
  broken: number;
}

/** Gains and figures below this are rounding: of a deviation that is nearly 0, the root of its error is what is off. */
export const epsilon = 1e-7;

/** Of equals the first. */
export const largestFirst = (guests: Iterable<LaidGuest>): LaidGuest[] =>
  [...guests].sort((one, other) => other.needs.memory - one.needs.memory || one.index - other.index);
