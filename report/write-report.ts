import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pageName } from "./link.ts";
import { pageOf } from "./page/page.ts";
import { svgFile } from "./page/svg-file.ts";
import { figuresOf, type Report } from "./sections/report.ts";

const figuresName = "figures";

interface WrittenReport {
  page: string;
  pageBytes: number;
  figures: string[];
}

/** Writes the page and, in a folder beside it, every figure as SVG. Figures of an older report that are no more are removed. */
export async function writeReport(report: Report, folder: string): Promise<WrittenReport> {
  const figuresFolder = join(folder, figuresName);
  await mkdir(folder, { recursive: true });
  await rm(figuresFolder, { recursive: true, force: true });
  await mkdir(figuresFolder);
  const files = figuresOf(report).map((figure) => ({
    file: join(figuresFolder, `${figure.id}.svg`),
    svg: svgFile(figure),
  }));
  for (const { file, svg } of files) await writeFile(file, svg);
  const page = join(folder, pageName);
  const text = pageOf(report);
  // Whole or not at all: someone may have it open.
  await writeFile(`${page}.new`, text);
  await rename(`${page}.new`, page);
  return { page, pageBytes: Buffer.byteLength(text), figures: files.map(({ file }) => file) };
}
