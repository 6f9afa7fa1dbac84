import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = import.meta.dirname;

it("unit tests that change what their process shares have one of their own: they are called *.mocked.test.ts", () => {
  const files = globSync("**/*.test.ts", { cwd: folder });
  const changing = files.filter((file) =>
    /^vi\.mock\(|^ *process\.chdir\(|\.setMocks\(/m.test(readFileSync(join(folder, file), "utf8")),
  );
  expect(changing.length).toBeGreaterThan(5);
  expect(changing.filter((file) => !file.endsWith(".mocked.test.ts"))).toEqual([]);
});
