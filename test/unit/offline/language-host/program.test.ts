import { expect, test } from "vitest";
import {
  nodeArguments,
  type ProgramRun,
  parseOptions,
  programEnvironment,
  resultOf,
  splitArguments,
} from "../../../../offline/language-host/program.ts";

const run: ProgramRun = {
  programDirectory: "/project",
  rootDirectory: "/project",
  entryPoint: "index.ts",
  args: ["one"],
  options: parseOptions({ typescript: false, nodeargs: "--max-old-space-size=512" }),
  monitorAddress: "127.0.0.1:1",
  engineAddress: "127.0.0.1:2",
  organization: "organization",
  project: "p",
  stack: "s",
  dryRun: true,
  parallel: 16,
  config: { "p:a": "1" },
  configSecretKeys: ["p:a"],
};

test("runtime options have Pulumi's defaults, and wrong ones are named", () => {
  expect(parseOptions({})).toEqual({ typescript: true, nodeargs: [], packagemanager: "auto" });
  expect(parseOptions({ packagemanager: "pnpm", tsconfig: "x.json" })).toMatchObject({
    packagemanager: "pnpm",
    tsconfig: "x.json",
  });
  expect(() => parseOptions({ typescript: "no" })).toThrow("typescript must be a boolean");
  expect(() => parseOptions({ packagemanager: "bower" })).toThrow("not bower");
});

test("a command line is split at blanks outside of quotes", () => {
  expect(splitArguments(`  --a=1 --title="two words"  'three  x' -b`)).toEqual([
    "--a=1",
    "--title=two words",
    "three  x",
    "-b",
  ]);
  expect(splitArguments("")).toEqual([]);
});

test("Node gets its own arguments, the runner, the deployment and the program", () => {
  expect(nodeArguments(run, "/sdk/run.js")).toEqual([
    "--max-old-space-size=512",
    "/sdk/run.js",
    ...["--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:2", "--organization", "organization"],
    ...["--project", "p", "--root-directory", "/project", "--stack", "s", "--pwd", "/project"],
    ...["--dry-run", "--parallel", "16", "index.ts", "one"],
  ]);
  expect(nodeArguments({ ...run, dryRun: false, entryPoint: "", organization: "" }, "r")).toEqual(
    expect.not.arrayContaining(["--dry-run", "--organization"]),
  );
});

test("config travels in the environment, with the names of its secrets", () => {
  expect(programEnvironment(run)).toEqual({
    PULUMI_CONFIG: '{"p:a":"1"}',
    PULUMI_CONFIG_SECRET_KEYS: '["p:a"]',
  });
  expect(programEnvironment({ ...run, options: parseOptions({ tsconfig: "t.json" }) })).toMatchObject({
    PULUMI_NODEJS_TYPESCRIPT: "true",
    PULUMI_NODEJS_TSCONFIG_PATH: "t.json",
  });
});

test("a program's end: success, an error that the user has seen, another exit code, a signal", () => {
  expect(resultOf(0, null)).toEqual({});
  expect(resultOf(32, null)).toEqual({ bail: true });
  expect(resultOf(3, null)).toEqual({ error: "Program exited with non-zero exit code: 3" });
  expect(resultOf(null, "SIGKILL")).toEqual({ error: "Program exited unexpectedly: ended by SIGKILL" });
});
