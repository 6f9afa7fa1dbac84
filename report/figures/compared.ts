import * as Plot from "@observablehq/plot";
import type { ComparedCell, Likeness } from "../comparison/compare-runs.ts";
import { draw, logAxis } from "./draw.ts";
import { type Figure, series } from "./figure.ts";

const looks: Record<Likeness, (typeof series)[number]> = {
  equal: series[2],
  different: series[1],
  "can't tell": series[5],
};

/** More rows are no picture any more: those that differ most are drawn. */
const mostRows = 40;

const nearOne = [0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.7, 2];

/** How many times as long in the second of two runs, cell by cell. Its values are in the table of compared cells. */
export const comparedFigures = (
  cells: readonly ComparedCell[],
  [first, second]: readonly [string, string],
  tolerance: number,
): Figure[] =>
  (["total", "downtime"] as const).flatMap((what) => {
    const own = cells.filter((cell) => cell.what === what && cell.ratio.low > 0);
    if (own.length === 0) return [];
    const shown = own
      .toSorted((a, b) => Math.abs(Math.log(b.ratio.value)) - Math.abs(Math.log(a.ratio.value)))
      .slice(0, mostRows);
    const rows = own.filter((cell) => shown.includes(cell));
    return [
      {
        id: `compared-${what}`,
        title: `${what === "total" ? "Total time" : "Downtime"}: ${second} / ${first}`,
        caption: [
          `How many times as long in ${second}, with the exact interval of the quotient (Hodges and Lehmann; Mann and Whitney). Dashed: ${+(tolerance * 100).toFixed(1)} % less and more. The axis is logarithmic.`,
          ...(rows.length < own.length
            ? [`Of ${own.length} cells the ${rows.length} that differ most.`]
            : []),
        ],
        draw: (width) => drawRows(width, what, rows, tolerance),
      },
    ];
  });

function drawRows(width: number, what: string, rows: readonly ComparedCell[], tolerance: number): string {
  const ends = rows.flatMap(({ ratio }) => [ratio.low, ratio.high]);
  const borders = [1 / (1 + tolerance), 1 + tolerance];
  const { domain, ...axis } = logAxis(Math.min(...borders, ...ends), Math.max(...borders, ...ends));
  const [low, high] = domain as [number, number];
  // Of quotients near one, tenths are read; of others what a logarithmic axis has.
  const ticks = high / low < 4 ? nearOne.filter((tick) => tick > low && tick < high) : axis.ticks;
  const data = rows.map(({ cell, ratio, likeness }, index) => ({
    cell,
    key: `${index}`,
    low: ratio.low,
    high: ratio.high,
    value: ratio.value,
    likeness,
  }));
  const longest = Math.max(...rows.map(({ cell }) => cell.length));
  const marginLeft = Math.min(width < 450 ? 128 : 220, 16 + longest * 6.6);
  const letters = Math.floor((marginLeft - 12) / 6.6);
  const colorOf = ({ likeness }: { likeness: Likeness }) => looks[likeness].color;
  return draw({
    width,
    height: 60 + rows.length * 20,
    label: `${what}, second run by first, cell by cell: ${rows.map(({ cell, ratio }) => `${cell} ${ratio.value.toFixed(2)}`).join("; ")}.`,
    legend: (Object.keys(looks) as Likeness[])
      .filter((likeness) => rows.some((row) => row.likeness === likeness))
      .map((label) => ({ label, ...looks[label] })),
    plot: {
      marginLeft,
      x: {
        ...axis,
        domain,
        ticks,
        label: "second / first, logarithmic",
        labelAnchor: "right",
      },
      y: {
        domain: data.map(({ key }) => key),
        label: null,
        type: "point",
        padding: 0.7,
        tickSize: 0,
        tickFormat: (key: string) => {
          const name = data[Number(key)]?.cell ?? "";
          return name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
        },
      },
      color: { type: "identity" },
      symbol: { type: "identity" } as never,
      marks: [
        Plot.ruleX([1], { stroke: "currentColor", strokeOpacity: 0.6 }),
        Plot.ruleX(borders, { stroke: "currentColor", strokeOpacity: 0.5, strokeDasharray: "4 4" }),
        Plot.ruleY(data, { y: "key", x1: "low", x2: "high", stroke: colorOf, strokeWidth: 2 }),
        Plot.dot(data, {
          x: "value",
          y: "key",
          fill: colorOf,
          symbol: ({ likeness }: { likeness: Likeness }) => looks[likeness].symbol,
          r: 4,
          stroke: "var(--paper)",
          strokeWidth: 0.7,
        }),
      ],
    },
  });
}
