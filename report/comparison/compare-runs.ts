import type { Verdict } from "../claims/claim.ts";
import { judgedClaims } from "../claims/claims.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { type Estimate, medianInterval } from "../data/statistics.ts";
import { ratioOfSamples } from "../data/two-samples.ts";

/** Equal: all of the interval is within the tolerance. Different: none of it is. */
export type Likeness = "equal" | "different" | "can't tell";

export interface ComparedCell {
  cell: string;
  what: "total" | "downtime";
  moves: [number, number];
  /** How many times as long in the second run. */
  ratio: Estimate;
  likeness: Likeness;
}

interface ComparedClaim {
  says: string;
  verdicts: [Verdict, Verdict];
  effects: [string | undefined, string | undefined];
  /** How many times as great the effect is in the second run, guest by guest; absent: the effect is none of each guest. */
  ratio?: Estimate;
  likeness: Likeness;
}

export interface RunComparison {
  cells: ComparedCell[];
  claims: ComparedClaim[];
  /** Cells that only one of them has. */
  onlyIn: [string[], string[]];
}

const measured = [
  { what: "total", of: ({ record }: Move) => record.totalMs },
  { what: "downtime", of: ({ record }: Move) => record.downtimeMs },
] as const;

/** @param tolerance by which part two figures may differ and still be equal: 0.1 is a tenth */
export function compareRuns(one: Dataset, other: Dataset, tolerance: number): RunComparison {
  const [first, second] = [one, other].map(
    (dataset) => new Map(groupsOf(countedMoves(dataset)).map(({ label, moves }) => [label, moves])),
  ) as [Map<string, Move[]>, Map<string, Move[]>];
  const cells = [...first].flatMap(([cell, moves]) => {
    const others = second.get(cell);
    if (!others) return [];
    return measured.flatMap(({ what, of }): ComparedCell[] => {
      const values = (some: readonly Move[]) => some.map(of).filter((value) => value !== undefined);
      const ratio = ratioOfSamples(values(others), values(moves));
      return ratio
        ? [
            {
              cell,
              what,
              moves: [moves.length, others.length],
              ratio,
              likeness: likenessOf(ratio, tolerance),
            },
          ]
        : [];
    });
  });
  return {
    cells,
    claims: comparedClaims(one, other, tolerance),
    onlyIn: [
      [...first.keys()].filter((cell) => !second.has(cell)),
      [...second.keys()].filter((cell) => !first.has(cell)),
    ],
  };
}

function comparedClaims(one: Dataset, other: Dataset, tolerance: number): ComparedClaim[] {
  const others = new Map(judgedClaims(other).map(({ claim, finding }) => [claim.id, finding]));
  return judgedClaims(one).flatMap(({ claim, finding: a }): ComparedClaim[] => {
    const b = others.get(claim.id);
    if (!b || (a.effect === undefined && b.effect === undefined)) return [];
    const known = new Map(b.guests?.map(({ guest, value }) => [guest, value]));
    const ratios = (a.guests ?? [])
      .flatMap(({ guest, value }) => {
        const own = known.get(guest);
        return own === undefined ? [] : [own / value];
      })
      .filter((ratio) => Number.isFinite(ratio) && ratio > 0)
      .sort((x, y) => x - y);
    const ratio = medianInterval(ratios);
    return [
      {
        says: claim.says,
        verdicts: [a.verdict, b.verdict],
        effects: [a.effect, b.effect],
        ...(ratio && { ratio }),
        likeness: ratio ? likenessOf(ratio, tolerance) : overlap(a.estimate, b.estimate),
      },
    ];
  });
}

/** The guard against a level that is too low: such an interval says nothing. */
function likenessOf({ low, high, confidence }: Estimate, tolerance: number): Likeness {
  if (confidence < 0.95 - 1e-9) return "can't tell";
  const [least, most] = [1 / (1 + tolerance), 1 + tolerance];
  if (low >= least && high <= most) return "equal";
  return high < least || low > most ? "different" : "can't tell";
}

/** Of slopes, which no guest has for itself: equal when each lies in the other's interval, different when the intervals are apart. */
function overlap(a: Estimate | undefined, b: Estimate | undefined): Likeness {
  if (!a || !b) return "can't tell";
  const has = ({ low, high }: Estimate, value: number) => low <= value && value <= high;
  if (has(a, b.value) && has(b, a.value)) return "equal";
  return a.high < b.low || b.high < a.low ? "different" : "can't tell";
}

export const isDifferent = ({ cells, claims }: RunComparison): boolean =>
  [...cells, ...claims].some(({ likeness }) => likeness === "different");
