import * as z from "zod";
import { balance } from "../../placement/policies/balance.ts";
import { consolidate } from "../../placement/policies/consolidate.ts";
import type { Cluster } from "../../placement/terms/cluster.ts";
import type { Planner, Proposal } from "../../placement/terms/policy.ts";
import type { PolicySettings } from "../../placement/terms/settings.ts";
import { grownCluster, moved } from "../unit/helpers/clusters.ts";
import { hbal, hbalVersion } from "./hbal.ts";
import { leastHosts } from "./least-hosts.ts";

const planSchema = z.object({
  score: z.number(),
  moves: z.int().nonnegative(),
  gib: z.number().describe("memory of the guests that are moved, each as often as it is"),
  cpuMs: z
    .number()
    .describe("of the process, with its compiler and garbage collector; hbal's with its start"),
});
const clusterSchema = z.object({ hosts: z.int(), guests: z.int(), seed: z.int(), before: z.number() });

export const plannerSchema = z.object({
  hbal: z.string().optional().describe("its version; absent: not installed"),
  against: z
    .array(
      clusterSchema.extend({
        hbal: planSchema,
        ours: planSchema.describe("with no more moves and no more GiB than hbal's"),
        oursByHbal: z.number().describe("the score that hbal gives to where our plan ends"),
        free: planSchema.describe("our plan with no limits but the usual price of a move"),
      }),
    )
    .describe("score: hbal's, of memory and vCPUs"),
  alone: z
    .array(
      clusterSchema.extend({
        ours: planSchema,
        isCovered: z.boolean().describe("any one host may be lost (N+1)"),
        hbalStepMs: z.number().optional().describe("what hbal takes for one of its moves"),
      }),
    )
    .describe("score: our imbalance, of memory, vCPUs and load; N+1 is asked for"),
  consolidated: z
    .array(
      z.object({
        hosts: z.int(),
        guests: z.int(),
        seed: z.int(),
        inUse: z.int(),
        least: z.int().describe("no fewer hosts can hold the guests and lose one of them"),
        moves: z.int(),
        gib: z.number(),
        cpuMs: z.number(),
        isCovered: z.boolean(),
      }),
    )
    .describe("with one host to spare"),
});
export type PlannerResults = z.infer<typeof plannerSchema>;
type Plan = z.infer<typeof planSchema>;

/** Seeds below are for finding settings, these for judging. */
const firstSeed = 1001;

/** What hbal counts: hosts' memory and vCPUs, up to what a host has and four vCPUs a CPU. */
const hbalSettings: Partial<PolicySettings> = {
  weights: { memory: 1, vcpus: 1, cpu: 0 },
  limits: { memory: 1, cpu: Number.POSITIVE_INFINITY, vcpuRatio: 4 },
  startAt: 0,
  loadError: 0,
};
/** Its score is the sum of two deviations, of which ours is the mean. */
const hbalScore = (imbalance: number): number => 2 * imbalance;

