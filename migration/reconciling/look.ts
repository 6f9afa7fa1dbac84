import { isSaveStale } from "../../fleet/disk-stamp.ts";
import { overlayPresence } from "../../fleet/overlay.ts";
import { hasStateFile } from "../../fleet/state-file.ts";
import { isActive } from "../../fleet/whereabouts.ts";
import { type Sighting, sight } from "../../libvirt/sighting.ts";
import { savesMemory } from "../../moves/modes.ts";
import { endpointNamed, type Moving } from "../context/moving.ts";
import type { World } from "./next-step.ts";
import { lastWritten, writtenSince } from "./noted-disk.ts";

/** Looks at the hosts that are no endpoints. */
export const lookAtOthers = ({ uuid, others }: Moving): Promise<Sighting[]> =>
  Promise.all(others.map(({ session }) => sight(session, uuid)));

/** Looks at both endpoints, and at the other hosts if a person may have changed something there. */
export async function lookAt(moving: Moving): Promise<World> {
  const { uuid, source, destination, localOverlay } = moving;
  const intent = moving.intent.now;
  const saves = savesMemory(intent.mode);
  const looking = moving.isLeft ? lookAtOthers(moving) : [];
  const [others, written, atSource, atDestination, stateAtSource, stateAtDestination, ...overlays] =
    await Promise.all([
      looking,
      writtenSince(moving),
      sight(source.session, uuid),
      sight(destination.session, uuid),
      saves && hasStateFile(source.session, uuid),
      saves && hasStateFile(destination.session, uuid),
      ...(localOverlay
        ? [overlayPresence(source.session, localOverlay), overlayPresence(destination.session, localOverlay)]
        : []),
    ]);
  const [overlayAtSource, overlayAtDestination] = overlays;
  const sightings = [atSource, atDestination, ...others];
  return {
    source: atSource,
    destination: atDestination,
    ...(moving.isLeft && { others }),
    stateAtSource,
    stateAtDestination,
    written,
    ...(!sightings.some(isActive) && { staleSaves: await staleSaves(moving, sightings) }),
    ...(overlayAtSource &&
      overlayAtDestination && { overlays: { source: overlayAtSource, destination: overlayAtDestination } }),
    // Which of two overlays is the newer one matters only for a guest that is off.
    ...(overlayAtSource === "file" &&
      overlayAtDestination === "file" &&
      !intent.disk &&
      ![atSource, atDestination].some(isActive) &&
      (await lastWritten(moving))),
  };
}

async function staleSaves(moving: Moving, sightings: readonly Sighting[]): Promise<string[]> {
  const saved = sightings.filter(({ isSaved }) => isSaved).map(({ host }) => host);
  const isStale = await Promise.all(
    saved.map((host) => isSaveStale(moving, endpointNamed(moving, host).session)),
  );
  return saved.filter((_, i) => isStale[i]);
}
