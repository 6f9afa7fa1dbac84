import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { startBrowser } from "./browser.ts";

// npm run picture:report: how the page of `npm run report` looks, for the docs. Of the run that is in docs/paper, as the page is made now.
const results = "docs/paper/20261123T230634Z.jsonl";

const folder = await mkdtemp(join(tmpdir(), "report-picture-"));
const browser = await startBrowser();
try {
  await execa(process.execPath, ["report/report-cli.ts", results, "--out", folder], { stdio: "inherit" });
  const page = await browser.newPage({ viewport: { width: 1180, height: 960 }, colorScheme: "light" });
  await page.goto(pathToFileURL(join(folder, "index.html")).href);
  await page.screenshot({ path: "docs/report.png" });
  // Parts get their height once they are in sight: the first scroll only comes near.
  for (let times = 0; times < 2; times++) {
    await page.locator("#timelines").evaluate((heading) => heading.scrollIntoView({ behavior: "instant" }));
    await page.waitForTimeout(300);
  }
  await page.screenshot({ path: "docs/report-moves.png" });
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
for (const picture of ["docs/report.png", "docs/report-moves.png"]) {
  console.log(`${picture}: ${((await stat(picture)).size / 1024).toFixed(0)} KiB, of ${results}`);
}
