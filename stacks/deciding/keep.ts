import type { Impossible, Proposal } from "../../placement/terms/policy.ts";
import { type PlacementProblem, problemText } from "../../placement/terms/reason.ts";
import { list } from "../words.ts";

/** What a keeper saw of a stack. */
export interface KeeperLook {
  /** Hosts that do not answer, and that nobody said are off or lost. */
  silent: readonly string[];
  /** What the stack's policy would do. Absent: a host does not answer, so nothing can be decided. */
  outcome?: Proposal | Impossible;
  /** Hosts that are to be switched off, or on again. */
  toSwitch: readonly string[];
}

/** What a keeper does about it. */
export type KeeperAct =
  | { do: "nothing"; why: string }
  /** An update as it is. */
  | { do: "up"; why: string }
  /** An update that takes these hosts for lost: it demands a proof that they are off. */
  | { do: "lose"; hosts: readonly string[]; why: string };

/**
 * What is to be done after a look. The same looks give the same acts: it holds no logic that an update has not, but for how often a host must
 * be silent.
 *
 * @param silences how many looks in a row each host was silent, this one included
 * @param mostSilences so many are enough to take a host for lost
 */
export function actOf(
  { silent, outcome, toSwitch }: KeeperLook,
  silences: Readonly<Record<string, number>>,
  mostSilences: number,
): KeeperAct {
  if (silent.length > 0) {
    const hosts = silent.filter((host) => (silences[host] ?? 0) >= mostSilences);
    const said = silent.map((host) => `${host} does not answer (${silences[host] ?? 0} of ${mostSilences})`);
    return hosts.length > 0 ? { do: "lose", hosts, why: list(said) } : { do: "nothing", why: list(said) };
  }
  if (outcome === undefined) return { do: "nothing", why: "nothing is known of its guests" };
  if (!outcome.isFeasible)
    return {
      do: "nothing",
      why: outcome.problems.map((one: PlacementProblem) => problemText(one)).join("; "),
    };
  const { moves, before, after } = outcome;
  if (moves.length > 0) {
    const said = moves.map(({ guest, from, to }) => `${guest} ${from} → ${to}`);
    return {
      do: "up",
      why: `${list(said)}; imbalance ${before.imbalance.toFixed(3)} → ${after.imbalance.toFixed(3)}`,
    };
  }
  if (toSwitch.length > 0)
    return { do: "up", why: `${list(toSwitch)} ${toSwitch.length === 1 ? "is" : "are"} to be switched` };
  return { do: "nothing", why: `imbalance ${before.imbalance.toFixed(3)}` };
}

/** How many looks in a row each host was silent. */
export const silencesAfter = (
  silences: Readonly<Record<string, number>>,
  silent: readonly string[],
): Record<string, number> => Object.fromEntries(silent.map((host) => [host, (silences[host] ?? 0) + 1]));
