import { basename } from "node:path";
import { compareRuns, type RunComparison } from "../comparison/compare-runs.ts";
import { comparisonTables } from "../comparison/comparison-tables.ts";
import type { Dataset, RecordFile } from "../data/dataset.ts";
import { comparedFigures } from "../figures/compared.ts";
import type { Figure } from "../figures/figure.ts";

/** By which part two figures may differ and be equal, as `npm run experiment -- --compare` has it. */
const tolerance = 0.1;

interface ComparedRuns {
  names: [string, string];
  comparison: RunComparison;
}

/** Two files side by side. Undefined: there are not two, or no cell is in both. */
export function comparedRuns(dataset: Dataset): ComparedRuns | undefined {
  const [one, other, ...more] = dataset.sources;
  if (!one || !other || more.length > 0) return undefined;
  const comparison = compareRuns(of(dataset, one), of(dataset, other), tolerance);
  return comparison.cells.length > 0 ? { names: namesOf(one, other), comparison } : undefined;
}

/** What of a dataset is one file's. Moves keep their numbers. */
const of = ({ moves, failures, updates, problems }: Dataset, source: RecordFile): Dataset => {
  const own = <T extends { file: string }>(all: readonly T[]) =>
    all.filter(({ file }) => file === source.file);
  return {
    sources: [source],
    moves: own(moves),
    failures: own(failures),
    updates: own(updates),
    problems: own(problems),
  };
};

/** By their names alone, unless those are the same. */
function namesOf(one: RecordFile, other: RecordFile): [string, string] {
  const [a, b] = [basename(one.file, ".jsonl"), basename(other.file, ".jsonl")];
  return a === b ? [one.file, other.file] : [a, b];
}

export const comparisonSection = ({ names, comparison }: ComparedRuns) => ({
  id: "comparison",
  title: `${names[0]} and ${names[1]} compared`,
  intro: `The same cells of both, side by side; ${names[0]} is the first, ${names[1]} the second.`,
  tables: comparisonTables(comparison, names, tolerance).filter(({ rows }) => rows.length > 0),
});

/** How the second differs from the first, cell by cell. */
export const comparisonFigures = ({ names, comparison }: ComparedRuns): Figure[] =>
  comparedFigures(comparison.cells, names, tolerance);

export function comparisonText({ names, comparison: { cells } }: ComparedRuns): string {
  const count = (likeness: string) => cells.filter((cell) => cell.likeness === likeness).length;
  const common = new Set(cells.map(({ cell }) => cell)).size;
  return `${names[1]} against ${names[0]}: of ${cells.length} medians of ${common} common cells ${count("equal")} are equal within ${tolerance * 100} %, ${count("different")} differ, ${count("can't tell")} can't be told.`;
}
