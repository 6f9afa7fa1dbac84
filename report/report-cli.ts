import { readDataset } from "./data/dataset.ts";
import { readSeries } from "./data/series.ts";
import { askedSources } from "./data/sources.ts";
import { reportFolder } from "./link.ts";
import { reportOf } from "./sections/report.ts";
import { command, runCommand, say } from "./text/command.ts";
import { writeReport } from "./write-report.ts";

const program = command(
  "npm run report --",
  "[STACK, EXPERIMENT or RESULTS FILE ...] [options]",
  "One page (index.html, nothing else is needed to open it) and its figures as SVG, from results files alone. Several files make one report; " +
    "two with cells in common are compared.",
)
  .argument("[results...]")
  .option("--out <folder>", "where it is written (default: results/reports/NAME)")
  .addHelpText(
    "after",
    `
  npm run report -- lab                          results/lab.jsonl
  npm run report -- paper                        the latest run of the experiment
  npm run report -- paper/20260101T120000Z       that run
  npm run report -- paper/20260101T120000Z paper both of its runs, compared
  npm run report -- some.jsonl others.jsonl      both together`,
  )
  .action(report);

async function report(sources: string[], { out }: { out?: string }): Promise<void> {
  const { name, files } = await askedSources(sources);
  const dataset = await readDataset(files);
  const { page, pageBytes, figures } = await writeReport(
    reportOf(dataset, await readSeries(dataset)),
    out ?? reportFolder(name),
  );
  for (const { file, line, problem } of dataset.problems) {
    say(`${file}${line === undefined ? "" : `:${line}`} is passed over: ${problem}`);
  }
  say(
    `${page}: ${dataset.moves.length} moves, ${(pageBytes / 1024).toFixed(0)} KiB; ${figures.length} figures beside it, as SVG`,
  );
}

await runCommand(program);
