import { InvalidArgumentError } from "commander";
import { readDataset } from "../data/dataset.ts";
import { command, runCommand, say, wholeNumber } from "../text/command.ts";
import { byKind, replay, stored } from "./replay.ts";
import { summarise } from "./score-prediction.ts";
import { coverageText, predictedMovesTable, scoreTable } from "./score-table.ts";

const program = command(
  "npm run predict:score --",
  "RESULTS FILE ... [options]",
  "How good predictions were, by kind of move. The moves of the files, of stacks or experiments, are put into the order of time, and each is " +
    "predicted from those before it alone. Warm-ups, and moves in which an experiment was interrupted, are learned from and not scored; a move " +
    "that is in two files counts once.",
)
  .argument("<file...>")
  .option("--stored", "score the predictions that the records carry instead")
  .option(
    "--known <n>",
    "leave out moves before which fewer than N of the same mode were known",
    wholeNumber(),
    0,
  )
  .option(
    "--after <time>",
    "score those alone that began after it (ISO 8601); earlier ones are learned from",
    epochMs,
  )
  .option("--moves", "each move, too")
  .action(score);

interface Values {
  stored?: true;
  known: number;
  after?: number;
  moves?: true;
}

function epochMs(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError("It takes a time such as 2026-01-01T12:00Z.");
  return ms;
}

async function score(files: string[], values: Values): Promise<void> {
  const { known: least, after: afterMs = Number.NEGATIVE_INFINITY } = values;
  const { moves: found, problems } = await readDataset(files);
  for (const { file, line, problem } of problems)
    say(`${file}${line ? `:${line}` : ""} is passed over: ${problem}`);
  const records = found.map(({ record }) => record);
  const unscored = new Set(
    found.flatMap(({ record, isWarmUp, isInterrupted }) => (isWarmUp || isInterrupted ? record : [])),
  );
  const all = (values.stored ? stored : replay)(records).filter(({ knownAlike }) => knownAlike >= least);
  const moves = all.filter(({ record }) => Date.parse(record.startedAt) > afterMs && !unscored.has(record));
  if (moves.length === 0) return say(`None of ${records.length} records can be scored.`);
  say(
    `${moves.length} of ${records.length} records, ${values.stored ? "as they were predicted" : "each predicted from those before it"}\n`,
  );
  if (values.moves)
    say(`${predictedMovesTable(moves.map(({ record, predicted }) => ({ ...record, predicted })))}\n`);
  say(scoreTable(byKind(moves)));
  say(coverageText(summarise(moves.map(({ score }) => score))));
}

await runCommand(program);
