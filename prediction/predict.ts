import { type MigrationRecord, pathOf } from "../moves/record.ts";
import {
  calibrated,
  mostShares,
  type Reach,
  type ReachedResidual,
  type Share,
  shareOf,
} from "./calibration.ts";
import { type Companions, companionsIn, othersBy, othersIn } from "./company.ts";
import { correction } from "./correction.ts";
import { type DirtyFrom, recentOf } from "./learn.ts";
import { type Course, course } from "./model.ts";
import { basisOf, kindOf, type ProposedMove, proposedBy } from "./proposed-move.ts";
import { isBetween } from "./weights.ts";

export type Prediction = NonNullable<MigrationRecord["predicted"]>;

/** How far off a dirty rate may be, as the standard deviation of its logarithm: guests do not go on as they did. */
const dirtySpread: { [from in DirtyFrom]: number } = { measured: 0.3, past: 0.25, declared: 0.2, prior: 1 };

/** The normal distribution in nine equally likely parts: the middle of each, in standard deviations. */
const ninths = [-1.59, -0.97, -0.59, -0.28, 0, 0.28, 0.59, 0.97, 1.59];

/**
 * What a move will be like: a model of how it goes, by the pace that earlier moves on the same hosts tell, corrected by how far such
 * predictions of these were off. The same arguments give the same prediction.
 *
 * @param records earlier ones, of this guest and others, newest first; only completed ones tell anything
 * @param known how far off the model was on them, as far as it was computed before with the same records: for a caller that predicts many
 */
export function predict(
  move: ProposedMove,
  records: readonly MigrationRecord[],
  known: KnownErrors = new Map(),
): Prediction {
  const recent = recentOf(records, move);
  const companions = companionsIn(records);
  const { middle, all, likelihood, from } = foresee(move, recent, othersBy(companions));
  const history: History = { all: records, companions, known };
  const told = residuals(recent, history);
  const kind = kindOf(move);
  const off = correction(told, kind);
  const shares = told.slice(0, mostShares).map((residual) => shareThen(residual, history));
  const reach = reachOf(middle, all);
  const within = (key: "totalMs" | "downtimeMs") => {
    const { below, above } = calibrated(shares, key, { correction: off[key], reach: reach[key] });
    return around(middle[key] * Math.exp(off[key].shift), below, above);
  };
  const total = isGivenUp(middle) ? asGiven(middle.totalMs, reach.totalMs) : within("totalMs");
  const down = within("downtimeMs");
  const passes = all.map((one) => one.passes);
  return {
    totalMs: total.middle,
    // A guest is not down for longer than its move takes.
    downtimeMs: Math.min(down.middle, total.middle),
    passes: middle.passes,
    converges: middle.converges,
    likelihood,
    range: {
      totalMs: total.range,
      downtimeMs: [Math.min(down.range[0], total.middle), down.range[1]],
      passes: [Math.min(...passes), Math.max(...passes)],
    },
    from,
    ...(move.others && { others: move.others }),
  };
}

const isGivenUp = ({ converges, downtimeMs }: Course): boolean => !converges && downtimeMs === 0;

/** A move that is given up takes the time it was given, however far off predictions of completed moves were. */
const asGiven = (totalMs: number, [low, high]: Reach) =>
  around(totalMs, Math.max(0.01, -low), Math.max(0.01, high));

/** The model alone: with the dirty rate as it is taken to be, and as it may be. */
function foresee(
  move: ProposedMove,
  records: readonly MigrationRecord[],
  othersOf: (record: MigrationRecord) => number,
) {
  const { kind, past, pace, load, dirtyFrom, options } = basisOf(move, records, othersOf);
  const courses = ninths.map((deviations) =>
    course(
      { ...load, dirtyMiBps: load.dirtyMiBps * Math.exp(deviations * dirtySpread[dirtyFrom]) },
      options,
      pace,
    ),
  );
  const middle = courses[(courses.length - 1) / 2] as Course;
  const likelihood =
    Math.round((courses.filter(({ converges }) => converges).length / courses.length) * 100) / 100;
  // Without the outermost: eight of ten.
  return {
    middle,
    all: courses.slice(1, -1),
    likelihood,
    from: past.filter(({ record }) => isBetween(record, kind)).length,
  };
}

