import { dirtyRate } from "../../libvirt/dirty-rate.ts";
import { parseSurvey, type Question, surveyScript } from "../../libvirt/survey.ts";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import { modes } from "../../moves/modes.ts";
import { type MigrationOptions, toRecord } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { knowsWriting } from "../../prediction/learn.ts";
import { predict } from "../../prediction/predict.ts";
import type { Station } from "../context/moving.ts";
import type { MigrationRequest } from "../context/request.ts";

/** What is expected of a move, and what of that was measured for it. */
export type Foreseen = Pick<MigrationRecord, "options" | "before" | "predicted">;

/** What was measured already. */
export type Measured = Pick<MigrationRecord, "linkMiBps"> & { dirtyMiBps?: number | undefined };

/** What was measured in this process of late, by a preview that the move follows: for the second that it takes. */
const lately = new Map<string, { dirtyMiBps: number | undefined; atMs: number }>();
const lateMs = 60_000;

export async function dirtyRateOfLate(
  source: Station,
  guest: string,
  uuid: string,
): Promise<number | undefined> {
  const before = lately.get(uuid);
  if (before && performance.now() - before.atMs < lateMs) return before.dirtyMiBps;
  const dirtyMiBps = await dirtyRate(source.session, guest, uuid);
  lately.set(uuid, { dirtyMiBps, atMs: performance.now() });
  return dirtyMiBps;
}

/**
 * Asks the source what the guest brings along, and says what its move will be like. One short call; how fast its pages get dirty is
 * measured, for a second, only where neither its past nor its config tells. A guest moves without a prediction as well: what cannot be
 * asked is left out.
 */
export async function foreseeMove(
  { guest, uuid, to, conditions, redo, history = [], known = history }: MigrationRequest,
  options: MigrationOptions,
  source: Station,
  measured: Measured = {},
): Promise<Foreseen> {
  const questions: Question[] = [
    { ask: "resident", guests: [guest] },
    ...(redo ? [{ ask: "size", file: redo.path } as const] : []),
  ];
  const isUnknown =
    measured.dirtyMiBps === undefined &&
    writesWhileItMoves(options) &&
    !knowsWriting(known, { guest, ...conditions });
  const [survey, dirtyMiBps] = await Promise.all([
    source.session
      .run(`asking ${source.name} for the memory of guest ${guest}`, surveyScript(questions))
      .then(({ stdout }) => parseSurvey(stdout)),
    isUnknown ? dirtyRateOfLate(source, guest, uuid) : measured.dirtyMiBps,
  ]).catch(() => [undefined, measured.dirtyMiBps] as const);
  const before = withoutAbsent({
    dirtyMiBps,
    residentMiB: survey?.residentMiB[guest],
    redoMiB: redo && survey?.fileMiB,
  });
  const predicted = predict(
    { guest, from: source.name, to, ...conditions, ...before, linkMiBps: measured.linkMiBps, options },
    known,
  );
  return {
    options: toRecord(options),
    ...(Object.keys(before).length > 0 && { before }),
    predicted,
  };
}

/** By post-copy from the start, or off, it does not matter what it writes meanwhile. */
const writesWhileItMoves = ({ mode }: MigrationOptions): boolean => modes[mode].precopy;
