import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { makeToolchain, Project, processesWith, type Toolchain, until } from "./offline-harness.ts";

let toolchain: Toolchain;
let project: Project | undefined;
beforeAll(async () => {
  toolchain = await makeToolchain();
});
afterEach(() => project?.remove());
afterAll(() => toolchain.remove());

/** A project whose program declares one local.Command, `command`, with the args in `args.json`. */
async function stackWith(args: Record<string, unknown>): Promise<Project> {
  project = new Project(toolchain, {
    "args.json": JSON.stringify(args),
    "index.ts": `
import { readFileSync } from "node:fs";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
const { secrets = {}, ...args } = JSON.parse(readFileSync("args.json", "utf8"));
for (const name of Object.keys(secrets)) args[name] = pulumi.secret(secrets[name]);
const { stdout, stderr, id } = new command.local.Command("command", args);
export { stdout, stderr, id };
`,
  });
  await project.succeed(["stack", "init", "test"]);
  return project;
}

const setArgs = (stack: Project, args: Record<string, unknown>) =>
  stack.write("args.json", JSON.stringify(args));

test("a command is created, left alone, updated, replaced by its triggers and deleted", async () => {
  const stack = await stackWith({});
  const journal = join(stack.dir, "journal");
  const args = (extra: Record<string, unknown>) => ({
    create: `echo created >> ${journal}; echo line one; echo line two >&2`,
    update: `echo "updated after $PULUMI_COMMAND_STDOUT" >> ${journal}; echo "$WHO"`,
    delete: `echo "deleted after $PULUMI_COMMAND_STDOUT" >> ${journal}`,
    triggers: [1],
    ...extra,
  });
  setArgs(stack, args({}));
  const preview = await stack.succeed(["preview"]);
  expect(preview).toMatch(/stdout\s*: \[unknown\]/);
  expect(existsSync(journal)).toBe(false);
  const up = await stack.up();
  expect(up).toContain("line one"); // seen while it runs
  expect(up).toContain("line two");
  expect(await stack.outputs()).toMatchObject({ stdout: "line one", stderr: "line two" });
  await stack.succeed(["up", "--yes", "--expect-no-changes"]);
  await stack.succeed(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);

  setArgs(stack, args({ environment: { WHO: "me" } }));
  expect(await stack.succeed(["preview", "--diff"])).toMatch(/\+ environment: \{\s*\+ WHO: "me"/);
  const { id } = await stack.outputs();
  await stack.up();
  expect(await stack.outputs()).toMatchObject({ stdout: "me", stderr: "", id });

  setArgs(stack, args({ environment: { WHO: "me" }, triggers: [2] }));
  expect(await stack.up()).toContain("1 replaced");
  expect(await stack.outputs()).not.toMatchObject({ id });
  await stack.succeed(["destroy", "--yes", "--skip-preview"]);
  expect(readFileSync(journal, "utf8").trim().split("\n")).toEqual([
    "created",
    "updated after line one",
    "created", // the replacement comes first, what it replaces goes then
    "deleted after me",
    "deleted after line one",
  ]);
});

test("a failing command fails the update with its code, its name and what it wrote", async () => {
  const stack = await stackWith({ create: "echo some; echo reason >&2; exit 17" });
  const result = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain('exit status 17: running "echo some; echo reason >&2; exit 17"');
  expect(result.all).toContain("reason");
  expect((await stack.state()).has("command:local:Command::command")).toBe(false);
});

test("a failing delete keeps the resource, with the error", async () => {
  const stack = await stackWith({ create: "true", delete: "echo cannot >&2; exit 4" });
  await stack.up();
  const result = await stack.pulumi(["destroy", "--yes", "--skip-preview"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain("exit status 4");
  expect((await stack.state()).has("command:local:Command::command")).toBe(true);
});

test("wrong and refused inputs are refused before anything runs", async () => {
  const stack = await stackWith({});
  const journal = join(stack.dir, "journal");
  setArgs(stack, { create: `touch ${journal}`, interpreter: "sh", assetPaths: ["*"] });
  const result = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain("assetPaths is not supported");
  expect(result.all).toContain("property interpreter");
  expect(existsSync(journal)).toBe(false);
});

test("secrets stay secret in the state, in what is shown and in errors", async () => {
  const stack = await stackWith({ create: "cat; echo", secrets: { stdin: "hush-hush" } });
  const up = await stack.up();
  expect(up).not.toContain("hush-hush");
  expect(await stack.outputs()).toMatchObject({ stdout: "hush-hush" });
  const exported = await stack.succeed(["stack", "export"]);
  expect(exported).not.toContain("hush-hush");
  const state = (await stack.state()).get("command:local:Command::command");
  expect(state?.outputs.stdout).toHaveProperty("ciphertext");
  expect(state?.inputs.stdin).toHaveProperty("ciphertext");

  setArgs(stack, { secrets: { create: "echo hush-hush >/dev/null; exit 5" } });
  const failed = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(failed.all).toContain('exit status 5: running "[secret]"');
  expect(failed.all).not.toContain("hush-hush");
});

test("the plugin's folder is the project's, whatever folder Pulumi is run in", async () => {
  const stack = await stackWith({ create: "pwd" });
  await stack.up({ cwd: "/" });
  expect(await stack.outputs()).toMatchObject({ stdout: stack.dir });
  mkdirSync(join(stack.dir, "below"));
  setArgs(stack, { create: "pwd", dir: "below" });
  await stack.up();
  expect(await stack.outputs()).toMatchObject({ stdout: join(stack.dir, "below") });
});

test.each(["SIGINT", "SIGKILL"] as const)(
  "%s of the CLI ends a command with all it started",
  async (signal) => {
    const stack = await stackWith({});
    const started = join(stack.dir, "started");
    const marker = `601.0${process.pid}${signal.length}`;
    setArgs(stack, { create: `sleep ${marker} & touch ${started}; sleep ${marker}; echo unreachable` });
    const running = stack.pulumi(["up", "--yes", "--skip-preview"]);
    await until(() => existsSync(started), "the command's start");
    running.kill(signal);
    const result = await running;
    expect(result.failed).toBe(true);
    const left = () => [
      ...processesWith(marker),
      ...processesWith(stack.dir),
      ...processesWith(toolchain.home),
    ];
    await expect.poll(left, { timeout: 30_000 }).toEqual([]);
    if (signal === "SIGINT") expect(result.all).toContain("cancelled: running");
  },
);

test("what a command leaves running in a session of its own survives the update", async () => {
  const stack = await stackWith({});
  const marker = `602.0${process.pid}`;
  setArgs(stack, { create: `setsid sleep ${marker} >/dev/null 2>&1 </dev/null & echo $!` });
  await stack.up();
  const left = processesWith(marker);
  expect(left).toHaveLength(1);
  for (const { pid } of left) process.kill(pid);
});
