import * as Plot from "@observablehq/plot";
import { migrationModes } from "../../moves/modes.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { summaryOf } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";
import { carrying, draw, logAxis } from "./draw.ts";
import { type Figure, series } from "./figure.ts";
import { thinned, thinningNote } from "./thin.ts";

const observers = [
  { name: "hypervisor", ofMs: ({ record }: Move) => record.downtimeMs },
  { name: "client", ofMs: ({ record }: Move) => record.clientDowntimeMs },
  { name: "guest's clock", ofMs: ({ record }: Move) => record.guestDowntimeMs },
] as const;

interface Seen {
  mode: string;
  observer: (typeof observers)[number]["name"];
  moves: { move: Move; ms: number }[];
}

/** The downtime as the hypervisor, a client and the guest's own clock have it, side by side. Absent: nobody but the hypervisor looked. */
export function downtimeFigure(dataset: Dataset): Figure | undefined {
  const looked = countedMoves(dataset).filter(
    ({ record }) => record.clientDowntimeMs !== undefined || record.guestDowntimeMs !== undefined,
  );
  if (looked.length === 0) return undefined;
  const seen = migrationModes.flatMap((mode) =>
    observers.flatMap(({ name, ofMs }): Seen[] => {
      const moves = looked.flatMap((move) => {
        const value = move.record.mode === mode ? ofMs(move) : undefined;
        return value === undefined ? [] : [{ move, ms: value }];
      });
      return moves.length > 0 ? [{ mode, observer: name, moves }] : [];
    }),
  );
  const points = thinned(
    seen.map(({ moves }) => moves),
    ({ ms }) => ms,
  );
  const shown = seen.map((one, index) => ({ ...one, drawn: points[index] as Seen["moves"] }));
  const zeros = seen.reduce((sum, { moves }) => sum + moves.filter(({ ms }) => ms <= 0).length, 0);
  return {
    id: "three-downtimes",
    title: "Three downtimes, side by side",
    caption: [
      "The same moves, as the hypervisor has it (STOP to RESUME), as a client on a third machine saw it (its longest silence around the switchover), and as the guest's own clock missed it. Points are moves, filled their medians. Guests differ, so the medians of all of them have no interval.",
      ...(zeros > 0 ? [`${zeros} that are zero have no place on a logarithmic axis.`] : []),
      ...thinningNote(
        points.flat().length,
        seen.reduce((sum, { moves }) => sum + moves.length, 0),
      ),
    ],
    draw: (width) => drawObservers(width, shown),
    table: seersTable(seen),
  };
}

/** Its multiples spread evenly, neighbours far apart. */
const goldenRatio = (Math.sqrt(5) - 1) / 2;

function drawObservers(width: number, shown: readonly (Seen & { drawn: Seen["moves"] })[]): string {
  const modes = [...new Set(shown.map(({ mode }) => mode))];
  const points = shown.flatMap(({ mode, observer, drawn }) =>
    drawn
      .filter(({ ms }) => ms > 0)
      // Spread to the side, so that they can be told apart.
      .map(({ move, ms }, index, { length }) => ({
        mode,
        observer,
        ms,
        number: move.number,
        aside: length > 1 ? ((index * goldenRatio) % 1) - 0.5 : 0,
      })),
  );
  const medians = shown
    .map(({ mode, observer, moves }) => {
      const { median = Number.NaN } = summaryOf(moves.map(({ ms }) => ms)) ?? {};
      return { mode, observer, median };
    })
    .filter(({ median }) => median > 0);
  const names = observers.map(({ name }) => name);
  const place = (observer: string) => names.indexOf(observer as (typeof names)[number]);
  const values = points.map(({ ms }) => ms);
  const narrow = width < 450;
  return draw({
    width,
    height: 340,
    label:
      "Downtimes as the hypervisor, a client and the guest's clock have them, by mode. The values are in the table below.",
    legend: names.map((label, index) => ({ label, ...(series[index] as (typeof series)[number]) })),
    plot: {
      fx: { domain: modes, label: null, padding: narrow ? 0.05 : 0.12 },
      x: { domain: [-0.6, 2.6], axis: null },
      y: { ...logAxis(Math.min(...values), Math.max(...values)), label: "downtime (ms), logarithmic" },
      color: { domain: names, range: series.slice(0, 3).map(({ color }) => color) },
      symbol: { domain: names, range: series.slice(0, 3).map(({ symbol }) => symbol) },
      marks: [
        Plot.dot(points, {
          fx: "mode",
          x: ({ observer, aside }: { observer: string; aside: number }) =>
            place(observer) - 0.16 + aside * 0.4,
          y: "ms",
          stroke: "observer",
          symbol: "observer",
          r: 2.6,
          strokeOpacity: 0.55,
          render: carrying(points, ({ number }) => number),
        }),
        Plot.dot(medians, {
          fx: "mode",
          x: ({ observer }: { observer: string }) => place(observer) + 0.24,
          y: "median",
          fill: "observer",
          symbol: "observer",
          r: 4.2,
          stroke: "var(--paper)",
        }),
      ],
    },
  });
}

const seersTable = (seen: readonly Seen[]): TableModel => ({
  id: "three-downtimes-values",
  title: "Downtimes, ms",
  columns: [
    text("mode"),
    text("seen by"),
    figure("moves"),
    figure("median"),
    figure("least"),
    figure("most"),
  ],
  rows: seen.map(({ mode, observer, moves }) => {
    const summary = summaryOf(moves.map(({ ms }) => ms));
    return [
      mode,
      observer,
      number(moves.length, String),
      number(summary?.median),
      number(summary?.least),
      number(summary?.most),
    ];
  }),
  notes: ["Over all guests of these files."],
});