/** What is computed of a record once: how far off the model was, and what part of its range it took up. Absent: the model says nothing of it. */
export type KnownErrors = Map<
  MigrationRecord,
  { others: number; residual: ReachedResidual | undefined; share?: Share }
>;

/** All records that are known, which of them moved at the same time, and what was computed of them before. */
interface History {
  all: readonly MigrationRecord[];
  companions: Companions;
  known: KnownErrors;
}

/** What part of its range a move took up: by those that were over before it began. */
function shareThen(residual: ReachedResidual, { all, companions, known }: History): Share {
  const { record } = residual;
  const told = known.get(record) as NonNullable<ReturnType<KnownErrors["get"]>>;
  if (told.share) return told.share;
  const before = all.filter((other) => isOverBefore(other, record));
  told.share = shareOf(residual, residuals(recentOf(before, record), { all: before, companions, known }));
  return told.share;
}

/** How far off the model was on each of these, told by those alone that were over before it began. */
function residuals(recent: readonly MigrationRecord[], history: History): ReachedResidual[] {
  const { companions, known } = history;
  const othersOf = othersBy(companions);
  return recent.flatMap((record) => {
    const others = othersOf(record);
    // One that shared with it may have been under way when that was computed.
    if (known.get(record)?.others !== others)
      known.set(record, { others, residual: residualOf(record, others, history) });
    return known.get(record)?.residual ?? [];
  });
}

function residualOf(
  record: MigrationRecord,
  others: number,
  { all, companions }: History,
): ReachedResidual | undefined {
  const isKnown = (other: MigrationRecord) => isOverBefore(other, record);
  const move = { ...proposedBy(record), others };
  const { middle, all: courses } = foresee(move, recentOf(all.filter(isKnown), record), (other) =>
    othersIn(other, companions.get(other)?.filter(isKnown)),
  );
  // Where convergence was mispredicted, the times are of another course.
  if (!middle.converges && pathOf(record) === "precopy") return undefined;
  return {
    record,
    others,
    totalMs: Math.log(record.totalMs / middle.totalMs),
    ...(record.downtimeMs !== undefined &&
      record.downtimeMs > 0 &&
      middle.downtimeMs > 0 && { downtimeMs: Math.log(record.downtimeMs / middle.downtimeMs) }),
    reach: reachOf(middle, courses),
  };
}

/** How far the model's own range reaches; of a guest that is not down in all of its courses: as far as in those in which it is. */
function reachOf(middle: Course, all: readonly Course[]): ReachedResidual["reach"] {
  const of = (key: "totalMs" | "downtimeMs"): Reach => {
    const values = all.map((one) => one[key]).filter((value) => value > 0);
    if (middle[key] <= 0 || values.length === 0) return [0, 0];
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return [Math.min(0, Math.log(least / middle[key])), Math.max(0, Math.log(most / middle[key]))];
  };
  return { totalMs: of("totalMs"), downtimeMs: of("downtimeMs") };
}

/** Whether a move was over when another began. */
export const isOverBefore = (one: MigrationRecord, other: MigrationRecord): boolean =>
  Date.parse(one.startedAt) + one.totalMs <= Date.parse(other.startedAt);

/** A figure, and from the least to the most that is expected of eight in ten. */
const around = (
  value: number,
  below: number,
  above: number,
): { middle: number; range: [number, number] } => ({
  middle: Math.round(value),
  range: [Math.floor(value * Math.exp(-below)), Math.ceil(value * Math.exp(above))],
});
