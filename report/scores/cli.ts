import { parseArgs } from "node:util";
import { readDataset } from "../data/dataset.ts";
import { runCommand, say } from "../text/command.ts";
import { byKind, replay, stored } from "./replay.ts";
import { summarise } from "./score-prediction.ts";
import { coverageText, predictedMovesTable, scoreTable } from "./score-table.ts";

const help = `predict:score <results file>... [--stored] [--known N] [--after T] [--moves]   how good predictions were, by kind of move

  The moves of the files, of stacks or experiments, are put into the order of time, and each is predicted from those before it alone. Warm-ups,
  and moves in which an experiment was interrupted, are learned from and not scored; a move that is in two files counts once.
  --stored     score the predictions that the records carry instead
  --known N    leave out moves before which fewer than N of the same mode were known         default: 0
  --after T    score those alone that began after T (ISO 8601); earlier ones are learned from
  --moves      each move, too`;

/** `npm run predict:score -- <files>` */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      stored: { type: "boolean", default: false },
      known: { type: "string", default: "0" },
      after: { type: "string", default: "0000" },
      moves: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || positionals.length === 0) return say(help);
  const least = Number(values.known);
  if (!Number.isInteger(least) || least < 0)
    throw new Error(`--known takes a number of moves, not "${values.known}".`);
  const afterMs = Date.parse(values.after);
  if (Number.isNaN(afterMs))
    throw new Error(`--after takes a time such as 2026-01-01T12:00Z, not "${values.after}".`);
  const { moves: found, problems } = await readDataset(positionals);
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

await runCommand(main);
