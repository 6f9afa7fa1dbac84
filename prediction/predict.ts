import { type MigrationRecord, wayOf } from "../moves/record.ts";
import { type Correction, correction, type Residual } from "./correction.ts";
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
  known = new Map<MigrationRecord, Residual | undefined>(),
): Prediction {
  const recent = recentOf(records, move);
  const { middle, all, likelihood, from } = foresee(move, recent);
  const off = correction(residuals(recent, records, known), kindOf(move));
  const total = within(
    middle.totalMs,
    all.map(({ totalMs }) => totalMs),
    isGivenUp(middle) ? asGiven : off.totalMs,
  );
  const down = within(
    middle.downtimeMs,
    all.map(({ downtimeMs }) => downtimeMs),
    off.downtimeMs,
  );
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
  };
}

const isGivenUp = ({ converges, downtimeMs }: Course): boolean => !converges && downtimeMs === 0;

/** A move that is given up takes the time it was given, however far off predictions of completed moves were. */
const asGiven: Correction = { shift: 0, spread: 0.01 };

/** The model alone: with the dirty rate as it is taken to be, and as it may be. */
function foresee(move: ProposedMove, records: readonly MigrationRecord[]) {
  const { kind, past, pace, load, dirtyFrom } = basisOf(move, records);
  const courses = ninths.map((deviations) =>
    course(
      { ...load, dirtyMiBps: load.dirtyMiBps * Math.exp(deviations * dirtySpread[dirtyFrom]) },
      move.options,
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

/** How far off the model was on each of these, told by those alone that were over before it began. */
function residuals(
  recent: readonly MigrationRecord[],
  all: readonly MigrationRecord[],
  known: Map<MigrationRecord, Residual | undefined>,
): Residual[] {
  return recent.flatMap((record) => {
    if (!known.has(record)) known.set(record, residualOf(record, all));
    return known.get(record) ?? [];
  });
}

function residualOf(record: MigrationRecord, all: readonly MigrationRecord[]): Residual | undefined {
  const before = all.filter((other) => isOverBefore(other, record));
  const { middle } = foresee(proposedBy(record), recentOf(before, record));
  // Where convergence was mispredicted, the times are of another course.
  if (!middle.converges && wayOf(record) === "precopy") return undefined;
  return {
    record,
    totalMs: Math.log(record.totalMs / middle.totalMs),
    ...(record.downtimeMs !== undefined &&
      record.downtimeMs > 0 &&
      middle.downtimeMs > 0 && { downtimeMs: Math.log(record.downtimeMs / middle.downtimeMs) }),
  };
}

/** Whether a move was over when another began. */
export const isOverBefore = (one: MigrationRecord, other: MigrationRecord): boolean =>
  Date.parse(one.startedAt) + one.totalMs <= Date.parse(other.startedAt);

/** Corrected, and from the least to the most that is expected of eight in ten. */
function within(
  middle: number,
  all: readonly number[],
  { shift, spread }: Correction,
): { middle: number; range: [number, number] } {
  const corrected = all.map((value) => value * Math.exp(shift));
  const own = middle * Math.exp(shift);
  const wide = Math.exp(eightOfTen * spread);
  return {
    middle: Math.round(own),
    range: [Math.floor(Math.min(own / wide, ...corrected)), Math.ceil(Math.max(own * wide, ...corrected))],
  };
}

/** Eight of ten of a normal distribution are within so many standard deviations. */
const eightOfTen = 1.28;
