import * as z from "zod";
import { oneUpdate } from "./order/one-update.ts";
import { scheduledMs } from "./order/schedule.ts";
import { evacuate } from "./policies/evacuate.ts";
import { policies, policyKinds } from "./policies/policies.ts";
import { type Cluster, type ClusterGuest, clusterSchema } from "./terms/cluster.ts";
import type { Impossible, Place, Proposal } from "./terms/policy.ts";
import type { LeftOut, PlacementProblem, Reason } from "./terms/reason.ts";
import type { PolicySettings } from "./terms/settings.ts";

const amount = z.number().nonnegative();

/** All that a decision follows from: a value that can be kept, and gives the same decision whenever it is looked at again. */
export const inputsSchema = z.strictObject({
  kind: z.enum(policyKinds),
  cluster: clusterSchema,
  /** Of drained hosts, those that are so since they are to be off, or are lost. */
  closed: z.record(z.string(), z.enum(["off", "lost"])),
  /** Guests that are not there yet and that nobody placed. */
  newcomers: z.array(z.string()),
  /** Guests that were moved a short while ago, by name. */
  rests: z.record(z.string(), z.strictObject({ movedMinutesAgo: amount, until: z.string() })),
  /** Hosts that were switched on or off a short while ago, by name. */
  hostRests: z.record(z.string(), z.strictObject({ state: z.enum(["on", "off"]), until: z.string() })),
  /** Guests whose moves are predicted to cost more than they may, with what that is: they stay, but on a drained host. */
  overSlo: z.record(z.string(), z.string()),
  /** Guests of which no load is known yet: they count as busy as the others. */
  assumed: z.array(z.string()),
  settings: z.strictObject({
    weights: z.strictObject({ memory: amount, vcpus: amount, cpu: amount }),
    limits: z.strictObject({ memory: amount, cpu: amount, vcpuRatio: amount }),
    startAt: amount,
    minGain: amount,
    loadError: amount,
    maxMoves: amount.optional(),
    maxMiB: amount.optional(),
    keepOn: amount,
    savingPerGiB: amount,
  }),
  /** How many moves a host takes part in at a time, and how long all may take. */
  perHost: z.int().positive(),
  maxMs: z.number().positive(),
});

export interface DecisionInputs extends Omit<z.infer<typeof inputsSchema>, "cluster" | "settings"> {
  cluster: Cluster;
  settings: PolicySettings;
}

/** What a policy decided, and from what. */
export interface PlacementDecision {
  schema: 1;
  /** ISO 8601, UTC. */
  at: string;
  /** Of what the stack declares. */
  digest: string;
  inputs: DecisionInputs;
  outcome: Proposal | Impossible;
}

/** Decides where all guests run. The same inputs give the same outcome. */
export function decide(inputs: DecisionInputs): Proposal | Impossible {
  const cluster = pinned(inputs.cluster, Object.keys(inputs.overSlo));
  const rested = atRest(cluster, inputs);
  const calm = placed(inputs, rested);
  // What must be otherwise does not wait.
  const isCalm = calm.outcome.isFeasible && !hasFaults(calm.outcome);
  const { outcome, newPlaces } = isCalm || rested === cluster ? calm : placed(inputs, cluster);
  if (!outcome.isFeasible) return outcome;
  const stays = ([guest]: [string, unknown]) => outcome.moves.every((move) => move.guest !== guest);
  const { places, ...more } = oneUpdate(outcome);
  const inUse = new Set(Object.values({ ...places, ...newPlaces }).map(({ host }) => host));
  const left: LeftOut[] = [
    ...Object.entries(inputs.overSlo)
      .filter(stays)
      .map(([guest, cost]) => ({ kind: "over-slo" as const, guest, cost })),
    ...Object.entries(isCalm ? inputs.rests : {})
      .filter(stays)
      .map(([guest, rest]) => ({ kind: "rests" as const, guest, ...rest })),
    // One that is needed is switched on all the same.
    ...Object.entries(inputs.hostRests)
      .filter(([host, { state }]) => state === "on" || !inUse.has(host))
      .map(([host, rest]) => ({ kind: "host-rests" as const, host, ...rest })),
  ];
  const why = <T extends { reason?: Reason }>(one: T): T =>
    one.reason === undefined ? one : { ...one, reason: closedReason(one.reason, inputs.closed) };
  return {
    ...more,
    moves: more.moves.map(why),
    places: Object.fromEntries(
      Object.entries({ ...places, ...newPlaces }).map(([guest, place]) => [guest, why(place)]),
    ),
    left: [...more.left, ...left],
  };
}

