import * as Plot from "@observablehq/plot";
import { type Claim, type Finding, intervalText, type Verdict } from "../claims/claim.ts";
import type { JudgedClaim } from "../claims/claims.ts";
import type { Estimate } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";
import { draw, logAxis } from "./draw.ts";
import { type Figure, series } from "./figure.ts";

/** A row of the plot: a guest, or all of them. */
interface Row {
  name: string;
  value: number;
  interval?: Estimate;
  /** Which interval: of moves of this guest or these guests, or of guests like these. */
  of: "moves" | "guests";
}

/** For each claim that guests have an effect of their own in: every guest's, and below them what they say together. */
export const forestFigures = (judged: readonly JudgedClaim[]): Figure[] =>
  judged.flatMap(({ claim, finding }) => {
    const { effect } = claim;
    const rows = rowsOf(finding);
    return effect && rows.length > 0 ? [figureOf(claim, finding.verdict, effect, rows)] : [];
  });

function figureOf(
  { id, says }: Claim,
  verdict: Verdict,
  effect: { name: string; border: number },
  rows: readonly Row[],
): Figure {
  return {
    id: `forest-${id}`,
    title: `Guest by guest: ${effect.name}`,
    caption: [
      `${says}: ${verdict}. A row is a guest, with the interval of its own moves; below, the median guest with both intervals, of these guests and of guests like these. The axis is logarithmic; the line is at ${effect.border}, where the claim begins to hold.`,
    ],
    draw: (width) => drawRows(width, effect, rows),
    table: tableOf(id, effect.name, rows),
  };
}

function rowsOf({ guests = [], estimate, ofThese }: Finding): Row[] {
  const own = guests
    .filter(({ value }) => Number.isFinite(value) && value > 0)
    .map(
      ({ guest, value, own: interval }): Row => ({
        name: guest,
        value,
        of: "moves",
        ...(interval && { interval }),
      }),
    );
  if (own.length < 2) return [];
  return [
    ...own,
    ...(ofThese
      ? [{ name: "these guests", value: ofThese.value, interval: ofThese, of: "moves" } as const]
      : []),
    ...(estimate
      ? [{ name: "guests like these", value: estimate.value, interval: estimate, of: "guests" } as const]
      : []),
  ];
}

function drawRows(width: number, effect: { name: string; border: number }, rows: readonly Row[]): string {
  const named = rows.map((row, index) => ({ ...row, key: `${index}` }));
  const ends = rows.flatMap(({ value, interval }) => [
    value,
    interval?.low ?? value,
    interval?.high ?? value,
  ]);
  const { domain, ticks, ...axis } = logAxis(
    Math.min(effect.border, ...ends.filter((end) => end > 0)),
    Math.max(effect.border, ...ends),
  );
  const intervals = named.flatMap(({ interval, ...row }) =>
    interval && interval.low > 0 ? [{ ...row, low: interval.low, high: interval.high }] : [],
  );
  const [moves, guests] = [series[0], series[1]];
  const colorOf = ({ of }: Pick<Row, "of">) => (of === "moves" ? moves.color : guests.color);
  const isTogether = ({ name }: Pick<Row, "name">) =>
    name.endsWith("these guests") || name.startsWith("guests like");
  return draw({
    width,
    height: 84 + rows.length * 22,
    label: `${effect.name}, guest by guest, with intervals. The values are in the table below.`,
    legend: [
      { label: "interval of moves", ...moves },
      ...(rows.some(({ of }) => of === "guests") ? [{ label: "interval of guests", ...guests }] : []),
    ],
    plot: {
      marginLeft: 116,
      x: { ...axis, domain, ticks, label: `${effect.name}, logarithmic`, labelAnchor: "right" },
      y: {
        domain: named.map(({ key }) => key),
        type: "point",
        padding: 0.7,
        tickFormat: (key: string) => named[Number(key)]?.name.slice(0, 17) ?? "",
        tickSize: 0,
      },
      marks: [
        Plot.ruleX([effect.border], { stroke: "currentColor", strokeOpacity: 0.6 }),
        Plot.ruleY(intervals, { y: "key", x1: "low", x2: "high", stroke: colorOf, strokeWidth: 2 }),
        Plot.dot(named, {
          x: "value",
          y: "key",
          fill: colorOf,
          symbol: (row: Row) => (isTogether(row) ? "diamond" : "circle"),
          r: 4,
          stroke: "var(--paper)",
          strokeWidth: 0.7,
        }),
      ],
      color: { type: "identity" },
      symbol: { type: "identity" } as never,
    },
  });
}

function tableOf(id: string, name: string, rows: readonly Row[]): TableModel {
  const show = (value: number) => value.toFixed(value < 10 ? 3 : 1);
  return {
    id: `forest-${id}-values`,
    title: name,
    columns: [text("guest"), figure("effect"), text("interval"), text("of")],
    rows: rows.map(({ name: guest, value, interval, of }) => [
      guest,
      number(value, show),
      interval && intervalText(interval, show),
      of === "moves" ? "its moves, drawn anew" : "guests, exact",
    ]),
    notes: [],
  };
}
