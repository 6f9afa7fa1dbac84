import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import {
  allowedArrows,
  circle,
  folderImports,
  ideaOf,
  madeFiles,
  testFolders,
  topImports,
} from "../../bin/architecture.ts";
import { importsOf, importsOfAll } from "../../bin/imports.ts";

const project = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const read = Object.entries(importsOfAll(project));
const files = Object.fromEntries(read.map(([file, imports]) => [file, imports.files]));

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

test("what a file imports can be read in it; but for the completion, which loads the command that is asked for", () => {
  const unread = read.flatMap(([file, imports]) => imports.unread.map((what) => `${file}: ${what}`));
  expect(unread).toEqual(["bin/complete.ts: import(resolve(file))"]);
});

test("the compiler looks at each folder that has TypeScript in it", () => {
  const { include }: { include: string[] } = JSON.parse(readFileSync(join(project, "tsconfig.json"), "utf8"));
  const [own, within] = [/^[^/]+\.ts$/, /^([^/]+)\/.*\.[mc]?tsx?$/];
  const folders = Object.keys(files).flatMap((file) => within.exec(file)?.[1] ?? []);
  expect(Object.keys(files).some((file) => own.test(file))).toBe(true);
  expect(include.sort()).toEqual([...new Set(["*.ts", "test", ...folders])].sort());
});

test("each folder's README begins with what the folder is for, and says where something new goes", () => {
  for (const folder of Object.keys(allowedArrows())) {
    expect(ideaOf(folder), folder).not.toBe("");
    if (folder !== "index.ts")
      expect(readFileSync(join(project, folder, "README.md"), "utf8"), folder).toMatch(/\b[Aa] new \w+/);
  }
});

test("test/README.md says of each folder of tests what it tests, by which command", () => {
  const page = readFileSync(join(project, "test/README.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` .*`npm run ([\w:]+)`/gm)];
  expect(rows.map(([, folder]) => folder).sort()).toEqual(testFolders());
  for (const [, , command] of rows) expect(Object.keys(manifest.scripts)).toContain(command);
});

test.each(Object.entries(madeFiles()))("%s is in step: npm run architecture", (file, text) => {
  expect(readFileSync(join(project, file), "utf8")).toBe(text);
});

test("a test in a folder of test/unit tests what is in the folder of that name", () => {
  // What the benchmarks and the faults reckon with is tested too.
  const others = ["bench", "faults"];
  const importsIn = (file: string): string[] =>
    importsOf(file, readFileSync(join(project, file), "utf8"), manifest).files.flatMap((path) =>
      path.startsWith("test/unit/helpers/") ? importsIn(path) : [path],
    );
  const tests = globSync("test/unit/*/**/*.test.ts", { cwd: project });
  const strays = tests.filter((file) => {
    const folder = dirname(file).slice("test/unit/".length);
    const place = others.includes(folder) ? `test/${folder}` : folder;
    const tested = [...new Set(importsIn(file).map((path) => dirname(path)))];
    // Or it is about several of its rooms.
    return !tested.includes(place) && tested.filter((each) => each.startsWith(`${place}/`)).length < 2;
  });
  expect(tests.length).toBeGreaterThan(100);
  expect(strays).toEqual([]);
});
