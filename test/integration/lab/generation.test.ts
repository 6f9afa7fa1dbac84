import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { generation, type ProcessLookup, parseStat } from "../../../lab/generation.ts";

const running: ProcessLookup = (pid) =>
  ({
    "100": { startTime: "5000", command: "systemd" },
    "90": { startTime: "4990", command: "systemd-nspawn" },
    "91": { startTime: "9999", command: "bash" },
  })[pid];

test("a host that never ran is the first generation", () => {
  expect(generation(undefined, running)).toBe(1);
  expect(generation("", running)).toBe(1);
});

test("a living container keeps its generation", () => {
  expect(generation("4 100 5000 90\n", running)).toBe(4);
});

test.each([
  ["its process is gone", "4 101 5000 90"],
  ["another process has its pid since", "4 100 4999 90"],
  ["its supervisor is gone", "4 100 5000 89"],
  ["another program has its supervisor's pid", "4 100 5000 91"],
  ["no supervisor was found when it was started", "4 100 5000 "],
])("a container is dead, and gets the next one, when %s", (_why, sighting) => {
  expect(generation(sighting, running)).toBe(5);
});

test("a process is known by its name and the time it started at; one that has ended is none, though nobody has noticed yet", async () => {
  // A process that does not look after its children.
  const script =
    "const { spawn } = require('node:child_process'); console.log(spawn('sleep', ['0.1']).pid); for (;;);";
  const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  const [printed] = await parent.stdout.take(1).toArray();
  const file = `/proc/${Number(String(printed))}/stat`;
  expect(parseStat(readFileSync(file, "utf8"))).toEqual({
    command: "sleep",
    startTime: expect.stringMatching(/^[1-9]\d+$/),
  });
  await sleep(500);
  expect(readFileSync(file, "utf8")).toContain("(sleep) Z");
  expect(parseStat(readFileSync(file, "utf8"))).toBeUndefined();
  parent.kill("SIGKILL");
  expect(parseStat(undefined)).toBeUndefined();
});
