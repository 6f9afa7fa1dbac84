import type { Workload } from "./workload.ts";

/** What a guest needs beside its workload: kernel, systemd, SSH, page cache for the image's programs. */
const guestOverheadMiB = 192;

/**
 * What workloads take beside the memory that their settings name, in MiB: the resident memory of their processes, measured on x86-64 with
 * Debian 12's packages, and rounded up. docs/workloads.md has the figures. The 18 MiB of `memory` are part of the overhead.
 */
const programMiB = { memory: 0, python: 16, mysql: 128, office: 360 } as const;

/** Why a guest cannot run a workload, and which key of the workload to fix; none: the workload has no size to change. */
interface WorkloadMisfit {
  key?: "workingSetMiB" | "bufferPoolMiB";
  problem: string;
  fix: string;
}

/** Why a guest of this size cannot run this workload; nothing if it can. */
export function workloadMisfit(workload: Workload, memoryMiB: number): WorkloadMisfit | undefined {
  switch (workload.type) {
    case "memory":
      return sized("workingSetMiB", "a working set", workload.workingSetMiB, memoryMiB, 0);
    case "python":
      return sized("workingSetMiB", "a working set", workload.workingSetMiB, memoryMiB, programMiB.python);
    case "mysql":
      return sized("bufferPoolMiB", "a buffer pool", workload.bufferPoolMiB, memoryMiB, programMiB.mysql);
    case "office": {
      const leastMiB = guestOverheadMiB + programMiB.office;
      if (memoryMiB >= leastMiB) return undefined;
      const problem = `LibreOffice does not fit into a guest of ${memoryMiB} MiB: it and the system need ${leastMiB} MiB`;
      return { problem, fix: `give the guest at least ${leastMiB} memoryMiB` };
    }
    default:
      return undefined;
  }
}

function sized(
  key: NonNullable<WorkloadMisfit["key"]>,
  what: string,
  sizeMiB: number,
  memoryMiB: number,
  programMiB: number,
): WorkloadMisfit | undefined {
  const othersMiB = guestOverheadMiB + programMiB;
  const mostMiB = Math.max(0, memoryMiB - othersMiB);
  if (sizeMiB <= mostMiB) return undefined;
  const others = programMiB === 0 ? "the system needs" : "the system and the program itself need";
  return {
    key,
    problem: `${what} of ${sizeMiB} MiB does not fit into a guest of ${memoryMiB} MiB: at most ${mostMiB} MiB, as ${others} ${othersMiB} MiB`,
    fix: "make it smaller, or give the guest more memoryMiB",
  };
}
