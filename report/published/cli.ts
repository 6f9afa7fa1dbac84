import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readDataset } from "../data/dataset.ts";
import { movesCsv } from "../export/moves-csv.ts";
import { reportOf } from "../sections/report.ts";
import { command, runCommand, say } from "../text/command.ts";
import { writeReport } from "../write-report.ts";
import { partsOf, withParts } from "./parts.ts";

const program = command(
  "npm run published --",
  "[FOLDER]",
  "What is made of a published run, once more: the page, its figures and its CSV beside its results file, and the parts of its README that are made from it.",
)
  .argument("[folder]", undefined, join("docs", "paper"))
  .addHelpText("after", "\nFOLDER has one results file (.jsonl) and a README.md (default: docs/paper).")
  .action(publish);

async function publish(folder: string): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".jsonl"));
  const [file, ...more] = files;
  if (file === undefined || more.length > 0)
    throw new Error(
      `${folder} should have one results file, and has ${files.length}: ${files.join(", ") || "none"}.`,
    );
  const dataset = await readDataset([join(folder, file)]);
  const readme = join(folder, "README.md");
  const text = withParts(await readFile(readme, "utf8"), partsOf(dataset));
  const { page, figures } = await writeReport(reportOf(dataset), folder);
  await writeFile(readme, text);
  const csv = join(folder, file.replace(/\.jsonl$/, ".csv"));
  await writeFile(csv, movesCsv(dataset));
  say(`${page}, ${figures.length} figures, ${csv} and ${readme} are made of ${file}.`);
}

await runCommand(program);
