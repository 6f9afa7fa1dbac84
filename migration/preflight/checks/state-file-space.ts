import { stateDirectory } from "../../../fleet/state-file.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";
import { freeAt } from "./free-space.ts";
import { neededMiB } from "./needed-memory.ts";

/** A state file is no larger than the guest's memory and what its devices hold. */
function spaceCheck(host: string, directory: string, freeMiB: number, memoryMiB: number): Check {
  const detail = `${host} has ${freeMiB} MiB free for ${directory}, the state file needs up to ${neededMiB(memoryMiB)} MiB`;
  return freeMiB >= neededMiB(memoryMiB)
    ? passed(`disk space on ${host}`, detail)
    : failed(`disk space on ${host}`, `${detail}: make room there, or move it live or cold (migration.mode)`);
}

export const stateFileSpace: PreflightCheck = {
  asks: ({ demands }) => {
    const space = demands.stateFile ? [{ ask: "space", directory: stateDirectory } as const] : [];
    return { source: space, destination: space };
  },
  judge: ({ request, demands, source, destination, atSource, atDestination }) =>
    demands.stateFile
      ? [[source, atSource] as const, [destination, atDestination] as const].map(([host, survey]) =>
          spaceCheck(
            host.name,
            stateDirectory,
            freeAt(host, survey, stateDirectory),
            request.conditions.memoryMiB,
          ),
        )
      : undefined,
};
