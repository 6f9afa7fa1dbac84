import { dirtyRate } from "../../libvirt/dirty-rate.ts";
import { parseSurvey, type Question, surveyScript } from "../../libvirt/survey.ts";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { ProposedMove } from "../../prediction/proposed-move.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import type { Endpoint } from "../context/moving.ts";

/** What was measured for a move right before it; what could not be is absent. */
export interface Measurements {
  guest: NonNullable<MigrationRecord["before"]>;
  linkMiBps?: number | undefined;
}

/** What a preview in this process measured recently: reused, since measuring takes a second. */
const lately = new Map<string, { dirtyMiBps: number | undefined; atMs: number }>();
const lateMs = 60_000;

export async function recentDirtyRate(
  source: Endpoint,
  guest: string,
  uuid: string,
): Promise<number | undefined> {
  const before = lately.get(uuid);
  if (before && performance.now() - before.atMs < lateMs) return before.dirtyMiBps;
  const dirtyMiBps = await dirtyRate(source.session, guest, uuid);
  lately.set(uuid, { dirtyMiBps, atMs: performance.now() });
  return dirtyMiBps;
}

/** Asks the source what the guest brings along: one short call. What cannot be asked is left out. */
export async function guestSizes(
  { guest, localOverlay }: Pick<MigrationRequest, "guest" | "localOverlay">,
  source: Endpoint,
): Promise<Pick<Measurements["guest"], "residentMiB" | "redoMiB">> {
  const questions: Question[] = [
    { ask: "resident", guests: [guest] },
    ...(localOverlay ? [{ ask: "size", file: localOverlay.path } as const] : []),
  ];
  const survey = await source.session
    .run(`asking ${source.name} for the memory of guest ${guest}`, surveyScript(questions))
    .then(({ stdout }) => parseSurvey(stdout))
    .catch(() => undefined);
  return withoutAbsent({ residentMiB: survey?.residentMiB[guest], redoMiB: localOverlay && survey?.fileMiB });
}

/** The question for the prediction, for all callers. */
export const proposedOf = (
  { guest, to, conditions, others }: MigrationRequest,
  source: Pick<Endpoint, "name">,
  options: MigrationOptions,
  { guest: before, linkMiBps }: Measurements,
): ProposedMove => ({ guest, from: source.name, to, ...conditions, ...before, linkMiBps, others, options });

/** The moves from which predictions follow. */
export const knownTo = ({ history = [], known = history }: MigrationRequest): readonly MigrationRecord[] =>
  known;
