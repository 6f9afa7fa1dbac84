import { type Dimension, dimensions } from "./settings.ts";
import type { BeforeAndAfter, Standing, StepGain } from "./standing.ts";

/** Why a guest runs elsewhere than it is placed, as data: one kind for each thing that several policies can say of it, or a policy's own. */
export type Reason =
  | {
      kind: "drained";
      /** The drained host, on which it would run otherwise. */
      host: string;
    }
  /** It is not there yet, and nobody placed it. */
  | { kind: "new" }
  /** The host failed, or is to be switched off. */
  | { kind: "lost" | "off"; host: string }
  | { kind: "balanced"; host: string }
  | { kind: "over-limit"; host: string; of: Dimension }
  | { kind: "rule"; rule: string }
  | { kind: "spare" }
  | { kind: "makes-room"; host: string; guest: string }
  | OwnReason;

/** What one policy alone has to say, with its words. */
export interface OwnReason {
  kind: string;
  /** The host that the guest leaves. */
  host: string;
  says: string;
}

/** The reason in words, as is said of a move: "host2 is drained". They are kept in the states of stacks. */
export function reasonText(reason: Reason): string {
  if ("says" in reason) return reason.says;
  switch (reason.kind) {
    case "drained":
      return `${reason.host} is drained`;
    case "new":
      return "new";
    case "lost":
      return `${reason.host} is lost`;
    case "off":
      return `${reason.host} is to be off`;
    case "balanced":
      return `evens out hosts: ${reason.host} has more to do than others`;
    case "over-limit":
      return `${reason.host} is over its limit of ${words[reason.of]}`;
    case "rule":
      return `rule ${reason.rule}`;
    case "spare":
      return "one host may be lost then";
    case "makes-room":
      return `makes room on ${reason.host} for ${reason.guest}`;
  }
}

/** A guest that stays where it is, or a host that stays on or off, though it might not have. */
export type LeftOut = { kind: "host-rests"; host: string; state: "on" | "off"; until: string } | LeftGuest;

type LeftGuest = { guest: string } & (
  | { kind: "would-not-converge" }
  | { kind: "no-way"; host: string; to: string; memoryMiB: number; leftMiB: number }
  | { kind: "rests"; movedMinutesAgo: number; until: string }
  /** What its move is predicted to cost is more than it may. */
  | { kind: "over-slo"; cost: string }
  /** By a third host: it is on its way there, and can move once an update. */
  | { kind: "goes-on"; host: string; to: string }
  /** Its move has to wait for the next one of another guest. */
  | { kind: "waits"; for: string; to: string }
);

export function leftText(left: LeftOut): string {
  switch (left.kind) {
    case "host-rests":
      return `${left.host} (was switched ${left.state}, and stays so until ${left.until})`;
    case "would-not-converge":
      return `${left.guest} (its move would not converge)`;
    case "no-way":
      return `${left.guest} (${left.to} has no room for it until others have left, which wait for room too, and no third host has any: free ${Math.max(1, left.memoryMiB - left.leftMiB)} MiB on ${left.to})`;
    case "rests":
      return `${left.guest} (moved ${left.movedMinutesAgo} minutes ago, rests until ${left.until})`;
    case "over-slo":
      return `${left.guest} (its move would take ${left.cost})`;
    case "goes-on":
      return `${left.guest} (goes on from ${left.host} to ${left.to} with the next update)`;
    case "waits":
      return `${left.guest} (has room on ${left.to} once ${left.for} has gone on, with the next update)`;
  }
}

/** Why a cluster cannot be as it must, as data. */
export type PlacementProblem =
  | {
      kind: "no-place";
      guest: string;
      memoryMiB: number;
      /** Its own, which it must leave. Absent: it is not there yet. */
      from?: string;
      hosts: readonly HostRoom[];
    }
  | { kind: "no-way"; guest: string; from: string; to: string }
  | { kind: "overfull"; host: string; guests: readonly string[]; neededMiB: number; roomMiB: number }
  | { kind: "broken-rule"; rule: string; guests: readonly string[]; says: string }
  | { kind: "contradiction"; rules: readonly string[]; guests: readonly string[] }
  | { kind: "unknown"; what: "guest" | "host"; name: string; in: string }
  | { kind: "unmeasured"; host: string };

/** What a host has left, and what else keeps a guest from it. */
interface HostRoom {
  host: string;
  leftMiB: number;
  isDrained: boolean;
  /** The firm rules that the guest would break there. */
  rules: readonly string[];
}

