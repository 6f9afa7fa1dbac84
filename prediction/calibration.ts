import { type Correction, correction, type Predicted, type Residual } from "./correction.ts";
import { priorWeight } from "./priors.ts";

/** Least and most that the model alone expects, since it does not know how the guest writes: as logarithms over its middle. */
export type Reach = readonly [number, number];

/** How far off the model was on a move, and how far it said that it might be. */
export interface ReachedResidual extends Residual {
  reach: { [key in Predicted]: Reach };
}

/** What part of its raw range a move took up. */
export type Share = { [key in Predicted]?: number };

/** How far a range reaches to each side of what was corrected, in logarithms. */
interface Sides {
  below: number;
  above: number;
}

/** So many moves are to be within their range. */
const part = 0.8;

/** Eight of ten of a normal distribution are within so many standard deviations. */
const eightOfTen = 1.28;

/** How well ranges fit changes, as what is known grows: half the weight after four moves. */
const ageing = 0.5 ** (1 / 4);

/** How many moves are looked at: earlier ones weigh next to nothing. */
export const mostShares = 20;

/** As far as the spread of earlier errors says, or the model. */
const rawOf = ({ spread }: Correction, [low, high]: Reach): Sides => ({
  below: Math.max(eightOfTen * spread, -low),
  above: Math.max(eightOfTen * spread, high),
});

/** What part of its raw range a move took up, by those before it alone; more than one: it was beyond. */
export function shareOf(residual: ReachedResidual, before: readonly Residual[]): Share {
  const then = correction(before, { ...residual.record, others: residual.others });
  const of = (key: Predicted): number | undefined => {
    const value = residual[key];
    if (value === undefined) return undefined;
    const off = value - then[key].shift;
    const { below, above } = rawOf(then[key], residual.reach[key]);
    return Math.abs(off) / (off > 0 ? above : below);
  };
  const [totalMs, downtimeMs] = [of("totalMs"), of("downtimeMs")];
  return { ...(totalMs !== undefined && { totalMs }), ...(downtimeMs !== undefined && { downtimeMs }) };
}

/**
 * A range that eight of ten are within. What share of its raw range a move takes up is alike from move to move, whatever moves and however much is
 * known by then; the range is the raw one times the share that eight of ten kept to (conformal prediction with normalised scores: Lei and others,
 * JASA 113, 2018). Without any history it is the raw one, which counts as a prior.
 *
 * @param shares newest first
 */
export function calibrated(
  shares: readonly Share[],
  key: Predicted,
  own: { correction: Correction; reach: Reach },
): Sides {
  const told = shares
    .flatMap((share) => share[key] ?? [])
    .map((value, age) => ({ value, weight: ageing ** age }));
  const share = quantileOf([...told, { value: 1, weight: priorWeight }], part);
  const { below, above } = rawOf(own.correction, own.reach);
  return { below: share * below, above: share * above };
}

/** The value that this part of the weight is below; between two values by how near it is to each. */
function quantileOf(values: readonly { value: number; weight: number }[], wanted: number): number {
  const sorted = values.toSorted((a, b) => a.value - b.value);
  const all = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let before: { value: number; at: number } | undefined;
  let seen = 0;
  for (const { value, weight } of sorted) {
    const at = (seen + weight / 2) / all;
    if (at >= wanted) {
      return before === undefined
        ? value
        : before.value + ((value - before.value) * (wanted - before.at)) / (at - before.at);
    }
    before = { value, at };
    seen += weight;
  }
  return (sorted.at(-1) as { value: number }).value;
}
