import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { codeFiles, importsOf } from "../../../bin/imports.ts";

const manifest = {
  name: "testbed",
  exports: { ".": "./components/index.ts", "./engine": "./provider/all.ts" },
};
const importsIn = (...lines: string[]) => importsOf("moves/record.ts", lines.join("\n"), manifest);

test.each([
  ["a name", `import { a } from "../fleet/a.ts";`],
  ["single quotes", `import { a } from '../fleet/a.ts';`],
  ["several lines", `import {\n  a,\n  b,\n} from\n  "../fleet/a.ts";`],
  ["its effects alone", `import "../fleet/a.ts";`],
  ["a type", `import type { A } from "../fleet/a.ts";`],
  ["a type without a statement", `type A = import("../fleet/a.ts").A;`],
  ["the type of all of it", `let a: typeof import("../fleet/a.ts");`],
  ["what is exported again", `export * from "../fleet/a.ts";`],
  ["import()", `const a = await import("../fleet/a.ts");`],
  ["import() of a template", "const a = await import(`../fleet/a.ts`);"],
  ["import() with a comment and a line's end", `await import(/* why */\n // and how\n "../fleet/a.ts");`],
  [
    "import() deep in an expression",
    `const a = () => [1].map(async () => (await import("../fleet/a.ts")).b);`,
  ],
  ["require", `const a = require("../fleet/a.ts");`],
])("an import of %s is seen", (_, line) => {
  expect(importsIn(line)).toEqual({ files: ["fleet/a.ts"], unread: [] });
});

test("other ways to name a file are seen: its ending, its folder, the package's own name", () => {
  expect(
    importsIn(
      `import "./a.mts"; import "./b.tsx"; import "./c.js"; import "./rooms/d.ts";`,
      `import { Testbed } from "testbed"; await import("testbed/engine");`,
    ).files,
  ).toEqual([
    ...["moves/a.mts", "moves/b.tsx", "moves/c.js", "moves/rooms/d.ts"],
    ...["components/index.ts", "provider/all.ts"],
  ]);
  expect(() => importsIn(`import "testbed/inside";`)).toThrow(
    "moves/record.ts imports testbed/inside, which package.json does not export",
  );
});

test("packages, comments and texts are no imports of the project's files", () => {
  expect(
    importsIn(
      `import { z } from "zod"; import "node:fs"; import "testbed-other";`,
      `// import "../fleet/a.ts";`,
      `const text = 'import "../fleet/a.ts"';`,
      `this.import("../fleet/a.ts");`,
      `export const a = 1;`,
    ),
  ).toEqual({ files: [], unread: [] });
});

test("an import of what only the running program knows is told as such", () => {
  expect(importsIn("await import(file);", "await import(`../fleet/${name}.ts`);").unread).toEqual([
    "import(file)",
    "import(`../fleet/${name}.ts`)",
  ]);
});

test("only a top-level folder is left out for its name", () => {
  const project = mkdtempSync(join(tmpdir(), "code-"));
  const code = ["index.ts", "fleet/a.ts", "fleet/build/b.mts", "fleet/test/c.ts", "moves/examples/sdks/d.js"];
  try {
    for (const file of [...code, "test/unit/a.ts", "examples/b.ts", "build/c.ts", "fleet/d.py"]) {
      mkdirSync(dirname(join(project, file)), { recursive: true });
      writeFileSync(join(project, file), "");
    }
    expect(codeFiles(project)).toEqual(code.sort());
  } finally {
    rmSync(project, { recursive: true });
  }
});
