import { type CellSample, cellSamples } from "../claims/cells.ts";
import { intervalText } from "../claims/claim.ts";
import type { Dataset, Move } from "../data/dataset.ts";
import { mannerOf, sorted } from "../data/groups.ts";
import { workloadRate } from "../data/measures.ts";
import { ratioOfSamples } from "../data/two-samples.ts";
import { type TableModel, text } from "../text/table-model.ts";

const times = (value: number): string => value.toFixed(value < 10 ? 2 : 1);

/** What it costs that an application has more to do: guests that differ in nothing else. Undefined: no two do. */
export function loadTable(dataset: Dataset): TableModel | undefined {
  const of = (value: (move: Move) => number | undefined) => cellSamples(dataset, () => true, value);
  const totals = of(({ record }) => record.totalMs);
  const downtimes = new Map(
    of(({ record }) => record.downtimeMs).map((cell) => [`${cell.label} ${cell.unit}`, cell]),
  );
  const alike = Map.groupBy(totals, ({ move, memoryMiB, sizes }) =>
    JSON.stringify([
      move.file,
      move.record.mode,
      mannerOf(move),
      memoryMiB,
      sizes,
      sorted(workloadRate(move.record).besides),
    ]),
  );
  const rows = [...alike.values()].flatMap((own) => {
    const ordered = own.toSorted((a, b) => loadOf(a) - loadOf(b));
    const [light, heavy] = [ordered[0] as CellSample, ordered.at(-1) as CellSample];
    if (!(loadOf(heavy) > loadOf(light))) return [];
    const downtimeOf = (cell: CellSample) => downtimes.get(`${cell.label} ${cell.unit}`);
    return [
      [
        heavy.label,
        light.label,
        `${loadText(light)} → ${loadText(heavy)}`,
        ratio(heavy, light),
        ratio(downtimeOf(heavy), downtimeOf(light)),
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  return {
    id: "load",
    title: "Heavy against light: guests that differ in nothing but how much is asked of their workload",
    columns: ["heavy", "light", "asked", "total, times", "downtime, times"].map(text),
    rows,
    notes: [
      "How many times as long the heavy one takes: the median quotient of all pairs of moves, with its exact interval (Hodges and Lehmann; Mann and Whitney). It is of these two guests; of several rates the least and the greatest are compared.",
    ],
  };
}

/** How much is asked, as one figure: of guests that are alike otherwise the same settings differ. */
const loadOf = ({ move }: CellSample): number =>
  Object.values(workloadRate(move.record).rate).reduce<number>(
    (product, value) => product * (typeof value === "number" ? value : 1),
    1,
  );

const loadText = ({ move }: CellSample): string =>
  Object.entries(workloadRate(move.record).rate)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");

function ratio(heavy: CellSample | undefined, light: CellSample | undefined): string | undefined {
  if (!heavy || !light) return undefined;
  const values = ({ samples }: CellSample) => samples.map(({ value }) => value);
  const found = ratioOfSamples(values(heavy), values(light));
  return found && `${times(found.value)}, ${intervalText(found, times)}`;
}
