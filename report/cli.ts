import { parseArgs } from "node:util";
import { predictionTable } from "./prediction-table.ts";
import { inconsistencies } from "./record.ts";
import { readRecords, resultsFile, stacksWithResults } from "./results.ts";
import { downtimeTable, migrationTable, phaseTable } from "./table.ts";

/** `npm run report [-- <stack>] [--last N]`: what a stack's migrations took, as tables. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { last: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return say("report [stack] [--last N]   the measured migrations of a stack, oldest first");
  const stack = await chosenStack(positionals);
  const { records, unreadable } = await readRecords(resultsFile(stack));
  const shown = records.slice(-wholeNumber(values.last ?? `${records.length}`));
  say(`Stack ${stack}, ${shown.length} of ${records.length} migrations\n`);
  say(
    [migrationTable(shown), downtimeTable(shown), phaseTable(shown), predictionTable(shown)]
      .filter(Boolean)
      .join("\n\n"),
  );
  for (const [index, record] of shown.entries()) {
    for (const fault of inconsistencies(record)) say(`${index + 1} does not add up: ${fault}`);
  }
  for (const { line, problem, isTorn } of unreadable) {
    say(
      `${resultsFile(stack)}:${line} is passed over${isTorn ? ", it was never written to its end" : `: ${problem}`}`,
    );
  }
}

async function chosenStack([stack, ...rest]: readonly string[]): Promise<string> {
  const known = await stacksWithResults();
  if (rest.length > 0) throw new Error(`One stack at a time: ${[stack, ...rest].join(", ")}.`);
  if (known.length === 0)
    throw new Error("No results yet: they are written to results/ as soon as a guest has moved.");
  const chosen = stack ?? (known.length === 1 ? known[0] : undefined);
  if (chosen === undefined) throw new Error(`Which stack? There are results of ${known.join(", ")}.`);
  if (!known.includes(chosen))
    throw new Error(`No results of a stack ${chosen}; there are those of ${known.join(", ")}.`);
  return chosen;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--last takes a number of migrations, not "${text}".`);
  return Number(text);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
