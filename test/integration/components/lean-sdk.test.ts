import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";

// In a process of its own: what a module loads can be seen once.
const script = join(import.meta.dirname, "load-sdk.ts");

test("what the SDK has for other programs is loaded when it is asked for", { timeout: 60_000 }, async () => {
  const { stdout } = await execa(process.execPath, [script]);
  const {
    atFirst,
    serialises,
    hasCodePaths,
    runsStacks,
    afterwards,
    stack,
    stackOfPromise,
    calledFrom,
    sent,
  } = JSON.parse(stdout);
  expect(atFirst).toEqual([]);
  expect(serialises).toBe(true);
  expect(hasCodePaths).toBe(true);
  expect(runsStacks).toBe("function");
  expect(afterwards).toBeGreaterThan(10);
  // An error still says where it arose, without source-map-support.
  expect(stack).toMatch(/load-sdk\.ts:\d+:\d+/);
  expect(stackOfPromise).toBe("Error");
  expect(calledFrom).toEqual([]);
  expect(sent).toEqual(["told"]);
});

test("what the SDK has for those who debug it is there for them", { timeout: 60_000 }, async () => {
  const { stdout } = await execa(process.execPath, [script], { env: { NODE_DEBUG: "pulumi" } });
  const { stackOfPromise, calledFrom, sent } = JSON.parse(stdout);
  expect(stackOfPromise).toMatch(/load-sdk\.ts:\d+:\d+/);
  expect(calledFrom).toContainEqual(expect.stringMatching(/resource\.js$/));
  expect(sent.slice(0, 2)).toEqual(["debugged", "told"]);
});
