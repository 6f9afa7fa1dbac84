// A workload fits into the memory of its guest.
import { workloadSchema } from "../../guests/workload.ts";
import { workloadMisfit } from "../../guests/workload-memory.ts";
import { defaultMemoryMiB } from "../defaults.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { type Draft, guestsOf, valueOr } from "./draft.ts";

export function workloads(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry, path }) => {
    const memoryMiB = valueOr(entry, "memoryMiB", defaultMemoryMiB);
    // A rate that is missing or was refused says nothing of the size.
    const said = entry.workload?.type === "memory" ? { ...entry.workload, mibPerSecond: 1 } : entry.workload;
    if (said === undefined || memoryMiB === undefined || Object.values(said).includes(undefined)) return [];
    const { data: workload } = workloadSchema.safeParse(said);
    const misfit = workload && workloadMisfit(workload, memoryMiB);
    if (misfit === undefined) return [];
    const at = misfit.key ? ["workload", misfit.key] : ["memoryMiB"];
    return [mistake([...path, ...at], misfit.problem, misfit.fix)];
  });
}
