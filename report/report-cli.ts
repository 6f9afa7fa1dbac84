import { parseArgs } from "node:util";
import { readDataset } from "./data/dataset.ts";
import { askedSources } from "./data/sources.ts";
import { reportFolder } from "./link.ts";
import { reportOf } from "./sections/report.ts";
import { runCommand, say } from "./text/command.ts";
import { writeReport } from "./write-report.ts";

const help = `Usage: npm run report [-- <stack, experiment or results file> ...] [--out FOLDER]

One page (index.html, nothing else is needed to open it) and its figures as SVG, from results files alone. Several files make one report; two with
cells in common are compared.

  npm run report -- lab                          results/lab.jsonl
  npm run report -- paper                        the latest run of the experiment
  npm run report -- paper/20260101T120000Z       that run
  npm run report -- paper/20260101T120000Z paper both of its runs, compared
  npm run report -- some.jsonl others.jsonl      both together

  --out FOLDER   default: results/reports/<name>`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return say(help);
  const { name, files } = await askedSources(positionals);
  const dataset = await readDataset(files);
  const { page, pageBytes, figures } = await writeReport(reportOf(dataset), values.out ?? reportFolder(name));
  for (const { file, line, problem } of dataset.problems) {
    say(`${file}${line === undefined ? "" : `:${line}`} is passed over: ${problem}`);
  }
  say(
    `${page}: ${dataset.moves.length} moves, ${(pageBytes / 1024).toFixed(0)} KiB; ${figures.length} figures beside it, as SVG`,
  );
}

await runCommand(main);
