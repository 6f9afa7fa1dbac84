import { latestRecords, resultsFile } from "../../moves/results.ts";
import type { MoveCost } from "../../placement/cluster.ts";
import { type DecisionInputs, decide, type PlacementDecision } from "../../placement/decision.ts";
import { clusterOf, newcomersOf, policyOf, settingsOf } from "../cluster-of.ts";
import type { PolicyConfig, StackConfig } from "../config.ts";
import { costOf } from "../deciding/cost-of.ts";
import { digestOf } from "../deciding/digest.ts";
import { type Rest, restOf } from "../deciding/rests.ts";
import { whyStale } from "../deciding/stale.ts";
import type { PastStack } from "../past.ts";
import type { Plan } from "../plan.ts";
import type { AskedMachines } from "./ask-machines.ts";
import { readDecision, takeDecision, writeDecision } from "./decision-file.ts";
import { findGuests } from "./find-guests.ts";

/** A decision, and why it is not what a preview decided before. */
export interface Decided {
  decision: PlacementDecision;
  /** Absent: it is, or none did. */
  anew?: string;
  /** Why guests are taken to be where they were last seen. */
  unseen?: string;
}

/**
 * Decides where guests run that have no placement. A preview keeps its decision, and the update does that as long as it is not stale. Nothing
 * is asked for where all guests are placed and nobody wants to know of hosts what a policy says.
 */
export async function decidePlaces(
  config: StackConfig,
  draft: Plan,
  past: PastStack,
  machines: Pick<AskedMachines, "memoryMiB" | "cpus">,
  isPreview: boolean,
): Promise<Decided | undefined> {
  const policy = policyOf(config);
  if (policy === undefined) return undefined;
  const { stack } = draft;
  const isPlaced = (name: string) => Object.hasOwn(config.placement, name);
  const known = past.guests.filter(({ name }) => config.guests.some((guest) => guest.name === name));
  const { homes, unseen } = await findGuests(
    draft.hosts.map(({ ssh }) => ssh),
    known.filter(({ name }) => !isPlaced(name)),
  );
  const digest = digestOf(config);
  const nowMs = Date.now();
  const former = isPreview ? undefined : await readDecision(stack);
  const stale = former && whyStale(former, { digest, homes, ms: nowMs, validMinutes: policy.validMinutes });
  const isGood = former !== undefined && stale === undefined;
  const decision = isGood ? former : await decideNow(policy);
  // What can't be is told as a mistake, and no update follows.
  if (!decision.outcome.isFeasible) return { decision };
  if (isPreview) await writeDecision(stack, decision);
  else await takeDecision(stack, decision);
  return { decision, ...(stale && { anew: stale }), ...(unseen && { unseen }) };

  async function decideNow({
    kind,
    restMinutes,
    maxMinutes,
    ...more
  }: PolicyConfig): Promise<PlacementDecision> {
    const records = await latestRecords(resultsFile(stack));
    const rests = config.guests.flatMap(({ name }): [string, Rest][] => {
      const own = records.filter(({ guest }) => guest === name);
      const rest = isPlaced(name) ? undefined : restOf(own, restMinutes, nowMs);
      return rest ? [[name, rest]] : [];
    });
    const costs = costsOf(draft, past, homes, records);
    const inputs: DecisionInputs = {
      kind,
      cluster: clusterOf(config, { ...machines, homes, costs }),
      newcomers: newcomersOf(config, { homes }),
      rests: Object.fromEntries(rests),
      settings: settingsOf(more),
      perHost: draft.concurrentPerHost,
      maxMs: maxMinutes * 60_000,
    };
    const at = new Date(nowMs).toISOString();
    return { schema: 1, at, digest, inputs, outcome: decide(inputs) };
  }
}

/** Each guest's move is predicted once, to any other host: what hosts are like differs less than what guests do. */
function costsOf(
  { guests, hosts }: Plan,
  past: PastStack,
  homes: Readonly<Record<string, string>>,
  records: Awaited<ReturnType<typeof latestRecords>>,
): Record<string, MoveCost> {
  const residuals = new Map();
  return Object.fromEntries(
    guests.flatMap(({ name, memoryMiB, workload, redo, migration: { drift: _, ...options } }) => {
      const from = homes[name];
      const to = hosts.find((host) => host.name !== from)?.name;
      const accelerator = past.guests.find((guest) => guest.name === name)?.accelerator;
      if (from === undefined || to === undefined || accelerator === undefined) return [];
      const isIdle = workload.type === "idle";
      const guest = {
        guest: name,
        from,
        to,
        memoryMiB,
        // As records have it.
        ...(!isIdle && { workload }),
        ...(redo === "local" && { redo }),
        accelerator,
        options,
      };
      return [[name, costOf(guest, records, residuals)] as const];
    }),
  );
}
