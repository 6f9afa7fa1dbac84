import { median } from "simple-statistics";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf, mannerOf, sorted, stratumOf } from "../data/groups.ts";
import { dirtyMiBps, workloadSettings } from "../data/measures.ts";
import type { Sample } from "../data/resampling.ts";

/** The repeats of one guest in one cell, as tests between cells take them. */
export interface CellSample {
  label: string;
  /** Which guest: what tells it from others in all files, and its name. */
  unit: string;
  guest: string;
  /** One of its moves: all have the same settings. */
  move: Move;
  /** What live and offline are compared in. */
  stratum: string;
  /** All settings of its workload but those of how much memory it uses. */
  others: string;
  memoryMiB: number;
  /** How much of it the workload uses, as far as its settings say; by setting. */
  sizes: Record<string, number>;
  /** Median of its moves' own means; absent: none of them tells it. */
  dirtyMiBps?: number;
  samples: Sample[];
  median: number;
}

/** The cells of the moves asked for, guest by guest: repeats of one guest are one guest. */
export function cellSamples(
  dataset: Dataset,
  which: (move: Move) => boolean,
  value: (move: Move) => number | undefined,
): CellSample[] {
  return groupsOf(countedMoves(dataset).filter(which)).flatMap(({ label, moves }) =>
    [...Map.groupBy(moves, unitOf)].flatMap(([unit, own]): CellSample[] => {
      const samples = own.flatMap((move) => {
        const one = value(move);
        return one === undefined ? [] : [{ value: one, ...blockOf(move) }];
      });
      if (samples.length === 0) return [];
      const [move] = own as [Move, ...Move[]];
      const { record } = move;
      const rates = own.map((one) => dirtyMiBps(one.record)).filter((rate) => rate !== undefined);
      const sizes = Object.entries(workloadSettings(record).sizes).filter(
        (size): size is [string, number] => typeof size[1] === "number",
      );
      return [
        {
          label,
          unit,
          guest: record.guest,
          move,
          stratum: stratumOf(move),
          others: JSON.stringify(sorted(workloadSettings(record).others)),
          memoryMiB: record.memoryMiB,
          sizes: Object.fromEntries(sizes),
          ...(rates.length > 0 && { dirtyMiBps: median(rates) }),
          samples,
          median: median(samples.map((sample) => sample.value)),
        },
      ];
    }),
  );
}

/** The same guest in two runs is one; a stack's that was given another size or workload is another. */
const unitOf = ({ record: { guest, memoryMiB, workload } }: Move): string =>
  JSON.stringify([guest, memoryMiB, workload]);

const blockOf = ({ file, block }: Move): Pick<Sample, "block"> =>
  block === undefined ? {} : { block: `${file} ${block}` };

export const movesIn = (cells: readonly CellSample[]): number =>
  cells.reduce((sum, { samples }) => sum + samples.length, 0);

export const guestsIn = (cells: readonly CellSample[]): number => new Set(cells.map(({ unit }) => unit)).size;

/**
 * Lines of cells that differ in one thing alone, a point for each guest. Guests that were moved in several manners (over several links, say) have
 * the mean of them, so that each counts once; guests of a line have the same manners.
 */
export function linesOf(
  cells: readonly CellSample[],
  along: (cell: CellSample) => number | undefined,
  otherwise: (cell: CellSample) => string,
): CellSample[][][] {
  const known = cells.filter((cell) => along(cell) !== undefined);
  const guests = [...Map.groupBy(known, ({ unit }) => unit).values()].flatMap((own) =>
    // Of one guest under one manner there is one cell, but for runs that are read together.
    [...Map.groupBy(own, (cell) => otherwise(cell)).values()],
  );
  const manners = (own: readonly CellSample[]) =>
    [...new Set(own.map(({ move }) => mannerOf(move)))].sort().join(" ");
  return [
    ...Map.groupBy(guests, (own) => `${otherwise(own[0] as CellSample)} ${manners(own)}`).values(),
  ].filter((line) => new Set(line.map(([cell]) => along(cell as CellSample))).size > 1);
}
