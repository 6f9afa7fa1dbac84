import { withFleet } from "../../fleet/observe.ts";
import type { Tell } from "../../fleet/tell.ts";
import type { Sighting } from "../../libvirt/sighting.ts";
import { hostVersions } from "../../libvirt/versions.ts";
import { optionsNow } from "../choosing/options-now.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import { type Endpoint, endpointOf } from "../context/moving.ts";
import { hasFailed, PreflightFailed } from "./checks/check.ts";
import { examine, type Judged } from "./preflight.ts";

/** Moves that this process has shown in a preview, or is about to make: they take memory at the same hosts. */
const planned = new Map<string, { guest: string; from: string; to: string; memoryMiB: number }>();

/**
 * Says in a preview what speaks against a move, and touches nothing. What this update may still change (memory that another guest frees, a
 * bridge that is made) is a warning, since the same is asked again right before the move. Throws PreflightFailed for the rest.
 *
 * @param after guests that leave its destination before it begins, as their previews said: their memory is free by then
 */
export async function previewMove(
  request: MigrationRequest,
  from: string,
  sightings: readonly Sighting[],
  tell: Tell,
  after: readonly string[] = [],
): Promise<void> {
  const { guest, uuid, to, conditions } = request;
  const freedMiB = [...planned.values()]
    .filter((move) => move.from === to && after.includes(move.guest))
    .reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const incoming = [...planned].flatMap(([other, move]) => (other !== uuid && move.to === to ? [move] : []));
  planned.set(uuid, { guest, from, to, memoryMiB: conditions.memoryMiB });
  const judged = await withFleet(request.fleet, (sessions) =>
    look(
      request,
      endpointOf(request.fleet, sessions, from),
      endpointOf(request.fleet, sessions, to),
      sightings,
      incoming,
      freedMiB,
    ),
  );
  const checks = judged.map(({ check }) => check);
  if (judged.some(({ check, lasts }) => lasts && hasFailed(check)))
    throw new PreflightFailed(guest, to, checks);
  for (const { check, verdict, detail } of checks) {
    if (verdict === "fail")
      tell(`warning: ${guest} could not move to ${to} as things are now: ${check}: ${detail}`);
    if (verdict === "warn") tell(`warning: ${guest}: ${check}: ${detail}`);
  }
}

async function look(
  request: MigrationRequest,
  source: Endpoint,
  destination: Endpoint,
  sightings: readonly Sighting[],
  incoming: readonly { guest: string; memoryMiB: number }[],
  freedMiB: number,
): Promise<Judged[]> {
  const [atSource, atDestination] = await Promise.all([
    source.session.readClock(),
    destination.session.readClock(),
  ]);
  // If it is not known what `auto` would choose, only what all of its choices need is asked.
  const chosen = await optionsNow(request, source, destination).catch(() => undefined);
  const options = chosen?.options ?? request.options;
  const versions = Promise.all([hostVersions(source.session), hostVersions(destination.session)]).then(
    ([from, to]) => ({ from, to }),
  );
  const clocks = { source: atSource, destination: atDestination };
  return examine({
    request: { ...request, options },
    source,
    destination,
    sightings,
    versions,
    clocks,
    incoming,
    freedMiB,
  });
}
