import * as z from "zod";

/**
 * Hosts and guests as a policy sees them: a value, so that the same cluster always gives the same places. What a policy needs to know more
 * of them is a field here, absent where it is not known.
 */
export interface Cluster {
  /** In the order of the config, which breaks ties. */
  hosts: readonly ClusterHost[];
  guests: readonly ClusterGuest[];
  rules?: readonly PlacementRule[];
  /** How many hosts may be lost without a guest left without a place, where that can be had. Absent: 0. */
  spare?: 0 | 1;
}

export interface ClusterHost {
  name: string;
  /** Absent: the host was not asked. */
  memoryMiB?: number;
  /** What the host itself needs of it. Absent: {@link defaultReserveMiB}. */
  reserveMiB?: number;
  /** How many vCPUs the host itself counts as. Absent: none. */
  reserveVcpus?: number;
  /** Absent for any host: guests' CPUs and load do not count. */
  cpus?: number;
  /** How many of them the host itself keeps busy, on average. Absent: none. */
  busyCpus?: number;
  /** Whether no guest is to run there. */
  isDrained: boolean;
  /** What it draws while it has nothing to do. */
  idleWatts?: number;
}

export interface ClusterGuest {
  name: string;
  /** Where its placement says it runs, or where it was found, if it has none. */
  host: string;
  memoryMiB: number;
  vcpus?: number;
  /** How many CPUs it keeps busy, on average. Absent: not known; it is taken to be as busy as the others. */
  busyCpus?: number;
  /** Whether it stays on its host, unless that is drained. */
  isPinned?: boolean;
  /** What a move of it is predicted to be like. Absent: like any other guest's. */
  move?: MoveCost;
}

/** What a move of a guest costs: a prediction of one has these fields. */
export interface MoveCost {
  totalMs: number;
  downtimeMs: number;
  /** Whether it would come to an end. */
  converges: boolean;
}

/** What is wished of some guests' places. A firm one is never broken; of others as many are kept as can be. */
export type PlacementRule = { name: string; isFirm: boolean; guests: readonly string[] } & (
  | { kind: "apart" | "together" }
  | { kind: "on"; hosts: readonly string[] }
);

/** For a host's kernel, libvirtd, sshd and QEMU's own needs. */
export const defaultReserveMiB = 512;

/** What a host's guests may have, all together. A host whose memory is not known has none. */
export const roomMiB = ({ memoryMiB = 0, reserveMiB = defaultReserveMiB }: ClusterHost): number =>
  Math.max(0, memoryMiB - reserveMiB);

const name = z.string().min(1);
const mib = z.int().positive();
const amount = z.number().nonnegative();

const rule = { name, isFirm: z.boolean(), guests: z.array(name).min(1) };

/** A cluster as JSON says it: the fields above, and no others, so that one that is misspelt is not passed over. */
export const clusterSchema = z.strictObject({
  hosts: z
    .array(
      z.strictObject({
        name,
        memoryMiB: mib.optional(),
        reserveMiB: z.int().nonnegative().optional(),
        cpus: z.number().positive().optional(),
        reserveVcpus: amount.optional(),
        busyCpus: amount.optional(),
        isDrained: z.boolean().default(false),
        idleWatts: amount.optional(),
      }),
    )
    .min(1),
  guests: z.array(
    z.strictObject({
      name,
      host: name,
      memoryMiB: mib,
      vcpus: z.int().positive().optional(),
      busyCpus: amount.optional(),
      isPinned: z.boolean().optional(),
      move: z.strictObject({ totalMs: amount, downtimeMs: amount, converges: z.boolean() }).optional(),
    }),
  ),
  rules: z
    .array(
      z.discriminatedUnion("kind", [
        z.strictObject({ ...rule, kind: z.literal("apart") }),
        z.strictObject({ ...rule, kind: z.literal("together") }),
        z.strictObject({ ...rule, kind: z.literal("on"), hosts: z.array(name).min(1) }),
      ]),
    )
    .optional(),
  spare: z.union([z.literal(0), z.literal(1)]).optional(),
});
