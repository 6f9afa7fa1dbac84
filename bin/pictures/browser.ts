import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** The machine's own browser, without a window. */
export async function startBrowser(): Promise<Browser> {
  // A container's root has no sandbox of its own; the page is ours, and fetches nothing.
  return chromium.launch({ executablePath: await executable(), args: ["--no-sandbox"] });
}

async function executable(): Promise<string> {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of names) {
      const file = join(folder, name);
      const isThere = await access(file).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
  }
  throw new Error(
    `No browser to show the report's page in: looked for ${names.join(", ")}. Install one (Debian: apt-get install chromium), or say where it is: CHROMIUM=/path/to/it.`,
  );
}
