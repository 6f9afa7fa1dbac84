import { localOverlayDirectory } from "../../../fleet/overlay.ts";
import { type Check, failed, passed } from "./check.ts";
import { known, type PreflightCheck } from "./evidence.ts";
import { freeAt } from "./free-space.ts";
import { neededMiB } from "./needed-memory.ts";

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

export const overlaySpace: PreflightCheck = {
  asks: ({ request: { localOverlay } }) =>
    localOverlay
      ? {
          source: [{ ask: "size", file: localOverlay.path }],
          destination: [{ ask: "space", directory: localOverlayDirectory }],
        }
      : {},
  judge: ({ request, demands, source, destination, atSource, atDestination }) =>
    request.localOverlay &&
    overlaySpaceCheck(
      destination.name,
      localOverlayDirectory,
      freeAt(destination, atDestination, localOverlayDirectory),
      known(source, `the size of guest ${request.guest}'s overlay`, atSource.fileMiB),
      demands.stateFile ? request.conditions.memoryMiB : undefined,
    ),
};
