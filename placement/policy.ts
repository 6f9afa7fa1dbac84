import type { Cluster } from "./cluster.ts";
import type { Reason } from "./reason.ts";

/**
 * Decides where each guest of a cluster runs, by the guest's name. It is pure: it asks no host and moves nothing. One that has settings
 * is made by a function of them.
 */
export type Policy = (cluster: Cluster) => Readonly<Record<string, Place>>;

/** Where a guest runs. */
export interface Place {
  host: string;
  /** Why it does not run where it is placed. Absent: it does. */
  reason?: Reason;
}
