import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const start = pathToFileURL(join(import.meta.dirname, "../../../provider/node-start.ts")).href;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "node-start-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Which of the engine's modules a program has loaded that asks for none. */
async function loadedBy(program: string): Promise<string[]> {
  const file = join(folder, program);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `const loaded = [];
require("node:module").registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
const done = () => console.log(JSON.stringify(loaded.filter((url) => url.endsWith("/migration/migrate.ts"))));
process.on("exit", done);`,
  );
  const { stdout } = await execa(process.execPath, [file], { env: { NODE_OPTIONS: `--import=${start}` } });
  return JSON.parse(stdout);
}

test("Pulumi's provider of dynamic resources has the engine before it is asked for it, and no other process", async () => {
  expect(await loadedBy("cmd/dynamic-provider/index.js")).toHaveLength(1);
  expect(await loadedBy("cmd/run/index.js")).toEqual([]);
});
