/** What the hypervisor needs apart from the guest's memory, as a part of it and at least. */
const overhead = { share: 0.05, leastMiB: 64 };

/** What a guest takes of a host, and its state file at most. */
export const neededMiB = (memoryMiB: number): number =>
  Math.ceil(memoryMiB + Math.max(overhead.leastMiB, memoryMiB * overhead.share));
