import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The package's: plugin, npm package and project have one version. */
export const { version, description, keywords, license } = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8"),
) as { version: string; description: string; keywords: string[]; license: string };