/** The problem in words, with what would mend it behind a semicolon. */
export const problemText = (problem: PlacementProblem): string => {
  const { problem: what, fix } = explained(problem);
  return `${what}; ${fix}`;
};

/** What is wrong, and what would mend it. */
export function explained(problem: PlacementProblem): { problem: string; fix: string } {
  switch (problem.kind) {
    case "no-place": {
      const { guest, memoryMiB, from, hosts } = problem;
      const open = hosts.filter(({ isDrained, rules }) => !isDrained && rules.length === 0);
      const roomiest = open.toSorted((one, other) => other.leftMiB - one.leftMiB)[0];
      const free = roomiest && Math.max(0, memoryMiB - roomiest.leftMiB);
      const other = from === undefined ? "give it less memory" : `leave ${from} out of drain`;
      return {
        problem: `no place for ${guest} (${memoryMiB} MiB): ${hosts.map(roomText).join(", ")}`,
        fix: `${free ? `free ${free} MiB on ${roomiest.host}` : "add a host"}, or ${other}`,
      };
    }
    case "no-way":
      return {
        problem: `${problem.guest} can't get from ${problem.from} to ${problem.to}: no order of moves has room for each`,
        fix: `free memory on ${problem.to}, or leave ${problem.from} out of drain`,
      };
    case "overfull":
      return {
        problem: `${problem.guests.join(", ")} need ${problem.neededMiB} MiB on ${problem.host}, which has ${problem.roomMiB} MiB for guests, and no other host has room for what is too much`,
        fix: `take ${problem.neededMiB - problem.roomMiB} MiB from them, or add a host`,
      };
    case "broken-rule":
      return {
        problem: `rule ${problem.rule} can't be kept: ${problem.guests.join(", ")} ${problem.says}, and no layout was found that has it so with all pins and other firm rules`,
        fix: "make the rule a soft one, take back a pin, or add a host",
      };
    case "contradiction":
      return {
        problem: `rules ${problem.rules.join(" and ")} contradict each other for ${problem.guests.join(", ")}`,
        fix: "take one of them back, or make it a soft one",
      };
    case "unknown":
      return {
        problem: `${problem.in} names ${problem.what} ${problem.name}, which is not in the stack`,
        fix: `take it out, or add the ${problem.what}`,
      };
    case "unmeasured":
      return {
        problem: `the memory of ${problem.host} is not known, so nothing can be placed by it`,
        fix: "see that it answers, or drain it",
      };
  }
}

const roomText = ({ host, leftMiB, isDrained, rules }: HostRoom): string => {
  if (isDrained) return `${host} is drained`;
  return `${host} has ${leftMiB} MiB left${rules.length > 0 ? ` and rule ${rules.join(", ")} keeps it from there` : ""}`;
};

/** What a step gains: "host1: memory 91 % → 72 %, CPU 80 % → 55 %; imbalance 0.210 → 0.130". */
export function gainText({ from, gain }: { from: string; gain: StepGain }): string {
  const shares = dimensions.flatMap((name) => {
    const [before, after] = [percent(gain.from.before[name]), percent(gain.from.after[name])];
    return before === after ? [] : `${words[name]} ${before} → ${after}`;
  });
  const { before, after } = changeTexts(gain.imbalance);
  return `${from}: ${shares.join(", ") || "as before"}; imbalance ${before} → ${after}`;
}

/** "imbalance 0.210, would be 0.034; one host may be lost: no (12288 MiB of host1 would have no place) → yes". */
export function standingText(before: Standing, after: Standing): string {
  const imbalance = changeTexts({ before: before.imbalance, after: after.imbalance });
  return `imbalance ${imbalance.before}, would be ${imbalance.after}; one host may be lost: ${coverText(before)} → ${coverText(after)}`;
}

function coverText({ uncovered }: Standing): string {
  if (uncovered.length === 0) return "yes";
  const each = uncovered.map(({ host, memoryMiB }) => `${memoryMiB} MiB of ${host}`);
  return `no (${each.join(", ")} would have no place)`;
}

const words: Record<Dimension, string> = { memory: "memory", vcpus: "vCPUs", cpu: "CPU" };
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const changeTexts = ({ before, after }: BeforeAndAfter<number>) => ({
  before: before.toFixed(3),
  after: after.toFixed(3),
});
