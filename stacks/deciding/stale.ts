import { isDeepStrictEqual } from "node:util";
import { decide, type PlacementDecision } from "../../placement/decision.ts";

/** What holds now, against which a decision is held. */
export interface Now {
  digest: string;
  /** Where those guests are that are there and have no placement, by name. */
  homes: Readonly<Record<string, string>>;
  ms: number;
  validMinutes: number;
}

/**
 * Why a decision of a preview is not to be carried out any more. Undefined: it is still good, whatever the loads are by now.
 */
export function whyStale({ at, digest, inputs, outcome }: PlacementDecision, now: Now): string | undefined {
  if (digest !== now.digest) return "the stack's config was changed";
  const minutes = (now.ms - Date.parse(at)) / 60_000;
  if (!(minutes >= 0 && minutes <= now.validMinutes))
    return `the preview is ${Math.max(0, Math.floor(minutes))} minutes old (policy.validMinutes is ${now.validMinutes})`;
  for (const { name, host } of inputs.cluster.guests) {
    const home = now.homes[name];
    if (home === undefined) continue;
    if (inputs.newcomers.includes(name)) return `${name} is there by now`;
    if (home !== host) return `${name} was found on ${home}`;
  }
  // As JSON has it.
  const again: unknown = JSON.parse(JSON.stringify(decide(inputs)));
  return isDeepStrictEqual(again, outcome) ? undefined : "the program was changed";
}
