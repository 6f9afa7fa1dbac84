import { symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ExampleProgram } from "./example-program.ts";

const root = resolve(import.meta.dirname, "../..");

let program: ExampleProgram;

beforeAll(async () => {
  const place = { network: "10.77.41.0/24", bridge: "lab-provider" };
  program = await ExampleProgram.copied("yaml", "provider-test", place);
  await symlink(join(root, "plugin"), program.project.path("plugin"));
});

afterAll(() => program.remove());

// A failed step leaves nothing to go on from.
let isUp = false;
beforeEach(({ skip, task }) => skip(!isUp && !task.name.includes("builds"), "the testbed did not come up"));

test("the YAML program builds a lab by the page's commands", async () => {
  const [init, up] = await program.commandsOf("YAML");
  await program.run(init);
  await program.configure();
  await program.run(up);
  expect(await program.stack.places("vm1")).toEqual({ host1: expect.stringMatching(/^running/) });
  const { text: state } = await program.runPlain("stack", "export");
  expect(state).toContain("kvmtestbed:index:Migration");
  expect(state).not.toContain("__provider");
  isUp = true;
});

test("an update that has nothing to do changes nothing", async () => {
  const [, up] = await program.commandsOf("YAML");
  expect((await program.run(up)).text).toMatch(/^Resources:\n +\d+ unchanged$/m);
});

test("a mistake is told with its path and what would be right", async () => {
  const [, , set = [], preview = []] = await program.commandsOf("YAML");
  await program.run(set.map((word) => (word === "host2" ? "host9" : word)));
  const { exitCode, text } = await program.project.pulumi(...preview);
  expect(exitCode).not.toBe(0);
  expect(text).toContain("The config of testbed testbed has a mistake; nothing was touched:");
  expect(text).toContain('placement.vm1: there is no host "host9"; hosts are host1 and host2');
});

test("a changed config says in the preview what will move, and the update moves it, told in its resource's row", async () => {
  const [, , set, preview, move] = await program.commandsOf("YAML");
  await program.run(set);
  expect((await program.run(preview)).text).toMatch(
    /kvmtestbed:index:Migration \(vm1-migration\):\s+vm1: moves host1 → host2, live, 512 MiB of memory/,
  );
  expect(await program.stack.places("vm1")).toEqual({ host1: expect.stringMatching(/^running/) });
  const { text } = await program.run(move);
  expect(text).toMatch(
    /kvmtestbed:index:Migration \(vm1-migration\):[\s\S]*vm1: moving from host1 to host2[\s\S]*vm1: runs on host2; total/,
  );
  expect(await program.stack.places("vm1")).toEqual({ host2: expect.stringMatching(/^running/) });
  expect(await program.records()).toMatchObject([
    { guest: "vm1", from: "host1", to: "host2", mode: "live", outcome: "completed" },
  ]);
});

test("destroy leaves nothing of it", async () => {
  const [, , , , , destroy] = await program.commandsOf("YAML");
  await program.run(destroy);
  await program.runPlain("stack", "rm", "--yes");
  await expect.poll(() => program.traces(), { timeout: 30_000 }).toEqual([]);
});
