import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Workload, workloadFiles } from "../../../guests/workload.ts";

// The programs themselves, as guests run them, under this machine's Python. What needs packages (mysql, office) is tried in guests.

let folder: string;
const file = (name: string, own = folder) => join(own, name);
const progressFile = (own = folder) => file("progress.jsonl", own);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "workload-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a workload's files, with its data and its progress in the test's own folder. */
function install(workload: Workload, more: object = {}, own = folder): string {
  for (const { path, content } of workloadFiles(workload)) {
    if (/\.(py|lua)$/.test(path)) writeFileSync(file(basename(path), own), content);
  }
  const settings = { ...workload, directory: file("data", own), progress: progressFile(own), ...more };
  writeFileSync(file("workload.json", own), JSON.stringify(settings));
  return file("main.py", own);
}

interface Line {
  at: number;
  monotonic: number;
  operations: number;
  unit: string;
}

const linesIn = (own: string): Line[] => {
  try {
    const text = readFileSync(progressFile(own), "utf8");
    return text.split("\n").flatMap((line) => (line ? [JSON.parse(line) as Line] : []));
  } catch {
    return [];
  }
};

/** Runs a workload until it has written so many lines. */
async function runUntil(workload: Workload, count: number): Promise<Line[]> {
  const own = mkdtempSync(join(folder, workload.type));
  const main = install(workload, {}, own);
  const settings = file("workload.json", own);
  const program = spawn("python3", [main, "run", settings], { stdio: "ignore", detached: true });
  try {
    for (let waited = 0; linesIn(own).length < count && waited < 200; waited++) await setTimeout(100);
  } finally {
    // With the processes that it made.
    process.kill(-(program.pid as number), "SIGKILL");
  }
  return linesIn(own);
}

test("each workload counts what it gets done, a line a second, at no more than the rate that was asked for", async () => {
  const recordsPerSecond = 400;
  const workloads: [Workload, string][] = [
    [{ type: "memory", mibPerSecond: 8, workingSetMiB: 8 }, "MiB"],
    [{ type: "cpu" }, "rounds"],
    [{ type: "disk", mibPerSecond: 1 }, "records"],
    [{ type: "python", workingSetMiB: 4, recordsPerSecond }, "records"],
  ];
  const counted = await Promise.all(workloads.map(([workload]) => runUntil(workload, 3)));
  for (const [index, [workload, unit]] of workloads.entries()) {
    const [first, ...rest] = counted[index] as [Line, ...Line[]];
    const last = rest.at(-1) as Line;
    const operations = rest.reduce((sum, line) => sum + line.operations, 0);
    expect(first.unit).toBe(unit);
    expect(operations, workload.type).toBeGreaterThan(0);
    expect(last.monotonic).toBeGreaterThan(first.monotonic);
    expect(Math.abs(first.at * 1000 - Date.now())).toBeLessThan(60_000);
    // What a pause may be made up for, and a batch more at the most.
    const most = (rate: number, batch: number) => rate * (last.monotonic - first.monotonic + 0.25) + batch;
    if (workload.type === "memory") expect(operations).toBeLessThanOrEqual(most(8, 4));
    if (workload.type === "python") expect(operations).toBeLessThanOrEqual(most(recordsPerSecond, 100));
  }
}, 30_000);

test("one that is stopped for a while, as between two moves of an experiment, goes on counting", async () => {
  const main = install({ type: "memory", mibPerSecond: 8, workingSetMiB: 8 });
  const program = spawn("python3", [main, "run", file("workload.json")], { stdio: "ignore", detached: true });
  const until = async (count: number) => {
    for (let waited = 0; linesIn(folder).length < count && waited < 100; waited++) await setTimeout(100);
    expect(linesIn(folder).length).toBeGreaterThanOrEqual(count);
  };
  try {
    await until(1);
    for (let stops = 0; stops < 2; stops++) {
      process.kill(program.pid as number, "SIGSTOP");
      const count = linesIn(folder).length;
      // Longer than from one line to the next but one.
      await setTimeout(2_500);
      process.kill(program.pid as number, "SIGCONT");
      await until(count + 2);
    }
  } finally {
    process.kill(-(program.pid as number), "SIGKILL");
  }
}, 60_000);

