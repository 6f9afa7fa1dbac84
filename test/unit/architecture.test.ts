import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  allowedArrows,
  circle,
  fileImports,
  folderImports,
  ideaOf,
  madeFiles,
  topImports,
} from "../../bin/architecture.ts";

const files = fileImports();

test("a folder imports from those that docs/architecture.yaml allows it, and each of these arrows is needed", () => {
  const allowed = allowedArrows();
  const imports = Object.entries(folderImports(files));
  const arrows = imports.flatMap(([folder, targets]) => targets.map((target) => `${folder} -> ${target}`));
  const known = Object.entries(allowed).flatMap(([folder, targets]) =>
    targets.map((target) => `${folder} -> ${target}`),
  );
  expect(
    arrows.filter((arrow) => !known.includes(arrow)),
    "not allowed",
  ).toEqual([]);
  expect(
    known.filter((arrow) => !arrows.includes(arrow)),
    "not needed",
  ).toEqual([]);
  expect(imports.map(([folder]) => folder).sort()).toEqual(Object.keys(allowed).sort());
});

test("no files, no folders and no top-level folders import one another in a circle", () => {
  expect(circle(files)).toBeUndefined();
  expect(circle(allowedArrows())).toBeUndefined();
  expect(circle(topImports(allowedArrows()))).toBeUndefined();
  expect(circle({ a: ["b"], b: ["c"], c: ["d", "b"] })).toEqual(["b", "c", "b"]);
});

test("all of the code is looked at, and nothing of it imports a test", () => {
  expect(Object.keys(files)).toEqual(expect.arrayContaining(["index.ts", "migration/modes/live.ts"]));
  const unknown = Object.values(files)
    .flat()
    .filter((file) => !(file in files) && !file.startsWith("sdks/"));
  expect(unknown).toEqual([]);
});

test("each folder's README begins with what the folder is for", () => {
  for (const folder of Object.keys(allowedArrows())) expect(ideaOf(folder), folder).not.toBe("");
});

test.each(Object.entries(madeFiles()))("%s is in step: npm run architecture", (file, text) => {
  expect(readFileSync(join(import.meta.dirname, "../..", file), "utf8")).toBe(text);
});
