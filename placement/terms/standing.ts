import type { Dimension } from "./settings.ts";

/** Of what hosts have and guests need, one figure each. */
export type Amounts = Readonly<Record<Dimension, number>>;

/** What a step changes, if the steps before it are made. */
export interface StepGain {
  imbalance: BeforeAndAfter<number>;
  /** Shares of what the two hosts have. */
  from: BeforeAndAfter<Amounts>;
  to: BeforeAndAfter<Amounts>;
}

export interface BeforeAndAfter<T> {
  before: T;
  after: T;
}

/** How good a layout of guests is. */
export interface Standing {
  /** Weighted mean of the standard deviations of hosts' use, as a share of a host. */
  imbalance: number;
  /** MiB that guests have more than hosts can give, guests against firm rules, shares of hosts over the limits, guests against soft rules. */
  overMemoryMiB: number;
  brokenFirm: number;
  overLimits: number;
  brokenSoft: number;
  /** Hosts whose loss leaves guests without a place. */
  uncovered: readonly Uncovered[];
  /** Each host's use as shares of what it has. */
  hosts: Readonly<Record<string, Amounts>>;
}

/** A host whose loss would leave guests without a place, and how much memory these need. */
export interface Uncovered {
  host: string;
  memoryMiB: number;
}
