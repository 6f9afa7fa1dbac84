import { expect, test } from "vitest";
import { type Workload, workloadFiles, workloadPackages, workloadSchema } from "../../../guests/workload.ts";
import { workloadMisfit } from "../../../guests/workload-memory.ts";
import { programPackages } from "../../../images/programs.ts";

test("workloads are checked", () => {
  const bad = [
    { type: "memory", mibPerSecond: 0, workingSetMiB: 1 },
    { type: "memory", mibPerSecond: 1, workingSetMiB: 1.5 },
    { type: "memory", mibPerSecond: 1 },
    { type: "disk" },
    { type: "cpu", mibPerSecond: 1 },
    { type: "network" },
    { type: "python", workingSetMiB: 0 },
    { type: "python", queriesPerSecond: 5 },
    { type: "mysql", bufferPoolMiB: 4 },
    { type: "mysql", rows: 10 },
    { type: "mysql", clients: 0 },
    { type: "mysql", queriesPerSecond: 0 },
    { type: "office", pages: 0.5 },
    { type: "office", rows: 2_000_000 },
  ];
  for (const workload of bad)
    expect(workloadSchema.safeParse(workload).success, JSON.stringify(workload)).toBe(false);
  expect(workloadSchema.parse({ type: "disk", mibPerSecond: 0.5 })).toEqual({
    type: "disk",
    mibPerSecond: 0.5,
  });
});

test("what a workload is by default is told; a rate is there only when it was asked for", () => {
  expect(workloadSchema.parse({ type: "python" })).toEqual({ type: "python", workingSetMiB: 64 });
  expect(workloadSchema.parse({ type: "mysql", queriesPerSecond: 200 })).toEqual({
    type: "mysql",
    bufferPoolMiB: 64,
    rows: 100_000,
    clients: 4,
    queriesPerSecond: 200,
  });
  expect(workloadSchema.parse({ type: "office" })).toEqual({ type: "office", pages: 10, rows: 500 });
});

test("a size must leave the system and the program their memory", () => {
  const memory: Workload = { type: "memory", mibPerSecond: 1, workingSetMiB: 320 };
  expect(workloadMisfit(memory, 512)).toBeUndefined();
  expect(workloadMisfit(memory, 511)).toMatchObject({
    key: "workingSetMiB",
    problem: expect.stringMatching(/320 MiB.*511 MiB: at most 319 MiB/),
  });
  expect(workloadMisfit({ type: "cpu" }, 64)).toBeUndefined();
  const mysql = workloadSchema.parse({ type: "mysql", bufferPoolMiB: 128 });
  const leastMiB = 128 + 192 + 128;
  expect(workloadMisfit(mysql, leastMiB)).toBeUndefined();
  expect(workloadMisfit(mysql, leastMiB - 1)).toMatchObject({ key: "bufferPoolMiB" });
  const office = workloadSchema.parse({ type: "office" });
  expect(workloadMisfit(office, 552)).toBeUndefined();
  expect(workloadMisfit(office, 384)).toEqual({
    problem: "LibreOffice does not fit into a guest of 384 MiB: it and the system need 552 MiB",
    fix: "give the guest at least 552 memoryMiB",
  });
});

test("the settings in the guest are the workload's, where it reports, and what it needs of packages", () => {
  const settingsOf = (workload: Workload) =>
    JSON.parse(workloadFiles(workload).find(({ path }) => path.endsWith(".json"))?.content ?? "");
  const mysql = workloadSchema.parse({ type: "mysql" });
  expect(settingsOf(mysql)).toEqual({
    ...mysql,
    directory: "/var/lib/testbed/workload",
    progress: "/run/testbed/progress.jsonl",
    packages: programPackages.mysql,
  });
  expect(settingsOf({ type: "cpu" }).packages).toEqual([]);
  expect(workloadPackages({ type: "idle" })).toEqual([]);
});

test("each workload's files are there, with every module that they import", () => {
  const types = ["memory", "cpu", "disk", "python", "mysql", "office"] as const;
  const settings = { mibPerSecond: 1, workingSetMiB: 8 };
  for (const type of types) {
    const asked = type === "memory" ? settings : type === "disk" ? { mibPerSecond: 1 } : {};
    const files = workloadFiles(workloadSchema.parse({ type, ...asked }));
    const names = files.map(({ path }) => path.replace(/^.*\//, ""));
    expect(names).toContain(`${type}.py`);
    const imported = files.flatMap(({ path, content }) =>
      path.endsWith(".py") ? [...content.matchAll(/^from (pace|progress|packages) import/gm)] : [],
    );
    expect(imported.length).toBeGreaterThan(0);
    for (const [, name] of imported) expect(names, type).toContain(`${name}.py`);
  }
});
