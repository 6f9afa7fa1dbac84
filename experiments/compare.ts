import { compareRuns, isDifferent } from "../report/comparison/compare-runs.ts";
import { comparisonTables, repeatsTable } from "../report/comparison/comparison-tables.ts";
import { type Dataset, readDataset } from "../report/data/dataset.ts";
import { driftsIn, driftWarnings } from "../report/data/drift.ts";
import { askedSources } from "../report/data/sources.ts";
import { terminalTable } from "../report/text/terminal-table.ts";
import { terminalWidth } from "../report/text/terminal-width.ts";
import type { Options } from "./arguments.ts";

/**
 * Holds two runs against each other, or says of one how many repeats a precision takes.
 *
 * @returns the exit code: 1 if anything differs
 */
export async function compareFiles(
  { words, tolerance }: NonNullable<Options["compare"]>,
  say: (line: string) => void,
): Promise<number> {
  const runs: { name: string; dataset: Dataset }[] = [];
  for (const word of words) {
    const { name, files } = await askedSources([word]);
    runs.push({ name, dataset: await readDataset(files) });
  }
  for (const { name, dataset } of runs) {
    for (const { file, line, problem } of dataset.problems) {
      say(`${file}${line === undefined ? "" : `:${line}`} is passed over: ${problem}`);
    }
    for (const warning of driftWarnings(driftsIn(dataset))) say(`Mind ${name}: ${warning}\n`);
  }
  const [one, other] = runs;
  if (!one) return 0;
  const comparison = other && compareRuns(one.dataset, other.dataset, tolerance);
  if (other && comparison) {
    if (comparison.cells.length === 0)
      throw new Error(`${one.name} and ${other.name} have no cell in common: there is nothing to compare.`);
    for (const table of comparisonTables(comparison, [one.name, other.name], tolerance))
      say(`${terminalTable(table, terminalWidth())}\n`);
    const all = [...comparison.claims, ...comparison.cells];
    const count = (what: string) => all.filter(({ likeness }) => likeness === what).length;
    say(
      `${count("equal")} of ${all.length} equal within ${+(tolerance * 100).toFixed(1)} %, ${count("different")} different, of ${count("can't tell")} it can't be told.\n`,
    );
  }
  const repeats = repeatsTable(one.dataset, one.name);
  if (repeats) say(terminalTable(repeats, terminalWidth()));
  return comparison && isDifferent(comparison) ? 1 : 0;
}
