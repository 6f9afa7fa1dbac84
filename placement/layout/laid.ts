import type { PlacementRule } from "../terms/cluster.ts";
import type { Dimension } from "../terms/settings.ts";
import type { Amounts } from "../terms/standing.ts";

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

/** How many guests of a rule would have to be elsewhere. Those on drained hosts leave anyway. */
export function brokenIn({ rule, counts }: LaidRule): number {
  let [guests, hosts, most, misplaced] = [0, 0, 0, 0];
  for (const [host, count] of counts) {
    if (!host.isOpen || count === 0) continue;
    guests += count;
    hosts += 1;
    most = Math.max(most, count);
    if (rule.kind === "on" && !rule.hosts.includes(host.name)) misplaced += count;
  }
  switch (rule.kind) {
    case "apart":
      return guests - hosts;
    case "together":
      return guests - most;
    case "on":
      return misplaced;
  }
}

/** How many more guests would be against a rule if one of its guests went there. */
export function brokenBy(rule: LaidRule, from: LaidHost, to: LaidHost): number {
  if (from === to) return 0;
  const { counts } = rule;
  const [left, come] = [counts.get(from) ?? 0, counts.get(to) ?? 0];
  counts.set(from, left - 1).set(to, come + 1);
  const after = brokenIn(rule);
  counts.set(from, left).set(to, come);
  return after - rule.broken;
}

/** The rules that a step touches, each with how many more guests it puts against it. Two that are in one rule and change places are as before. */
export function brokenByStep(
  guest: LaidGuest,
  to: LaidHost,
  other?: LaidGuest,
): readonly { laid: LaidRule; more: number }[] {
  const [mine, its] = [guest.rules, other?.rules ?? none];
  if (mine.length + its.length === 0) return none;
  const by = (laid: LaidRule, from: LaidHost, to: LaidHost) => ({ laid, more: brokenBy(laid, from, to) });
  return [
    ...mine.filter((laid) => !its.includes(laid)).map((laid) => by(laid, guest.host, to)),
    ...its.filter((laid) => !mine.includes(laid)).map((laid) => by(laid, to, guest.host)),
  ];
}

const none: readonly never[] = [];
