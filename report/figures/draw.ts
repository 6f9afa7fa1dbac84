import { createHash } from "node:crypto";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { visibleLines } from "../text/visible.ts";

/** Plot draws into a document; there is no browser here. */
const { document } = parseHTML("<!doctype html><html><body></body></html>");

interface Legend {
  label: string;
  color: string;
  /** Default: a circle. */
  symbol?: string;
  /** A line instead of a symbol. */
  dashed?: boolean;
}

interface Drawing {
  width: number;
  height: number;
  /** What a screen reader says of it. */
  label: string;
  legend?: readonly Legend[];
  plot: Omit<Plot.PlotOptions, "width" | "height" | "document">;
}

const rowPx = 18;
const fontPx = 12;
/** About how wide a letter is: the legend is laid out without a browser to measure it. */
const letterPx = 7.4;
/** Above the plot, for the name of the axis or of the facets; and without either. */
const axisRoomPx = 26;
const bareTopPx = 8;

/** Draws with Observable Plot into an SVG; colours are the page's variables (`var(--s1)`), text is as large in every width. */
export function draw({ width, height, label, legend = [], plot }: Drawing): string {
  const marginLeft = plot.marginLeft ?? 54;
  // Plot would put the name of the axis where the legend is.
  const { label: yLabel, ...y } = (plot.y ?? {}) as { label?: string | null };
  const top = yLabel || plot.fx ? axisRoomPx : bareTopPx;
  const { marks: legendMarks, rows } = legendOf(legend, width, marginLeft, top);
  const yName = yLabel
    ? [
        Plot.text([`↑ ${yLabel}`], {
          facet: "super" as const,
          frameAnchor: "top-left",
          dx: 4 - marginLeft,
          dy: -20,
          textAnchor: "start",
        }),
      ]
    : [];
  const svg = Plot.plot({
    document: document as never,
    marginRight: 14,
    marginBottom: 40,
    insetTop: 4,
    ...plot,
    y: { ...y, label: null },
    marginLeft,
    marginTop: top + rows * rowPx,
    width,
    height: height + rows * rowPx,
    style: { fontSize: `${fontPx}px` },
    marks: [...(plot.marks ?? []), ...yName, ...legendMarks],
  } as Plot.PlotOptions);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  for (const style of svg.querySelectorAll("style")) style.remove();
  // Described as one picture: its parts have no meaning of their own.
  for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  // Labels are texts of records: XML cannot hold all that those may have.
  return visibleLines(withOwnIds(rounded((svg as unknown as { outerHTML: string }).outerHTML)));
}

/** Plot counts its ids over all that its process draws. Named by what is drawn, a figure is the same whatever was drawn before it. */
function withOwnIds(svg: string): string {
  const ids = [...new Set(svg.match(/\bplot-clip-\d+\b/g))];
  const named = (name: (index: number) => string) =>
    svg.replaceAll(/\bplot-clip-\d+\b/g, (id) => name(ids.indexOf(id)));
  const digest = createHash("sha256").update(named(String)).digest("hex").slice(0, 8);
  return named((index) => `clip-${digest}-${index}`);
}

/** Tenths of a pixel are as fine as anyone sees. Where things stand is in attributes: what is read, the label too, stays as it is. */
const rounded = (svg: string): string =>
  svg
    .replaceAll(/ (?!aria-label=)[\w:-]+="[^"]*"/g, (attribute) =>
      attribute.replaceAll(/-?\d+\.\d{2,}/g, (figure) => `${+Number(figure).toFixed(1)}`),
    )
    .replaceAll(/ class="plot-[0-9a-f]+"/g, "")
    .replaceAll(' aria-hidden="true"', "");

function legendOf(
  entries: readonly Legend[],
  width: number,
  marginLeft: number,
  top: number,
): { marks: Plot.Markish[]; rows: number } {
  let x = 0;
  let row = 0;
  const placed = entries.map((entry) => {
    const takes = 28 + entry.label.length * letterPx;
    if (x > 0 && x + takes > width - 60) {
      x = 0;
      row += 1;
    }
    const place = { entry, x, row };
    x += takes;
    return place;
  });
  const rows = entries.length === 0 ? 0 : row + 1;
  const marks = placed.flatMap(({ entry, x, row }) => {
    const at = {
      facet: "super" as const,
      frameAnchor: "top-left" as const,
      dx: x + 8 - marginLeft,
      dy: (row - rows) * rowPx - top + 8,
    };
    return [
      entry.dashed
        ? Plot.text(["┄"], { ...at, fill: entry.color, fontWeight: "bold" })
        : Plot.dot([0], {
            ...at,
            r: 4,
            symbol: (entry.symbol ?? "circle") as Plot.SymbolType,
            fill: entry.color,
            stroke: entry.color,
          }),
      Plot.text([entry.label], { ...at, dx: at.dx + 10, dy: at.dy - 5, textAnchor: "start" }),
    ];
  });
  return { marks, rows };
}

/** A logarithmic axis with ticks that people read: 1, 2 and 5 of each decade, or the decades alone where there are many. */
export function logAxis(least: number, most: number): Plot.ScaleOptions & { ticks: number[] } {
  const [low, high] = [least / 1.25, most * 1.25];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const digits = last - first > 3 ? [1] : [1, 2, 5];
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    digits.map((digit) => digit * 10 ** (first + i)),
  )
    .flat()
    .filter((tick) => tick >= low && tick <= high)
    .map((tick) => Number(tick.toPrecision(1)));
  return { type: "log", domain: [low, high], ticks, tickFormat: (tick: number) => `${tick}`, grid: true };
}

/** Lets each mark carry the number of the move that it stands for: the page's tooltips read it. */
export const carrying =
  <T>(data: readonly T[], numberOf: (datum: T) => number): Plot.RenderFunction =>
  (index, scales, values, dimensions, context, next) => {
    const group = next?.(index, scales, values, dimensions, context) ?? null;
    const children = Array.from(
      (group?.children ?? []) as Iterable<{ setAttribute(name: string, value: string): void }>,
    );
    for (const [at, child] of children.entries()) {
      child.setAttribute("data-move", `${numberOf(data[index[at] as number] as T)}`);
    }
    return group;
  };
