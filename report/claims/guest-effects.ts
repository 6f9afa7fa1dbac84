import { medianSorted } from "simple-statistics";
import { medianInterval } from "../data/statistics.ts";
import { type CellSample, guestsIn, movesIn } from "./cells.ts";
import { above, type Finding, isTooFew, plural, remarks, type Test } from "./claim.ts";
import { theseGuests } from "./these-guests.ts";

/** How an effect that each guest has is told, and where the claim begins to hold. */
interface EffectOfGuests {
  name: string;
  border: number;
  show: (value: number) => string;
  test: Test;
  /** What it takes, where there is nothing. */
  takes: string;
  seed: number;
}

/** A guest's effect, of the medians of its cells. */
export interface GuestCells {
  guest: string;
  cells: CellSample[];
  effect: (medianOf: (cell: CellSample) => number) => number;
}

/**
 * The median guest's effect, with two intervals. Of these guests: their moves drawn anew. Of guests like these: exact, by order statistics over
 * the guests' own effects (Conover, 3.2), which says as much as it claims with ten guests, as resampling of few clusters does not
 * (Cameron, Gelbach and Miller, Review of Economics and Statistics 90, 2008). The second one decides.
 */
export function judgeGuests(guests: readonly GuestCells[], asked: EffectOfGuests, times?: number): Finding {
  const { name, border, show, test, takes, seed } = asked;
  const cells = [...new Set(guests.flatMap((guest) => guest.cells))];
  const basis = `${plural(movesIn(cells), "move")} of ${plural(guestsIn(cells), "guest")} in ${plural(cells.length, "cell")}`;
  const effects = guests.map(({ effect }) => effect(({ median }) => median));
  const sorted = effects.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return { verdict: "can't tell", test, basis, remark: takes };
  const value = medianSorted(sorted);
  const interval = medianInterval(sorted);
  const drawn = theseGuests(cells, seed, times);
  const ofThese = drawn((medianOf) =>
    medianSorted(guests.map(({ effect }) => effect(medianOf)).sort((a, b) => a - b)),
  );
  return {
    verdict: interval ? above(interval, border) : "can't tell",
    effect: `${name} = ${show(value)}`,
    ...(interval && { estimate: interval }),
    ...(ofThese && { ofThese }),
    show,
    guests: guests.map(({ guest, effect }) => {
      const own = drawn(effect);
      return { guest, value: effect(({ median }) => median), ...(own && { own }) };
    }),
    test,
    basis,
    ...remarks(
      `above ${border} in ${sorted.filter((one) => one > border).length} of ${plural(sorted.length, "guest")}`,
      interval && !isTooFew(interval) ? undefined : "guests like these: it takes six or more to tell",
    ),
  };
}
