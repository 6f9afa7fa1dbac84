import { movesRunning } from "../moves/modes.ts";
import type { MigrationOptions } from "../moves/options.ts";
import type { MigrationRecord } from "../moves/record.ts";
import type { Pace } from "./model.ts";
import { paceIn } from "./observed.ts";

/** What moves at the same time share. Pages of zeros are only looked at. */
const shared = [
  "sendMiBps",
  "stoppedMiBps",
  "pullMiBps",
  "saveMiBps",
  "copyMiBps",
  "loadMiBps",
  "storageMiBps",
] as const satisfies readonly (keyof Pace)[];

/** What is left of a pace for a move that shares with so many others. */
export const sharedPace = (pace: Pace, others: number): Pace => ({
  ...pace,
  ...scaled(pace, 1 / (1 + others)),
});

/** A limit is one for all moves of running guests that share; what copies a file has it for itself. */
export const sharedLimit = <Options extends Pick<MigrationOptions, "bandwidthMiBps">>(
  options: Options,
  mode: MigrationOptions["mode"],
  others: number,
): Options =>
  options.bandwidthMiBps === undefined || !movesRunning(mode)
    ? options
    : { ...options, bandwidthMiBps: options.bandwidthMiBps / (1 + others) };

/** What a record tells of the pace that a move has alone. See `paceIn`. */
export function paceAlone(
  record: MigrationRecord,
  touchedMiB: number,
  prior: Pace,
  others: number,
): Partial<Pace> {
  // Most are alone, and a prediction asks of each again and again.
  if (others === 0) return paceIn(record, touchedMiB, prior);
  const { mode, options } = record;
  const held = { ...record, ...(options && { options: sharedLimit(options, mode, others) }) };
  const seen = paceIn(held, touchedMiB, sharedPace(prior, others));
  return { ...seen, ...scaled(seen, 1 + others) };
}

const scaled = (pace: Partial<Pace>, times: number): Partial<Pace> =>
  Object.fromEntries(shared.flatMap((key) => (pace[key] === undefined ? [] : [[key, pace[key] * times]])));
