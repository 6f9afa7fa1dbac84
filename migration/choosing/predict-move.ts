import { withoutAbsent } from "../../libvirt/without-absent.ts";
import { modes } from "../../moves/modes.ts";
import { type MigrationOptions, toRecord } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { knowsWriting } from "../../prediction/learn.ts";
import { predict } from "../../prediction/predict.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import type { Endpoint } from "../context/moving.ts";
import { guestSizes, knownTo, type Measurements, proposedOf, recentDirtyRate } from "./measurements.ts";

/** What is expected of a move, and what of that was measured for it. */
type PredictedFacts = Pick<MigrationRecord, "options" | "before" | "predicted">;

/**
 * Says what a move will be like. A guest also moves without a prediction: what cannot be asked is left out.
 *
 * @param measured what its mode was chosen by, so that both go by the same; absent: it is asked for here
 */
export async function predictMove(
  request: MigrationRequest,
  options: MigrationOptions,
  source: Endpoint,
  measured?: Measurements,
): Promise<PredictedFacts> {
  const measurements = measured ?? { guest: await askOf(request, options, source) };
  const { guest: before } = measurements;
  return {
    options: toRecord(options),
    ...(Object.keys(before).length > 0 && { before }),
    predicted: predict(proposedOf(request, source, options, measurements), knownTo(request)),
  };
}

/** How fast its pages get dirty is measured, for a second, only where neither its past nor its config tells. */
async function askOf(
  request: MigrationRequest,
  options: MigrationOptions,
  source: Endpoint,
): Promise<Measurements["guest"]> {
  const { guest, uuid, conditions } = request;
  const isUnknown = writesWhileItMoves(options) && !knowsWriting(knownTo(request), { guest, ...conditions });
  const [sizes, dirtyMiBps] = await Promise.all([
    guestSizes(request, source),
    isUnknown ? recentDirtyRate(source, guest, uuid).catch(() => undefined) : undefined,
  ]);
  return withoutAbsent({ dirtyMiBps, ...sizes });
}

/** What a guest writes does not matter if it is off or goes by post-copy from the start. */
const writesWhileItMoves = ({ mode }: MigrationOptions): boolean => modes[mode].precopy;
