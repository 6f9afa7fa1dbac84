import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { ExampleProgram } from "../lab/example-program.ts";

const root = resolve(import.meta.dirname, "../..");

let program: ExampleProgram;

beforeAll(async () => {
  const place = { network: "10.77.43.0/24", bridge: "lab-typescript" };
  program = await ExampleProgram.copied("typescript", "typescript-test", place);
  await symlink(join(root, "plugin"), program.project.path("plugin"));
  // As npm would install it.
  await mkdir(program.path("node_modules"));
  await symlink(root, program.path("node_modules/kvm-migration-testbed"));
  await symlink(join(root, "node_modules/@pulumi"), program.path("node_modules/@pulumi"));
});

afterAll(() => program.remove());

// A failed step leaves nothing to go on from.
let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.includes("builds"), "the testbed did not come up"));

test("the TypeScript program builds a lab by the page's commands", async () => {
  const [init, up] = await program.commandsOf("TypeScript");
  await program.run(init);
  await program.configure();
  await program.run(up);
  expect(await program.stack.places("vm1")).toEqual({ host1: expect.stringMatching(/^running/) });
  isUp = true;
});

test("a YAML program in its place takes over what it built, restarts nothing, and moves the guest", async () => {
  const bootId = () => program.stack.inGuest("vm1", "cat /proc/sys/kernel/random/boot_id");
  const before = await bootId();
  const own = parse(await readFile(program.path("Pulumi.yaml"), "utf8"));
  const yaml = await readFile(join(root, "examples/yaml/Pulumi.yaml"), "utf8");
  await writeFile(program.path("Pulumi.yaml"), yaml.replace(/^name: .*$/m, `name: ${own.name}`));
  const [, up] = await program.commandsOf("TypeScript");
  const { text } = await program.run(up);
  expect(text).not.toMatch(/^ +(\+|-|\+-) \d+ /m);
  expect(await bootId()).toBe(before);
  await program.runPlain("config", "set", "host", "host2");
  await program.run(up);
  expect(await program.stack.places("vm1")).toEqual({ host2: expect.stringMatching(/^running/) });
  expect(await bootId()).toBe(before);
});

test("destroy leaves nothing of it", async () => {
  await program.runPlain("destroy", "--yes");
  await expect.poll(() => program.traces(), { timeout: 30_000 }).toEqual([]);
});