/** Policies know drained hosts alone: why one is drained is told apart here. */
export function closedReason(reason: Reason, closed: Readonly<Record<string, "off" | "lost">>): Reason {
  const kind = reason.kind === "drained" ? closed[reason.host] : undefined;
  return reason.kind === "drained" && kind ? { kind, host: reason.host } : reason;
}

const hasFaults = ({ after }: Proposal): boolean =>
  after.overMemoryMiB > 0 || after.brokenFirm > 0 || after.overLimits > 0;

/** With guests where they are, and hosts as they are, that were moved or switched a short while ago. */
function atRest(cluster: Cluster, { newcomers, rests, hostRests }: DecisionInputs): Cluster {
  const stateOf = (host: string) => hostRests[host]?.state;
  const there = cluster.guests.filter(({ name }) => !newcomers.includes(name));
  const staying = there.filter(({ name, host }) => name in rests || stateOf(host) === "on");
  const rested = pinned(
    cluster,
    staying.map(({ name }) => name),
  );
  const isInUse = (name: string) => there.some(({ host }) => host === name);
  const closed = cluster.hosts.filter(({ name }) => stateOf(name) === "off" && !isInUse(name));
  if (closed.length === 0) return rested;
  const hosts = cluster.hosts.map((host) => (closed.includes(host) ? { ...host, isDrained: true } : host));
  return { ...rested, hosts };
}

/** Where all guests run, new ones first. */
function placed(inputs: DecisionInputs, cluster: Cluster) {
  const settled = withNewcomers({ ...inputs, cluster });
  if ("problems" in settled) return { outcome: settled, newPlaces: {} };
  return { outcome: inTime(inputs, settled.cluster), newPlaces: settled.newPlaces };
}

/** Where a guest is that is not there yet: nothing can be on it, and all must leave it. */
const outside = "(new)";

/** Gives each newcomer the host where it does best, as the others are. They do not move for it, since it boots before they could. */
function withNewcomers({ cluster, newcomers, settings }: DecisionInputs) {
  const isNew = new Set(newcomers);
  if (isNew.size === 0) return { cluster, newPlaces: {} };
  const answer = evacuate(settings)({
    ...cluster,
    hosts: [...cluster.hosts, { name: outside, memoryMiB: Number.MAX_SAFE_INTEGER, isDrained: true }],
    guests: cluster.guests.map((guest) =>
      isNew.has(guest.name) ? { ...guest, host: outside } : homed(cluster, guest),
    ),
  });
  if (!answer.isFeasible) return { ...answer, problems: answer.problems.map(ofNewcomer) };
  const hostOf = (name: string) => answer.places[name]?.host as string;
  return {
    cluster: {
      ...cluster,
      guests: cluster.guests.map((guest) =>
        isNew.has(guest.name) ? { ...guest, host: hostOf(guest.name), isPinned: true } : guest,
      ),
    },
    newPlaces: Object.fromEntries(
      newcomers.map((name): [string, Place] => [name, { host: hostOf(name), reason: { kind: "new" } }]),
    ),
  };
}

/** One of a drained host leaves it in this update, and is not in the way of newcomers, who are not let onto it. */
const homed = ({ hosts }: Cluster, guest: ClusterGuest): ClusterGuest =>
  hosts.some(({ name, isDrained }) => name === guest.host && isDrained)
    ? guest
    : { ...guest, isPinned: true };

function ofNewcomer(problem: PlacementProblem): PlacementProblem {
  if (problem.kind !== "no-place" || problem.from !== outside) return problem;
  const { from: _, ...more } = problem;
  return { ...more, hosts: more.hosts.filter(({ host }) => host !== outside) };
}

function pinned(cluster: Cluster, names: readonly string[]): Cluster {
  if (names.length === 0) return cluster;
  const guests = cluster.guests.map((guest) =>
    names.includes(guest.name) ? { ...guest, isPinned: true } : guest,
  );
  return { ...cluster, guests };
}

/** With so few moves that they are over in time, where they are made for balance's sake. */
function inTime(inputs: DecisionInputs, cluster: Cluster): Proposal | Impossible {
  const { kind, perHost, maxMs } = inputs;
  const msOf = new Map(cluster.guests.map(({ name, move }) => [name, move?.totalMs ?? 0]));
  let { settings } = inputs;
  for (;;) {
    const answer = policies[kind].planner(settings)(cluster);
    if (!answer.isFeasible) return answer;
    const { moves } = answer;
    const allMs = scheduledMs(moves, (guest) => msOf.get(guest) ?? 0, perHost);
    // Those that must be made are not fewer, whatever may be.
    if (allMs <= maxMs || moves.length <= 1 || moves.length > (settings.maxMoves ?? moves.length))
      return answer;
    const maxMoves = Math.min(moves.length - 1, Math.max(1, Math.floor((moves.length * maxMs) / allMs)));
    settings = { ...settings, maxMoves };
  }
}
