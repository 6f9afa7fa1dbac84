import type { Cluster, ClusterGuest, MoveCost, PlacementRule } from "../placement/terms/cluster.ts";
import { defaultSettings, type PolicySettings } from "../placement/terms/settings.ts";
import type { AffinityConfig, PolicyConfig, StackConfig } from "./config.ts";
import { policySection } from "./policy-config.ts";

/** The stack's policy. Rules need one, if only to be kept while a host is drained. Undefined: placements say all. */
export const policyOf = ({ policy, affinity }: StackConfig): PolicyConfig | undefined =>
  policy ?? (affinity.length > 0 ? policySection.parse({}) : undefined);

/** Whether hosts are to sample how busy they and their guests are: a policy wants to know that finds hosts for guests. */
export const samplesLoad = ({ policy }: Pick<StackConfig, "policy">): boolean =>
  policy !== undefined && policy.kind !== "pinned" && policy.load === "measured";

/** What is known of hosts and guests beside what the config says, each by name. */
export interface Situation {
  memoryMiB?: Readonly<Record<string, number>>;
  cpus?: Readonly<Record<string, number>>;
  /** Where those guests are that have no placement. Absent: the guest is not there yet. */
  homes?: Readonly<Record<string, string>>;
  /** What moves of them are predicted to be like. */
  costs?: Readonly<Record<string, MoveCost>>;
}

/**
 * The stack as a policy sees it. A guest with a placement is at home there and stays; another is where it was found, or else counts as on the
 * first host.
 */
export function clusterOf(
  config: StackConfig,
  { memoryMiB = {}, cpus = {}, homes = {}, costs = {} }: Situation,
): Cluster {
  const { hosts, guests, placement, drain, off, lost, affinity } = config;
  const closed = [...drain, ...off, ...lost];
  const policy = policyOf(config);
  const isPinned = (policy?.kind ?? "pinned") === "pinned";
  const rules = affinity.flatMap(ruleOf);
  return {
    hosts: hosts.map(({ name, reserveMiB, power }) => ({
      name,
      memoryMiB: memoryMiB[name],
      reserveMiB,
      ...(policy && cpus[name] !== undefined && { cpus: cpus[name] }),
      isDrained: closed.includes(name),
      ...(power?.idleW !== undefined && { idleWatts: power.idleW }),
    })),
    guests: guests.map((guest): ClusterGuest => {
      const { name } = guest;
      const placed = Object.hasOwn(placement, name) ? placement[name] : undefined;
      const move = costs[name];
      return {
        name,
        host: placed ?? homes[name] ?? hosts[0]?.name ?? "",
        memoryMiB: guest.memoryMiB,
        ...(policy && { vcpus: guest.vcpus }),
        ...(!isPinned && (placed !== undefined || guest.fixed) && { isPinned: true }),
        ...(move && { move }),
      };
    }),
    ...(rules.length > 0 && { rules }),
    ...(policy && { spare: policy.spare }),
  };
}

/** Hosts that are to be empty as they are to be off, or are lost. */
export const closedOf = ({ off, lost }: Pick<StackConfig, "off" | "lost">): Record<string, "off" | "lost"> =>
  Object.fromEntries([
    ...off.map((host) => [host, "off"] as const),
    ...lost.map((host) => [host, "lost"] as const),
  ]);

/** Guests whose host is the policy's to find, and that are not there yet. */
export const newcomersOf = (
  { guests, placement }: StackConfig,
  { homes = {} }: Pick<Situation, "homes">,
): string[] =>
  guests.flatMap(({ name }) => (Object.hasOwn(placement, name) || Object.hasOwn(homes, name) ? [] : [name]));

function ruleOf({ name, firm, apart, together, guests, on }: AffinityConfig): PlacementRule[] {
  const rule = { name, isFirm: firm };
  if (apart) return [{ ...rule, kind: "apart", guests: apart }];
  if (together) return [{ ...rule, kind: "together", guests: together }];
  return guests && on ? [{ ...rule, kind: "on", guests, hosts: on }] : [];
}

/** What the stack's policy weighs. */
export const policySettings = ({
  weights,
  limits,
  startAt,
  minGain,
  maxMoves,
  consolidate,
}: Pick<
  PolicyConfig,
  "weights" | "limits" | "startAt" | "minGain" | "maxMoves" | "consolidate"
>): PolicySettings => ({
  ...defaultSettings,
  ...consolidate,
  weights,
  limits,
  startAt,
  minGain,
  maxMoves,
});
