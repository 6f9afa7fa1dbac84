import { isDeepStrictEqual } from "node:util";
import { decide, type PlacementDecision } from "../../placement/decision.ts";

/** What holds now, against which a decision is held. */
interface Now {
  digest: string;
  /** Where those guests are that are there and have no placement, by name. */
  homes: Readonly<Record<string, string>>;
  ms: number;
  validMinutes: number;
}

/** Whether guests that a decision moves are where it wants them. Where those are that are placed is not asked. */
export const isDone = ({ outcome }: PlacementDecision, { homes }: Pick<Now, "homes">): boolean =>
  outcome.isFeasible &&
  outcome.moves.every(({ guest }) => [undefined, outcome.places[guest]?.host].includes(homes[guest]));

/**
 * Why a decision is not to be carried out any more. Undefined: it is still good, whatever the loads are by now, and though a part of it may be
 * done.
 */
export function whyStale({ at, digest, inputs, outcome }: PlacementDecision, now: Now): string | undefined {
  if (digest !== now.digest) return "the stack's config was changed";
  const minutes = (now.ms - Date.parse(at)) / 60_000;
  if (!(minutes >= 0 && minutes <= now.validMinutes))
    return `the decision is ${Math.max(0, Math.floor(minutes))} minutes old (policy.validMinutes is ${now.validMinutes})`;
  for (const { name, host } of inputs.cluster.guests) {
    const home = now.homes[name];
    if (home === undefined || (outcome.isFeasible && home === outcome.places[name]?.host)) continue;
    if (inputs.newcomers.includes(name)) return `${name} is there by now`;
    if (home !== host) return `${name} was found on ${home}`;
  }
  // As JSON has it.
  const again: unknown = JSON.parse(JSON.stringify(decide(inputs)));
  return isDeepStrictEqual(again, outcome) ? undefined : "the program was changed";
}