export async function measurePlanner(
  clusters: number,
  onSample: (results: PlannerResults, line: string) => Promise<void>,
): Promise<void> {
  const version = await hbalVersion();
  const results: PlannerResults = { hbal: version, against: [], alone: [], consolidated: [] };
  const sizes =
    version === undefined
      ? []
      : ([
          [6, 60, clusters],
          [20, 200, Math.ceil(clusters / 5)],
        ] as const);
  for (const [hosts, guests, count] of sizes)
    for (const [seed, cluster] of grown(hosts, guests, count)) {
      const sample = await against(cluster);
      if (sample === undefined) continue;
      results.against.push({ hosts, guests, seed, ...sample });
      const { hbal, ours } = sample;
      await onSample(results, `${hosts}/${guests} ${seed}: hbal ${text(hbal)}; ours ${text(ours)}`);
    }
  for (const [hosts, guests] of [
    [20, 200],
    [50, 1000],
    [200, 4000],
    [500, 10_000],
  ] as const)
    for (const [seed, cluster] of grown(hosts, guests, 3)) {
      const { plan, proposal } = planned(balance(), { ...cluster, spare: 1 });
      const asksHbal = version !== undefined && hosts === 50 && seed === firstSeed;
      const hbalStepMs = asksHbal ? (await hbal(cluster, 5)).cpuMs / 5 : undefined;
      const { before, after } = proposal;
      const isCovered = after.uncovered.length === 0;
      results.alone.push({
        hosts,
        guests,
        seed,
        before: before.imbalance,
        ours: plan,
        isCovered,
        hbalStepMs,
      });
      await onSample(results, `${hosts}/${guests} ${seed}: ${text(plan)}`);
    }
  // Of hosts that are all alike in what they draw, as many are emptied as can be.
  const limits = { memory: 0.9, cpu: 0.8, vcpuRatio: 4 };
  const asAlike = ({ hosts, ...more }: Cluster): Cluster => ({
    ...more,
    hosts: hosts.map(({ idleWatts: _, ...host }) => host),
    spare: 1,
  });
  for (const [hosts, guests] of [
    [6, 60],
    [20, 200],
    [50, 1000],
    [200, 4000],
  ] as const)
    for (const [seed, cluster] of grown(hosts, guests, 3)) {
      const { plan, proposal } = planned(consolidate({ limits, loadError: 0 }), asAlike(cluster));
      const inUse = new Set(Object.values(proposal.places).map(({ host }) => host));
      const { moves, gib, cpuMs } = plan;
      const least = leastHosts(cluster, limits);
      // Hosts that are empty may be off, and hold no guests of one that is lost.
      const left = moved(
        { ...cluster, hosts: cluster.hosts.filter(({ name }) => inUse.has(name)) },
        proposal.places,
      );
      const isCovered = planned(balance({ startAt: 1 }), left).proposal.before.uncovered.length === 0;
      results.consolidated.push({
        hosts,
        guests,
        seed,
        inUse: inUse.size,
        least,
        moves,
        gib,
        cpuMs,
        isCovered,
      });
      await onSample(
        results,
        `${hosts}/${guests} ${seed}: ${inUse.size} hosts in use, no fewer than ${least}`,
      );
    }
}

async function against(cluster: Cluster) {
  const its = await hbal(cluster);
  if (its.moves.length === 0) return undefined;
  const gib = gibOf(cluster, its.moves);
  const limits = { maxMoves: its.moves.length, maxMiB: gib * 1024 };
  // So little that it is the limits that count.
  const ours = planned(balance({ ...hbalSettings, ...limits, minGain: 0.005 }), cluster);
  const free = planned(balance(hbalSettings), cluster);
  return {
    before: its.before,
    hbal: { score: its.after, moves: its.moves.length, gib, cpuMs: its.cpuMs },
    ours: { ...ours.plan, score: hbalScore(ours.plan.score) },
    oursByHbal: (await hbal(moved(cluster, ours.proposal.places), 0)).before,
    free: { ...free.plan, score: hbalScore(free.plan.score) },
  };
}

function planned(planner: Planner, cluster: Cluster): { plan: Plan; proposal: Proposal } {
  const started = process.cpuUsage();
  const proposal = planner(cluster);
  const { user, system } = process.cpuUsage(started);
  if (!proposal.isFeasible) throw new Error(`no plan: ${JSON.stringify(proposal.problems)}`);
  const { moves, after } = proposal;
  const plan = {
    score: after.imbalance,
    moves: moves.length,
    gib: gibOf(cluster, moves),
    cpuMs: (user + system) / 1000,
  };
  return { plan, proposal };
}

function gibOf({ guests }: Cluster, moves: readonly { guest: string }[]): number {
  const memoryMiB = new Map(guests.map((guest) => [guest.name, guest.memoryMiB]));
  return moves.reduce((sum, { guest }) => sum + (memoryMiB.get(guest) ?? 0), 0) / 1024;
}

/** Clusters that have grown, with hosts of which two GiB and a vCPU are their own. */
function* grown(hosts: number, guests: number, count: number): Generator<readonly [seed: number, Cluster]> {
  let left = count;
  for (let seed = firstSeed; left > 0; seed++) {
    const own = { reserveMiB: 2048, reserveVcpus: 1, vcpuRatio: 4 };
    const cluster = grownCluster(hosts, guests, seed, undefined, own);
    if (cluster === undefined) continue;
    left--;
    yield [seed, cluster];
  }
}

const text = ({ score, moves, gib, cpuMs }: Plan): string =>
  `${score.toFixed(4)} in ${moves} moves, ${gib.toFixed(0)} GiB, CPU ${(cpuMs / 1000).toFixed(2)} s`;