const progressTest = `
import json, sys
from progress import ProgressFile
path, kept, spare, count = sys.argv[1], *map(int, sys.argv[2:])
file = ProgressFile(path, kept, spare)
longest = 0
for number in range(count):
    file.append({"at": number})
    longest = max(longest, sum(1 for _ in open(path)))
print(json.dumps([longest, [json.loads(line)["at"] for line in open(path)]]))
`;
const written = (kept: number, spare: number, count: number): [number, number[]] => {
  install({ type: "cpu" });
  const program = ["-c", progressTest, progressFile(), kept, spare, count].map(String);
  return JSON.parse(execFileSync("python3", program, { cwd: folder, encoding: "utf8" }));
};

test("the file keeps the latest lines and never grows beyond its bound", () => {
  const [longest, kept] = written(10, 4, 57);
  expect(longest).toBeLessThanOrEqual(14);
  expect(kept.length).toBeGreaterThanOrEqual(10);
  expect(kept).toEqual(kept.map((_, index) => 57 - kept.length + index));
});

test("a restart goes on with the file, without the line that it was cut off in", () => {
  writeFileSync(progressFile(), '{"at": 100}\n{"at": 101}\n{"at": 1');
  expect(written(10, 4, 2)[1]).toEqual([100, 101, 0, 1]);
});

test("what a workload needs and cannot get is said where the one who waits for it reads it", () => {
  const main = install({ type: "cpu" }, { packages: ["no-such-package"] });
  writeFileSync(file("apt-get"), "#!/bin/sh\necho 'E: Could not resolve archive'\nexit 100\n", {
    mode: 0o755,
  });
  writeFileSync(file("dpkg-query"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  expect(() =>
    execFileSync("python3", [main, "run", file("workload.json")], { env, stdio: "ignore" }),
  ).toThrow();
  const problem = readFileSync(file("problem"), "utf8");
  expect(problem).toContain("has not got no-such-package");
  expect(problem).toContain("apt-get update: E: Could not resolve archive");
  expect(problem).toContain("image.source: debian-12");
});

test("what kept an earlier try from its work is gone once a later one gets to it", async () => {
  const main = install({ type: "cpu" }, { packages: [] });
  writeFileSync(file("problem"), "no route to the archive\n");
  const program = spawn("python3", [main, "run", file("workload.json")], { stdio: "ignore", detached: true });
  try {
    for (let waited = 0; linesIn(folder).length < 1 && waited < 100; waited++) await setTimeout(100);
    expect(linesIn(folder)).not.toHaveLength(0);
    expect(existsSync(file("problem"))).toBe(false);
  } finally {
    process.kill(-(program.pid as number), "SIGKILL");
  }
}, 30_000);

interface Verified {
  acknowledged: number;
  checked: number;
  lost: number;
  problems: string[];
}

test("the disk workload goes on after a kill, and its check finds a write that was lost", () => {
  const main = install({ type: "disk", mibPerSecond: 4 });
  const data = file("data");
  const run = () => {
    try {
      execFileSync("timeout", ["-s", "KILL", "0.7", "python3", main, "run", file("workload.json")]);
    } catch {} // killed, as by a power cut
  };
  const verify = (): { status: number; result: Verified } => {
    try {
      return {
        status: 0,
        result: JSON.parse(execFileSync("python3", [main, "verify", data], { encoding: "utf8" })),
      };
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string };
      return { status, result: JSON.parse(stdout) };
    }
  };
  run();
  run();
  // On a busy machine it may be killed before it has written anything.
  for (let more = 0; more < 20 && verify().result.acknowledged <= 5; more++) run();

  const whole = verify();
  expect(whole.status).toBe(0);
  expect(whole.result.acknowledged).toBeGreaterThan(5);
  expect(whole.result).toMatchObject({
    checked: whole.result.acknowledged,
    outdated: 0,
    lost: 0,
    problems: [],
  });

  const segment = join(data, "segment-000000");
  const bytes = readFileSync(segment);
  bytes.fill(0, 3 * 65536, 3 * 65536 + 4096);
  writeFileSync(segment, bytes);
  const broken = verify();
  expect(broken.status).toBe(1);
  expect(broken.result.lost).toBe(1);
  expect(broken.result.problems[0]).toContain("record 3");
}, 60_000);
