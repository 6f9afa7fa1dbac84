import { useOfGuests, withLoad } from "../../load/cluster-load.ts";
import type { MeasuredLoad } from "../../load/join.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { breachesOf, breachText } from "../../moves/slo.ts";
import type { DecisionInputs } from "../../placement/decision.ts";
import { policies } from "../../placement/policies/policies.ts";
import type { MoveCost } from "../../placement/terms/cluster.ts";
import { closedOf, clusterOf, newcomersOf, policySettings, type Situation } from "../cluster-of.ts";
import type { PolicyConfig, StackConfig } from "../config.ts";
import type { PastStack } from "../past.ts";
import type { Plan } from "../plan.ts";
import { costOf } from "./cost-of.ts";
import { type HostRest, type Rest, restOf, restOfHost } from "./rests.ts";

/** What was found of a stack's hosts and guests. */
export interface FoundSituation extends Pick<Situation, "memoryMiB" | "cpus"> {
  /** Where those guests are that are there and have no placement, by name. */
  homes: Readonly<Record<string, string>>;
  /** What hosts sampled. Absent: they were not asked. */
  load?: MeasuredLoad;
  /** Earlier moves, newest first. */
  records: readonly MigrationRecord[];
  /** When that was found, by this machine's clock. */
  ms: number;
}

/** All that a decision follows from. */
export function inputsOf(
  config: StackConfig,
  { kind, restMinutes, maxMinutes, windowMinutes, ...more }: PolicyConfig,
  draft: Pick<Plan, "guests" | "hosts" | "concurrentPerHost">,
  past: Pick<PastStack, "guests" | "switchings">,
  { records, ms, load, ...found }: FoundSituation,
): DecisionInputs {
  const rests = config.guests.flatMap(({ name }): [string, Rest][] => {
    const own = records.filter(({ guest }) => guest === name);
    const rest = Object.hasOwn(config.placement, name) ? undefined : restOf(own, restMinutes, ms);
    return rest ? [[name, rest]] : [];
  });
  // Any other policy leaves all hosts on.
  const { emptiesHosts } = policies[kind];
  const switchings = emptiesHosts ? Object.entries(past.switchings ?? {}) : [];
  const hostRests = switchings.flatMap(([host, switching]): [string, HostRest][] => {
    const rest = restOfHost(switching, restMinutes, ms);
    return rest ? [[host, rest]] : [];
  });
  const known = past.guests.flatMap(({ name, uuid }) => {
    const guest = config.guests.find((one) => one.name === name);
    return guest ? [{ name, uuid, vcpus: guest.vcpus }] : [];
  });
  const uses = load ? useOfGuests(known, load, windowMinutes) : {};
  const costs = costsOf(draft, past, found.homes, records);
  const cluster = clusterOf(config, { ...found, costs });
  const overSlo = draft.guests.flatMap(({ name, migration: { slo } }): [string, string][] => {
    const cost = costs[name];
    const breaches = cost && slo ? breachesOf(cost, slo) : [];
    return breaches.length > 0 ? [[name, breachText(breaches)]] : [];
  });
  // A host that is to hold more guests must be able to nearly all of the time.
  const figure = emptiesHosts ? "p95Cpus" : "meanCpus";
  return {
    kind,
    cluster: load ? withLoad(cluster, uses, load, figure) : cluster,
    closed: closedOf(config),
    newcomers: newcomersOf(config, found),
    overSlo: Object.fromEntries(overSlo),
    assumed: Object.keys(uses).filter((name) => uses[name]?.from !== "samples"),
    rests: Object.fromEntries(rests),
    hostRests: Object.fromEntries(hostRests),
    settings: policySettings(more),
    perHost: draft.concurrentPerHost,
    maxMs: maxMinutes * 60_000,
  };
}

/** Each guest's move is predicted once, to any other host: what hosts are like differs less than what guests do. */
function costsOf(
  { guests, hosts }: Pick<Plan, "guests" | "hosts">,
  past: Pick<PastStack, "guests">,
  homes: Readonly<Record<string, string>>,
  records: readonly MigrationRecord[],
): Record<string, MoveCost> {
  const residuals = new Map();
  return Object.fromEntries(
    guests.flatMap(({ name, memoryMiB, workload, redo, migration: { drift: _, slo: __, ...options } }) => {
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
