import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { startBrowser } from "./browser.ts";

// npm run picture:report: how the page of `npm run report` looks, for the README. Of the run that is in docs/paper, made as it is now.
const results = "docs/paper/20261123T230634Z.jsonl";
const picture = "docs/report.png";

const folder = await mkdtemp(join(tmpdir(), "report-picture-"));
const browser = await startBrowser();
try {
  await execa(process.execPath, ["report/report-cli.ts", results, "--out", folder], { stdio: "inherit" });
  const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, colorScheme: "light" });
  await page.goto(pathToFileURL(join(folder, "index.html")).href);
  await page.screenshot({ path: picture });
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
console.log(`${picture}: ${((await stat(picture)).size / 1024).toFixed(0)} KiB, of ${results}`);
