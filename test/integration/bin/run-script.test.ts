// bin/run on machines that are made up: what is set up there, and what is not.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "run-"));
  mkdirSync(join(project, "bin"));
  copyFileSync(join(import.meta.dirname, "../../../bin/run"), join(project, "bin/run"));
  writeFileSync(join(project, "bin/setup"), 'echo "setup $*"\n');
});
afterEach(() => rmSync(project, { recursive: true }));

const run = (...args: string[]) =>
  execa("sh", ["bin/run", ...args], { cwd: project, reject: false, all: true });

function setUp(): void {
  for (const folder of ["zod", ".bin"]) mkdirSync(join(project, "node_modules", folder), { recursive: true });
  for (const program of ["node", "biome"]) {
    writeFileSync(join(project, "node_modules/.bin", program), `#!/bin/sh\necho ${program} "$@"\n`);
    chmodSync(join(project, "node_modules/.bin", program), 0o755);
  }
}

test.each([["report/cli.ts"], ["biome"], ["--setup", "report/cli.ts", "--help"]])(
  "where nothing is set up, %s says what to do, in a line",
  async (...args) => {
    const { all, exitCode } = await run(...args);
    expect(all).toMatch(/^not set up yet: run "npm run setup" first [^\n]*$/);
    expect(exitCode).toBe(1);
  },
);

test("a program is run by the project's own Node, a package's as it is, with its arguments", async () => {
  setUp();
  const said = "node -e process.exit(process.features.typescript ? 0 : 1)";
  expect((await run("a.ts", "two words", "--flag")).stdout.replace(`${said}\n`, "")).toBe(
    "node a.ts two words --flag",
  );
  expect((await run("biome", "ci", ".")).stdout).toBe("biome ci .");
});

test("a program that needs it sets the machine up first, but not to help", async () => {
  setUp();
  const all = async (...args: string[]) => (await run(...args)).all;
  expect(await all("--setup", "a.ts")).toMatch(/^setup \n/);
  expect(await all("--setup=tests", "biome", "x")).toBe("setup --tests\nbiome x");
  expect(await all("--setup=lab", "biome", "-h")).toBe("biome -h");
  expect(await all("--setup", "biome", "--", "--help")).toBe("setup \nbiome -- --help");
});

test("a program of the project's is left to set up itself, once its packages are there and the newest", async () => {
  setUp();
  const node = join(project, "node_modules/.bin/node");
  writeFileSync(node, '#!/bin/sh\necho node "$@" "(${KVM_MIGRATION_TESTBED_SETUP-nothing})"\n');
  const asked = (...args: string[]) => run(...args).then(({ stdout }) => stdout);
  expect(await asked("--setup=lab", "a.ts")).toBe("setup --lab\nnode a.ts (nothing)");
  writeFileSync(join(project, "package-lock.json"), "");
  writeFileSync(join(project, "node_modules/.package-lock.json"), "");
  expect(await asked("--setup=lab", "a.ts")).toBe("node a.ts (--lab)");
  expect(await asked("--setup=lab", "a.ts", "--help")).toBe("node a.ts --help (nothing)");
  expect(await asked("a.ts")).toBe("node a.ts (nothing)");
  expect(await asked("--setup", "biome")).toBe("setup \nbiome");
  const future = Date.now() / 1000 + 10;
  utimesSync(join(project, "package-lock.json"), future, future);
  expect(await asked("--setup=lab", "a.ts")).toBe("setup --lab\nnode a.ts (nothing)");
});

test.each([
  ["experiments/cli.ts", "paper", "--nothing"],
  ["experiments/cli.ts", "nothing"],
  ["bin/lab.ts", "up", "--stack", "nothing"],
  ["bin/move.ts"],
  ["bin/keep.ts", "lab", "--every", "0"],
  ["bin/maintain.ts", "lab"],
  ["test/bench/bench.ts", "--only", "nothing"],
])("%s %s %s: a mistake is told before anything is set up", async (...args) => {
  const root = join(import.meta.dirname, "../../..");
  const env = { KVM_MIGRATION_TESTBED_SETUP: "--no-such-option" };
  const { exitCode, stderr } = await execa(process.execPath, args, { cwd: root, env, reject: false });
  expect(stderr).not.toContain("setup:");
  expect(stderr).toContain("error: ");
  expect(exitCode).not.toBe(0);
});

test.each([
  ["experiments/cli.ts", "paper", "--down"],
  ["bin/lab.ts", "up"],
  ["bin/lab.ts", "down"],
  ["bin/move.ts", "vm1", "host2"],
  ["bin/keep.ts", "lab"],
  ["bin/maintain.ts", "lab", "--each", "true"],
  ["bin/pictures/report-page.ts"],
  ["test/bench/bench.ts", "--only", "no-change"],
])("%s %s %s: what was left to it to set up comes before all else", async (...args) => {
  const root = join(import.meta.dirname, "../../..");
  const env = { KVM_MIGRATION_TESTBED_SETUP: "--no-such-option" };
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, { cwd: root, env, reject: false });
  expect(stderr).toMatch(/^setup: there is no option --no-such-option\n/);
  expect(stdout).toBe("");
  expect(exitCode).toBe(1);
});
