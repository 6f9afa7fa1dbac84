// What a stack's outputs say of its hosts, guests and moves.
import * as pulumi from "@pulumi/pulumi";
import { type MoveSummary, moveSummary } from "../moves/summary.ts";
import type { PlacementDecision } from "../placement/decision.ts";
import { leftText, reasonText } from "../placement/terms/reason.ts";
import type { GuestPlan, HostPlan } from "../stacks/plan.ts";
import type { DeclaredWatts } from "../stacks/watts.ts";
import type { KvmHost } from "./kvm-host.ts";
import type { Migration } from "./migration.ts";
import type { NfsPool } from "./nfs-pool.ts";
import type { UbuntuGuest } from "./ubuntu-guest.ts";

/** What a stack's `hosts.<name>` output says. */
export interface HostOutput {
  address: string;
  accelerator: "kvm" | "tcg";
  nfsTransport: "kernel" | "userspace";
  cpuModel: string;
  memoryMiB: number;
  /** Of a lab's host with a size of its own: `memory held, cpus held`, or why they are not. */
  held?: string;
  qemu: string;
  libvirt: string;
  kernel: string;
  /** How full it is with its guests, as its stack's policy sees it: shares from 0 to 1. Absent: the stack has no policy. */
  share?: HostUse;
  /** Of a host that this stack has switched: what is known of it beside that is of when it was on. */
  power?: "on" | "off";
  /** Of a host that is named in testbed:lost: what else is known of it is of before. */
  lost?: true;
  /** What it draws, and where that is from. */
  watts?: { from: "declared"; idleW?: number; peakW?: number };
}

/** A share is absent where it is not known what the host has, or what its guests need. */
interface HostUse {
  memory: number;
  vcpus?: number;
  cpu?: number;
}

/** What a stack's `policy` output says. */
export interface PolicyOutput {
  kind: PlacementDecision["inputs"]["kind"];
  /** When it was decided: ISO 8601, UTC. Absent: nothing was to be moved. */
  at?: string;
  /** Weighted mean of the standard deviations of hosts' shares. */
  imbalance: { before: number; after: number };
  /** In an order in which they have room. */
  moves: { guest: string; from: string; to: string; reason: string }[];
  /** Guests that were not moved, and why. */
  left: string[];
  /** What all hosts that are on draw before and after: where it is declared of each. Absent: it is not, or no host is switched. */
  watts?: { from: "declared"; before: number; after: number };
  /** Hosts whose loss would leave guests without a place. */
  uncovered: { host: string; memoryMiB: number }[];
}

/** What a stack's `guests.<name>` output says. */
export interface GuestOutput {
  uuid: string;
  /** Where it runs. */
  host: string;
  state: string;
  /** Empty when it comes by DHCP. */
  address: string;
  /** Who to log in as, over SSH, with the key .testbed/<stack>/id_ed25519. */
  user: string;
  /** Such as `10.77.0.11:5901`; it moves along with the guest. Absent: no display. */
  vnc?: string;
  memoryMiB: number;
}

/** What a stack's `migrations.<name>` output says. */
export interface MigrationOutput {
  host: string;
  /** Completed ones. */
  moves: number;
  /** The last one, completed or not; its whole record is in results/<stack>.jsonl. */
  last?: MoveSummary;
}

export const hostOutput = (
  { facts }: KvmHost,
  pool: NfsPool,
  { name, power, fence, watts }: HostPlan,
  decision?: PlacementDecision,
): pulumi.Output<HostOutput> =>
  pulumi.all([facts, pool.transport]).apply(([known, nfsTransport]) => ({
    address: known.address,
    accelerator: known.accelerator,
    nfsTransport,
    cpuModel: known.cpuModel,
    memoryMiB: known.memoryMiB,
    ...(known.held !== undefined && { held: known.held }),
    qemu: known.qemu,
    libvirt: known.libvirt,
    kernel: known.kernel,
    ...shareOf(name, decision),
    ...(power && { power: power.desired }),
    ...(fence && { lost: true as const }),
    ...(watts && { watts: { from: "declared" as const, ...watts } }),
  }));

function shareOf(host: string, decision?: PlacementDecision): Pick<HostOutput, "share"> {
  if (!decision?.outcome.isFeasible) return {};
  const { cluster } = decision.inputs;
  const amounts = decision.outcome.after.hosts[host];
  if (amounts === undefined) return {};
  const knowsCpus = cluster.hosts.some(({ name, cpus }) => name === host && cpus !== undefined);
  const knowsLoad = knowsCpus && cluster.guests.some(({ busyCpus }) => busyCpus !== undefined);
  return {
    share: {
      memory: rounded(amounts.memory),
      ...(knowsCpus && { vcpus: rounded(amounts.vcpus) }),
      ...(knowsLoad && { cpu: rounded(amounts.cpu) }),
    },
  };
}

/** What changes less than this is not worth telling. */
const rounded = (share: number): number => Math.round(share * 100) / 100;

export function policyOutput(
  { at, inputs, outcome }: PlacementDecision,
  watts?: DeclaredWatts,
): PolicyOutput | undefined {
  if (!outcome.isFeasible) return undefined;
  const { before, after, moves, left } = outcome;
  return {
    kind: inputs.kind,
    ...(moves.length > 0 && { at }),
    imbalance: { before: rounded(before.imbalance), after: rounded(after.imbalance) },
    moves: moves.map(({ guest, from, to, reason }) => ({ guest, from, to, reason: reasonText(reason) })),
    left: left.map(leftText),
    ...(watts && {
      watts: {
        from: "declared" as const,
        before: Math.round(watts.beforeW),
        after: Math.round(watts.afterW),
      },
    }),
    uncovered: after.uncovered.map(({ host, memoryMiB }) => ({ host, memoryMiB })),
  };
}

export function guestOutput(
  { memoryMiB, vnc }: GuestPlan,
  { uuid, domain, address }: UbuntuGuest,
  migration: Migration,
  user: pulumi.Output<string>,
  hosts: readonly KvmHost[],
): pulumi.Output<GuestOutput> {
  const addresses = pulumi.all(
    hosts.map(({ host, facts }) => facts.apply((known) => [host.hostName, known.address] as const)),
  );
  return pulumi
    .all([uuid, migration.host, domain.state, address, user, addresses])
    .apply(([id, host, state, guestAddress, login, known]) => ({
      uuid: id,
      host,
      state,
      address: guestAddress,
      user: login,
      ...(vnc && { vnc: `${new Map(known).get(host) ?? host}:${vnc.port}` }),
      memoryMiB,
    }));
}

export const migrationOutput = ({ host, moves, history }: Migration): pulumi.Output<MigrationOutput> =>
  pulumi.all([host, moves, history]).apply(([where, count, records]) => ({
    host: where,
    moves: count,
    ...(records[0] && { last: moveSummary(records[0]) }),
  }));
