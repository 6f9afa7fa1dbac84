import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { readRecords } from "../../moves/results.ts";
import { type Run, TestProject } from "./project.ts";
import { LabStack } from "./stack.ts";
import { tracesOf } from "./traces.ts";

// Programs of examples/, in a folder of their own, by the commands that docs/provider.md names.

const root = resolve(import.meta.dirname, "../..");
const stackName = "provider-test";
const bridge = "lab-provider";
const network = "10.77.41.0/24";

let project: TestProject;
let stack: LabStack;

beforeAll(async () => {
  project = await TestProject.make();
  await symlink(join(root, "plugin"), project.path("plugin"));
  for (const language of ["yaml", "typescript"]) {
    await mkdir(project.path("examples", language), { recursive: true });
    await cp(join(root, "examples", language), project.path("examples", language), { recursive: true });
  }
  // As npm would install it.
  const modules = project.path("examples/typescript/node_modules");
  await mkdir(modules);
  await symlink(root, join(modules, "kvm-migration-testbed"));
  await symlink(join(root, "node_modules/@pulumi"), join(modules, "@pulumi"));
});

afterAll(async () => {
  // Whatever a failed test left.
  for (const language of ["yaml", "typescript"])
    await project.pulumi("destroy", "--cwd", `examples/${language}`, "--stack", stackName, "--yes");
  await project.remove();
});

/** The commands of a section of the page, without what follows `npm run pulumi -- `, for a stack of the test's own. */
async function commandsOf(section: string): Promise<string[][]> {
  const page = await readFile(join(root, "docs/provider.md"), "utf8");
  const [, block = ""] =
    new RegExp(`^## ${section}$[\\s\\S]*?^\`\`\`sh\\n([\\s\\S]*?)^\`\`\``, "m").exec(page) ?? [];
  return block
    .split("\n")
    .flatMap((line) => /^npm run pulumi -- ([^#]*?)\s*(#|$)/.exec(line)?.[1] ?? [])
    .map((command) => command.replaceAll("try", stackName).split(" "));
}

/** Runs one of them, which must succeed. */
async function run(command: readonly string[] | undefined): Promise<Run> {
  const done = await project.pulumi(...(command ?? []));
  if (done.exitCode !== 0) throw new Error(`pulumi ${command?.join(" ")} failed:\n${done.text}`);
  return done;
}

async function configure(language: string): Promise<void> {
  for (const [key, value] of Object.entries({ network, bridge }))
    await run(["config", "set", key, value, "--cwd", `examples/${language}`, "--stack", stackName]);
  stack = new LabStack(
    project,
    stackName,
    { lab: { network, bridge }, hosts: [{ name: "host1" }, { name: "host2" }], guests: [], placement: {} },
    project.path(`examples/${language}/.testbed`, stackName),
  );
}

const records = async (language: string) =>
  (await readRecords(project.path(`examples/${language}/results/${stackName}.jsonl`))).records;

// A failed step leaves nothing to go on from.
let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.includes("builds"), "the testbed did not come up"));

test("the YAML program builds a lab by the page's commands", async () => {
  const [init, up] = await commandsOf("YAML");
  await run(init);
  await configure("yaml");
  await run(up);
  expect(await stack.places("vm1")).toEqual({ host1: expect.stringMatching(/^running/) });
  const state = await project.ask("stack", "export", "--cwd", "examples/yaml", "--stack", stackName);
  expect(state).toContain("kvmtestbed:index:Migration");
  expect(state).not.toContain("__provider");
  isUp = true;
});

test("an update that has nothing to do changes nothing", async () => {
  const [, up] = await commandsOf("YAML");
  expect((await run(up)).text).toMatch(/^Resources:\n +\d+ unchanged$/m);
});

test("a mistake is told with its path and what would be right", async () => {
  const [, , set = [], preview = []] = await commandsOf("YAML");
  await run(set.map((word) => (word === "host2" ? "host9" : word)));
  const { exitCode, text } = await project.pulumi(...preview);
  expect(exitCode).not.toBe(0);
  expect(text).toContain("The config of testbed testbed has a mistake; nothing was touched:");
  expect(text).toContain('placement.vm1: there is no host "host9"; hosts are host1 and host2');
});

test("a changed config says in the preview what will move, and the update moves it, told in its resource's row", async () => {
  const [, , set, preview, move] = await commandsOf("YAML");
  await run(set);
  expect((await run(preview)).text).toMatch(
    /kvmtestbed:index:Migration \(vm1-migration\):\s+vm1: moves host1 → host2, live, 512 MiB of memory/,
  );
  expect(await stack.places("vm1")).toEqual({ host1: expect.stringMatching(/^running/) });
  const { text } = await run(move);
  expect(text).toMatch(
    /kvmtestbed:index:Migration \(vm1-migration\):[\s\S]*vm1: moving from host1 to host2[\s\S]*vm1: runs on host2; total/,
  );
  expect(await stack.places("vm1")).toEqual({ host2: expect.stringMatching(/^running/) });
  expect(await records("yaml")).toMatchObject([
    { guest: "vm1", from: "host1", to: "host2", mode: "live", outcome: "completed" },
  ]);
});

test("destroy leaves nothing of it", async () => {
  const [, , , , , destroy] = await commandsOf("YAML");
  await run(destroy);
  await run(["stack", "rm", stackName, "--yes", "--cwd", "examples/yaml"]);
  await expect.poll(() => tracesOf(stackName, bridge, project.folder), { timeout: 30_000 }).toEqual([]);
});

test("the TypeScript program builds the same", async () => {
  isUp = false;
  const [init, up] = await commandsOf("TypeScript");
  await run(init);
  await configure("typescript");
  await run(up);
  expect(await stack.places("vm1")).toEqual({ host1: expect.stringMatching(/^running/) });
  isUp = true;
});

test("a YAML program in its place takes over what it built, restarts nothing, and moves the guest", async () => {
  const folder = project.path("examples/typescript");
  const before = await stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id");
  const own = parse(await readFile(join(folder, "Pulumi.yaml"), "utf8"));
  const yaml = await readFile(project.path("examples/yaml/Pulumi.yaml"), "utf8");
  await writeFile(join(folder, "Pulumi.yaml"), yaml.replace(/^name: .*$/m, `name: ${own.name}`));
  const [, up] = await commandsOf("TypeScript");
  const { text } = await run(up);
  expect(text).not.toMatch(/^ +(\+|-|\+-) \d+ /m);
  expect(await stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id")).toBe(before);
  await run(["config", "set", "host", "host2", "--cwd", "examples/typescript", "--stack", stackName]);
  await run(up);
  expect(await stack.places("vm1")).toEqual({ host2: expect.stringMatching(/^running/) });
  expect(await stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id")).toBe(before);
});

test("destroy leaves nothing of that, either", async () => {
  await run(["destroy", "--cwd", "examples/typescript", "--stack", stackName, "--yes"]);
  await expect.poll(() => tracesOf(stackName, bridge, project.folder), { timeout: 30_000 }).toEqual([]);
});
