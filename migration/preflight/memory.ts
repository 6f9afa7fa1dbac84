import { localRedoDirectory } from "../../fleet/overlay.ts";
import { stateDirectory } from "../../fleet/state-file.ts";
import type { Survey } from "../../libvirt/survey.ts";
import type { Endpoint } from "../context/moving.ts";
import { type Check, failed, passed } from "./check.ts";
import { known, type PreflightCheck } from "./evidence.ts";

/** What the hypervisor needs apart from the guest's memory, as a part of it and at least. */
const overhead = { share: 0.05, leastMiB: 64 };

const neededMiB = (memoryMiB: number): number =>
  Math.ceil(memoryMiB + Math.max(overhead.leastMiB, memoryMiB * overhead.share));

/** A guest that is on its way to a host, and will take memory there. */
interface OnItsWay {
  guest: string;
  memoryMiB: number;
  /** What its QEMU there has taken already; that much is not available any more. */
  residentMiB: number;
}

export function memoryCheck(
  host: string,
  availableMiB: number,
  memoryMiB: number,
  onItsWay: readonly OnItsWay[] = [],
  freedMiB = 0,
): Check {
  const promised = onItsWay.map((other) => ({
    guest: other.guest,
    leftMiB: Math.max(0, neededMiB(other.memoryMiB) - other.residentMiB),
  }));
  const freeMiB = availableMiB + freedMiB - promised.reduce((sum, { leftMiB }) => sum + leftMiB, 0);
  const less = promised.map(({ guest, leftMiB }) => `${leftMiB} MiB for ${guest}, which is on its way there`);
  const more = freedMiB > 0 ? ` and ${freedMiB} MiB that guests leave first` : "";
  const detail = `${host} has ${availableMiB} MiB available${more}${less.length > 0 ? ` (less ${less.join(", ")})` : ""}, ${neededMiB(memoryMiB)} MiB are needed`;
  return freeMiB >= neededMiB(memoryMiB)
    ? passed("memory", detail)
    : failed("memory", `${detail}: free memory there, or place this guest or another one elsewhere`);
}

/** A state file is no larger than the guest's memory and what its devices hold. */
function spaceCheck(host: string, directory: string, freeMiB: number, memoryMiB: number): Check {
  const detail = `${host} has ${freeMiB} MiB free for ${directory}, the state file needs up to ${neededMiB(memoryMiB)} MiB`;
  return freeMiB >= neededMiB(memoryMiB)
    ? passed(`disk space on ${host}`, detail)
    : failed(`disk space on ${host}`, `${detail}: make room there, or move it live or cold (migration.mode)`);
}

/**
 * An overlay is copied as large as it is at the source, beside a state file where there is one.
 *
 * @param stateOfMiB the memory of a guest whose state file goes to the same host; absent: none does
 */
function overlaySpaceCheck(
  host: string,
  directory: string,
  freeMiB: number,
  overlayMiB: number,
  stateOfMiB?: number,
): Check {
  const stateMiB = stateOfMiB === undefined ? 0 : neededMiB(stateOfMiB);
  const beside = stateMiB > 0 ? ` and the state file up to ${stateMiB} MiB` : "";
  const detail = `${host} has ${freeMiB} MiB free for ${directory}, the overlay needs ${overlayMiB} MiB${beside}`;
  return freeMiB >= overlayMiB + stateMiB
    ? passed("overlay", detail)
    : failed("overlay", `${detail}: make room there, or place the guest elsewhere`);
}

export const memory: PreflightCheck = {
  asks: ({ onTheirWay }) => ({
    destination: [{ ask: "memory" }, { ask: "resident", guests: onTheirWay.map(({ guest }) => guest) }],
  }),
  judge: ({ request, destination, atDestination, onTheirWay, freedMiB }) =>
    memoryCheck(
      destination.name,
      known(destination, "free memory", atDestination.availableMiB),
      request.conditions.memoryMiB,
      onTheirWay.map((other) => ({ ...other, residentMiB: atDestination.residentMiB[other.guest] ?? 0 })),
      freedMiB,
    ),
};

const freeAt = (host: Endpoint, { spaceMiB }: Survey, directory: string): number =>
  known(host, "free disk space", spaceMiB[directory]);

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

export const overlaySpace: PreflightCheck = {
  asks: ({ request: { redo } }) =>
    redo
      ? {
          source: [{ ask: "size", file: redo.path }],
          destination: [{ ask: "space", directory: localRedoDirectory }],
        }
      : {},
  judge: ({ request, demands, source, destination, atSource, atDestination }) =>
    request.redo &&
    overlaySpaceCheck(
      destination.name,
      localRedoDirectory,
      freeAt(destination, atDestination, localRedoDirectory),
      known(source, `the size of guest ${request.guest}'s overlay`, atSource.fileMiB),
      demands.stateFile ? request.conditions.memoryMiB : undefined,
    ),
};
