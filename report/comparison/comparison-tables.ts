import { intervalText } from "../claims/claim.ts";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { repeatsForEffect, repeatsForPrecision, spreadsIn } from "../data/repeats.ts";
import type { Estimate } from "../data/statistics.ts";
import { figure, number, type TableCell, type TableModel, type Tone, text } from "../text/table-model.ts";
import type { Likeness, RunComparison } from "./compare-runs.ts";

const tones: Record<Likeness, Tone> = { equal: "good", different: "bad", "can't tell": "open" };

const likenessCell = (likeness: Likeness): TableCell => ({ shown: likeness, tone: tones[likeness] });
const times = (value: number): string => value.toFixed(2);
const ratioText = (ratio: Estimate): string => `${times(ratio.value)}, ${intervalText(ratio, times)}`;

/** Two runs side by side: claims first, then cells. */
export function comparisonTables(
  { cells, claims, onlyIn }: RunComparison,
  [first, second]: readonly [string, string],
  tolerance: number,
): TableModel[] {
  const within = `${+(tolerance * 100).toFixed(1)} %`;
  return [
    {
      id: "compared-claims",
      title: `Claims: ${first} and ${second}`,
      columns: [
        "claim",
        "first",
        "second",
        "effect in the first",
        "in the second",
        "second / first",
        "so",
      ].map(text),
      rows: claims.map(({ says, verdicts, effects, ratio, likeness }) => [
        says,
        ...verdicts,
        ...effects,
        ratio && ratioText(ratio),
        likenessCell(likeness),
      ]),
      notes: [
        `Equal: all of the interval of the guests' quotients is within ${within}; different: none of it is. Of slopes, which are of all guests together: equal when each lies in the other's interval, different when the intervals are apart.`,
      ],
    },
    {
      id: "compared-cells",
      title: `Cells: ${first} and ${second}`,
      columns: [text("cell"), text("what"), figure("moves"), text("second / first"), text("so")],
      rows: cells.map(({ cell, what, moves, ratio, likeness }) => [
        cell,
        what,
        moves.join(" and "),
        ratioText(ratio),
        likenessCell(likeness),
      ]),
      notes: [
        "The median quotient of all pairs of moves, with its exact interval (Hodges and Lehmann; Mann and Whitney).",
        ...onlyIn.flatMap((some, index) =>
          some.length > 0 ? [`Only in ${index === 0 ? first : second}: ${some.join(", ")}.`] : [],
        ),
      ],
    },
  ];
}

const precisions = [0.02, 0.05, 0.1] as const;
const effect = 0.1;

/** How many repeats a cell takes, for so precise a median, and to find an effect of a tenth; by mode. Undefined: no cell has three moves. */
export function repeatsTable(dataset: Dataset, name: string): TableModel | undefined {
  const spreads = spreadsIn(dataset);
  if (spreads.length === 0) return undefined;
  const guests = new Set(countedMoves(dataset).map(({ record }) => record.guest)).size;
  const shown = (repeats: number | undefined): TableCell =>
    repeats === undefined ? "more than 1000" : number(repeats, String);
  return {
    id: "repeats",
    title: `Repeats that a precision takes, as moves differ in ${name}`,
    columns: [
      text("mode"),
      figure("cells"),
      figure("SD of repeats"),
      ...precisions.map((one) => figure(`for ±${one * 100} %`)),
      figure(`to find ${effect * 100} % in ${Math.max(6, guests)} guests`),
    ],
    rows: spreads.map(({ mode, cells, spread }) => [
      mode,
      number(cells, String),
      number(spread, (one) => `${(one * 100).toFixed(1)} %`),
      ...precisions.map((one) => shown(repeatsForPrecision(spread, one))),
      shown(repeatsForEffect({ spread, effect, guests: Math.max(6, guests) })),
    ]),
    notes: [
      "SD: standard deviation of the logarithms of totals within cells, far ones bounded. ±: half of the exact 95 % interval of a cell's median is expected to be that much. To find: that a claim about guests like these says so in 80 % of such runs, where all guests have the effect.",
    ],
  };
}
