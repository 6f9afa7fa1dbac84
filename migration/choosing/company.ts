import { boots } from "../../moves/modes.ts";
import { othersBeside, type Passage } from "../../prediction/company.ts";
import type { MigrationRequest } from "../context/migration-request.ts";

/**
 * The request of a move that has its turn, with how many others it will share with: those that were expected, or as many as the queue shows
 * if there are more.
 *
 * @param entries all that move or wait, this one among them
 */
export function besideQueued(
  request: MigrationRequest,
  entries: readonly (Passage & { uuid: string; perHost: number })[],
): MigrationRequest {
  const own = entries.find(({ uuid }) => uuid === request.uuid);
  if (!own || boots(request.options.mode)) return request;
  const others = othersBeside(
    own,
    entries.filter((entry) => entry !== own),
    own.perHost,
  );
  return others > (request.others ?? 0) ? { ...request, others } : request;
}
