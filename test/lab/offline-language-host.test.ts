import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readVersions } from "../../offline/parts.ts";
import { makeToolchain, Project, processesWith, root, type Toolchain, until } from "./offline-harness.ts";

let toolchain: Toolchain;
let project: Project | undefined;
beforeAll(async () => {
  toolchain = await makeToolchain();
});
afterEach(() => project?.remove());
afterAll(() => toolchain.remove());

async function stackWith(program: string): Promise<Project> {
  project = new Project(toolchain, { "index.ts": program });
  await project.succeed(["stack", "init", "test"]);
  return project;
}

const dynamic = `
import * as pulumi from "@pulumi/pulumi";
const provider: pulumi.dynamic.ResourceProvider = {
  async create(inputs: { x: string }) { return { id: "id", outs: { y: inputs.x + "!" } }; },
};
class Thing extends pulumi.dynamic.Resource {
  declare readonly y: pulumi.Output<string>;
  constructor(name: string, x: pulumi.Input<string>) { super(provider, name, { x, y: undefined }); }
}
const config = new pulumi.Config();
console.log("said on stdout");
console.error("said on stderr");
export const thing = new Thing("thing", config.require("plain")).y;
export const hidden = config.requireSecret("hidden");
export const isSecret = pulumi.isSecret(hidden);
export const list = config.requireObject("list");
export const where = [process.cwd(), pulumi.getProject(), pulumi.getStack(), pulumi.getOrganization()];
`;

test("a TypeScript program goes up with its config, is previewed, refreshed and destroyed, from another folder", async () => {
  const stack = await stackWith(dynamic);
  await stack.succeed(["config", "set", "plain", "value"]);
  await stack.succeed(["config", "set", "--secret", "hidden", "hush-hush"]);
  await stack.succeed(["config", "set", "--path", "list[0]", "one"]);

  const preview = await stack.succeed(["preview"]);
  expect(preview).toContain("2 to create");
  const up = await stack.up();
  expect(up).toContain("said on stdout");
  expect(up).toContain("said on stderr");
  expect(up).not.toContain("hush-hush");
  expect(await stack.outputs()).toEqual({
    thing: "value!",
    hidden: "hush-hush",
    isSecret: true,
    list: ["one"],
    where: [stack.dir, "offline", "test", "organization"],
  });
  expect(await stack.succeed(["stack", "export"])).not.toContain("hush-hush");
  expect(await stack.succeed(["refresh", "--yes", "--skip-preview"])).toContain("2 unchanged");
  expect(await stack.succeed(["up", "--yes", "--expect-no-changes"])).toContain("2 unchanged");
  expect(await stack.succeed(["destroy", "--yes", "--skip-preview"])).toContain("2 deleted");
});

test("the CLI is told of the host's version, Node and the program's packages", async () => {
  const versions = readVersions(root);
  const stack = await stackWith("export {};");
  const about = JSON.parse(await stack.succeed(["about", "--json"]));
  expect(about.runtime).toMatchObject({ language: "nodejs", version: process.version });
  expect(about.dependencies).toEqual([{ name: "@pulumi/command", version: versions.command }]);
  const plugins: { name: string; version: string }[] = about.plugins;
  expect(plugins).toContainEqual(expect.objectContaining({ name: "command", version: versions.command }));
  expect(plugins).toContainEqual(
    expect.objectContaining({ name: "terraform-provider", version: versions.bridge }),
  );
});

test("dependencies are installed, with npm's output", async () => {
  const stack = await stackWith("export {};");
  rmSync(join(stack.dir, "node_modules")); // a link to this project's own
  stack.write("package.json", JSON.stringify({ name: "offline", dependencies: { dep: "file:dep" } }));
  mkdirSync(join(stack.dir, "dep"));
  stack.write("dep/package.json", JSON.stringify({ name: "dep", version: "1.0.0" }));
  const output = await stack.succeed(["install", "--no-plugins"]);
  expect(output).toContain("Installing dependencies with npm...");
  expect(output).toMatch(/added 1 package/);
  expect(output).toContain("Finished installing dependencies");
  expect(existsSync(join(stack.dir, "node_modules/dep"))).toBe(true);
});

test("a program that throws fails the update with its error, and no second one", async () => {
  const stack = await stackWith('throw new Error("cannot go on");');
  const result = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain("cannot go on");
  expect(result.all).toContain("index.ts:1"); // where it happened, in the TypeScript source
  expect(result.all).not.toContain("exit code");
});

test("a program that exits with a code of its own fails the update with that code", async () => {
  const stack = await stackWith("process.exit(3);");
  const result = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain("Program exited with non-zero exit code: 3");
});

test("without @pulumi/pulumi the error says what to do", async () => {
  const stack = await stackWith("export {};");
  rmSync(join(stack.dir, "node_modules"));
  const result = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain("Have you run pulumi install?");
});

test("the Automation API runs a program in a folder, and one in this process", async () => {
  const stack = await stackWith(dynamic);
  const envVars = stack.env;
  const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
  const pulumiCommand = await PulumiCommand.get({ root: join(toolchain.cli, "../..") });
  const there = await LocalWorkspace.createOrSelectStack(
    { stackName: "test", workDir: stack.dir },
    { envVars, pulumiCommand },
  );
  await there.setAllConfig({
    plain: { value: "auto" },
    hidden: { value: "s", secret: true },
    list: { value: "[]" },
  });
  const up = await there.up();
  expect(up.outputs.thing).toEqual({ value: "auto!", secret: false });
  expect(up.outputs.hidden).toEqual({ value: "s", secret: true });
  await there.destroy();

  const inline = await LocalWorkspace.createOrSelectStack(
    { stackName: "inline", projectName: "inline", program: async () => ({ answer: 42 }) },
    { envVars, pulumiCommand, workDir: stack.dir },
  );
  expect((await inline.up()).outputs.answer?.value).toBe(42);
  await inline.destroy();
});

const endless = (marker: string, at: string) => `
import { writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
spawn("sleep", ["${marker}"]);
writeFileSync("${at}", "");
// Nobody reads what it says once the CLI is gone.
setInterval(() => console.log("at work"), 5);
`;

test.each(["SIGINT", "SIGKILL"] as const)("%s of the CLI leaves no process behind", async (signal) => {
  const stack = await stackWith("export {};");
  const started = join(stack.dir, "started");
  const marker = `600.0${process.pid}${signal.length}`;
  stack.write("index.ts", endless(marker, started));
  const running = stack.pulumi(["up", "--yes", "--skip-preview"]);
  await until(() => existsSync(started), "the program's start");
  running.kill(signal);
  const result = await running;
  expect(result.failed).toBe(true);
  const left = () => [
    ...processesWith(marker),
    ...processesWith(stack.dir),
    ...processesWith(toolchain.home),
  ];
  await expect.poll(left, { timeout: 30_000 }).toEqual([]);
});
