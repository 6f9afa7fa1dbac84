import { joinLoad } from "../../load/join.ts";
import { latestRecords, resultsFile } from "../../moves/results.ts";
import { decide, type PlacementDecision } from "../../placement/decision.ts";
import { policyOf, samplesLoad } from "../cluster-of.ts";
import type { StackConfig } from "../config.ts";
import { digestOf } from "../deciding/digest.ts";
import { type FoundSituation, inputsOf } from "../deciding/inputs-of.ts";
import { isDone, whyStale } from "../deciding/stale.ts";
import { labShares } from "../lab-shares.ts";
import type { PastStack } from "../past.ts";
import type { Plan } from "../plan.ts";
import { readLoad } from "./ask-load.ts";
import type { AskedMachines } from "./ask-machines.ts";
import { readDecision, takeDecision, writeDecision } from "./decision-file.ts";
import { findGuests } from "./find-guests.ts";

/** What is known of hosts already. */
interface KnownMachines extends Pick<AskedMachines, "memoryMiB" | "cpus" | "machine"> {
  /** Those that are off or lost: nothing is asked of them. */
  leftAlone: readonly string[];
}

/** A decision, and why it is not what a preview decided before. */
export interface Decided {
  decision: PlacementDecision;
  /** Absent: it is, or none did. */
  anew?: string;
  /** Why guests are taken to be where they were last seen. */
  unseen?: string;
}

/**
 * Decides where guests run that have no placement. A preview keeps its decision, and the update does that as long as it is not stale; what an
 * update with targets left of it the next one does. Nothing is asked for a stack that has neither a policy nor rules.
 */
export async function decidePlaces(
  config: StackConfig,
  draft: Plan,
  past: PastStack,
  machines: KnownMachines,
  isPreview: boolean,
): Promise<Decided | undefined> {
  const policy = policyOf(config);
  if (policy === undefined) return undefined;
  const { stack } = draft;
  const { unseen, ...found } = await lookAround(config, draft, past, machines);
  const digest = digestOf(config);
  const kept = isPreview ? undefined : await readDecision(stack);
  const former = kept?.isBegun && isDone(kept.decision, found) ? undefined : kept?.decision;
  const stale = former && whyStale(former, { ...found, digest, validMinutes: policy.validMinutes });
  const isGood = former !== undefined && stale === undefined;
  const decision = isGood ? former : decideNow();
  // What can't be is told as a mistake, and no update follows.
  if (!decision.outcome.isFeasible) return { decision };
  if (isPreview) await writeDecision(stack, decision);
  else await takeDecision(stack, decision);
  return { decision, ...(stale && { anew: stale }), ...(unseen && { unseen }) };

  function decideNow(): PlacementDecision {
    const inputs = inputsOf(config, policy as NonNullable<typeof policy>, draft, past, found);
    return { schema: 1, at: new Date(found.ms).toISOString(), digest, inputs, outcome: decide(inputs) };
  }
}

/** Asks hosts where guests are that have no placement, and this machine for their earlier moves. Reads only. */
export async function lookAround(
  config: StackConfig,
  draft: Plan,
  past: PastStack,
  { memoryMiB, cpus, machine, leftAlone }: KnownMachines,
): Promise<FoundSituation & { unseen?: string }> {
  const free = config.guests.filter(({ name }) => !Object.hasOwn(config.placement, name));
  const { windowMinutes = 0 } = config.policy ?? {};
  const asked = draft.hosts.filter(({ name }) => !leftAlone.includes(name));
  const targets = asked.map(({ ssh }) => ssh);
  const [guests, records, samples] = await Promise.all([
    findGuests(
      targets,
      past.guests.filter(({ name }) => free.some((guest) => guest.name === name)),
    ),
    latestRecords(resultsFile(draft.stack)),
    samplesLoad(config) && past.guests.length > 0 ? readLoad(targets, { windowMinutes }) : undefined,
  ]);
  const load = samples && joinLoad(samples);
  // A lab's hosts have one machine, which policies count on in shares.
  const shares = machine && Object.entries(labShares(draft.hosts, machine));
  const sizes = shares
    ? {
        memoryMiB: Object.fromEntries(shares.map(([name, share]) => [name, share.memoryMiB])),
        cpus: Object.fromEntries(shares.map(([name, share]) => [name, share.cpus])),
      }
    : {
        // One that is off has what it had.
        memoryMiB: { ...remembered(past, leftAlone, "memoryMiB"), ...memoryMiB },
        cpus: { ...remembered(past, leftAlone, "cpus"), ...cpus },
      };
  return { ...guests, ...sizes, records, ...(load && { load }), ms: Date.now() };
}

function remembered(
  { sizes = {} }: PastStack,
  hosts: readonly string[],
  figure: "memoryMiB" | "cpus",
): Record<string, number> {
  return Object.fromEntries(
    hosts.flatMap((host) => (sizes[host] ? [[host, sizes[host][figure]] as const] : [])),
  );
}
