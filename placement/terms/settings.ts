/** What a policy weighs, and how much it takes to move a guest. */
export interface PolicySettings {
  /** Of the standard deviation of hosts' use of each; 0 leaves one out. */
  weights: Readonly<Record<Dimension, number>>;
  /** How full a host may get: of memory without its reserve, of CPUs that are busy, and vCPUs a CPU. */
  limits: { readonly memory: number; readonly cpu: number; readonly vcpuRatio: number };
  /** The imbalance below which nothing is moved for balance's sake: weighted mean of standard deviations, as a share of a host. */
  startAt: number;
  /** What a move of ordinary cost must gain, as a share of one host. */
  minGain: number;
  /** How far off guests' loads may be. What may come from that alone moves nothing. */
  loadError: number;
  /** How many guests may move at a time for balance's sake. Absent: no limit. */
  maxMoves?: number;
  /** How much memory they may have, all together. Absent: no limit. */
  maxMiB?: number;
  /** How many hosts are to stay in use, at least. */
  keepOn: number;
  /** Watts that must be saved for each GiB that is moved to empty a host, where hosts' idleWatts are known. */
  savingPerGiB: number;
}

/** What hosts have and guests need: memory, vCPUs, and CPUs kept busy. */
export const dimensions = ["memory", "vcpus", "cpu"] as const;
export type Dimension = (typeof dimensions)[number];

export const defaultSettings: PolicySettings = {
  weights: { memory: 1, vcpus: 0.5, cpu: 1 },
  limits: { memory: 0.95, cpu: 0.8, vcpuRatio: 4 },
  startAt: 0.05,
  minGain: 0.02,
  loadError: 0.1,
  keepOn: 1,
  savingPerGiB: 1,
};
