import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const project = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(project, file), "utf8");

/** Names in braces as the file says them that is imported from: `{ type A, b as c }` takes A and b. */
const namesIn = (braces: string): string[] =>
  braces.split(",").flatMap((each) => /^\s*(?:type )?(\w+)/.exec(each)?.[1] ?? []);

/** What each file takes of the others: `file name`. */
function takenBy(file: string, text: string): string[] {
  const from = (path: string, names: readonly string[]) =>
    names.map((name) => `${join(dirname(file), path)} ${name}`);
  const named = text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from "(\.[^"]+)"/gm);
  // Of a module as a whole, whatever this file speaks of.
  const whole = text.matchAll(/(?:\* as \w+ from |\bimport\(\s*)"(\.[^"]+)"/g);
  return [
    ...[...named].flatMap(([, braces = "", path = ""]) => from(path, namesIn(braces))),
    ...[...whole].flatMap(([, path = ""]) => from(path, text.match(/\b\w+\b/g) ?? [])),
  ];
}

const declared =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/gm;
const givenBy = (text: string): string[] => [
  ...[...text.matchAll(declared)].flatMap(([, name = ""]) => name),
  ...[...text.matchAll(/^export const \{([^}]*)\}/gm)].flatMap(([, braces = ""]) => namesIn(braces)),
];

const files = globSync("**/*.ts", {
  cwd: project,
  exclude: (path) => ["node_modules", "sdks", "examples", "build", ".testbed"].includes(path),
});
const texts = new Map(files.map((file) => [file, read(file)]));
const code = [...texts].filter(([file]) => !file.startsWith("test/"));

test("what a file exports is imported by another one, or is what the package gives", () => {
  const { exports } = JSON.parse(read("package.json"));
  // The program's exports are the stack's outputs.
  const entries = [
    "index.ts",
    "vitest.config.ts",
    ...Object.values<string>(exports).map((path) => join(path)),
  ];
  const taken = new Set([...texts].flatMap(([file, text]) => takenBy(file, text)));
  const given = code.flatMap(([file, text]) => givenBy(text).map((name) => `${file} ${name}`));
  expect(given).toContain("placement/terms/cluster.ts Cluster");
  expect(taken).toContain("placement/terms/cluster.ts Cluster");
  const unused = given.filter((name) => !taken.has(name) && !entries.includes(name.split(" ")[0] ?? ""));
  expect(unused).toEqual([]);
});

test("no two files export things of one name", () => {
  const names = code.flatMap(([, text]) => [...new Set(givenBy(text))]);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(["MigrationRecord", "migrationModes"]));
});
