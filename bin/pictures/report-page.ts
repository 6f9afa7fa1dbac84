import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { setUp } from "../../report/text/set-up.ts";
import { startBrowser } from "./browser.ts";

// npm run picture:report: how the page of `npm run report` looks, for the docs: of the run that is in docs/paper, and of two measured moves.
const paper = "docs/paper/20261123T230634Z.jsonl";
const measured = "test/report/measured.jsonl";

setUp();
const folder = await mkdtemp(join(tmpdir(), "report-picture-"));
const browser = await startBrowser();
const pictures: string[] = [];

/** @param to the id of a heading to scroll to; absent: the first screen */
async function take(
  picture: string,
  results: string,
  viewport: { width: number; height: number },
  to?: string,
) {
  const out = join(folder, picture);
  await execa(process.execPath, ["report/report-cli.ts", results, "--out", out], { stdio: "inherit" });
  const page = await browser.newPage({ viewport, colorScheme: "light" });
  await page.goto(pathToFileURL(join(out, "index.html")).href);
  if (to) await page.locator(`#${to}`).evaluate((heading) => heading.scrollIntoView({ behavior: "instant" }));
  const path = join("docs", picture);
  await page.screenshot({ path });
  await page.close();
  pictures.push(path);
}

try {
  const [live, , offline] = (await readFile(measured, "utf8")).split("\n");
  const lab = join(folder, "lab.jsonl");
  await writeFile(lab, `${live}\n${offline}\n`);
  await take("report.png", paper, { width: 1280, height: 760 });
  await take("report-moves.png", paper, { width: 1280, height: 900 }, "timelines");
  await take("report-lab.png", lab, { width: 1280, height: 880 });
  await take("report-phone.png", paper, { width: 390, height: 844 });
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
for (const picture of pictures)
  console.log(`${picture}: ${((await stat(picture)).size / 1024).toFixed(0)} KiB`);
