import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { type Dataset, datasetOf, readDataset } from "../../../../report/data/dataset.ts";
import { driftsIn, driftWarnings, holm } from "../../../../report/data/drift.ts";
import { randomOf } from "../../../../report/data/statistics.ts";
import { pageOf } from "../../../../report/page/page.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";

/** A run of so many blocks, with the factor by which each move's total differs from its cell's. */
function runWith(repeats: number, factorOf: (place: number, mode: string) => number): Dataset {
  const { head, moves } = syntheticRun(repeats);
  const changed = moves.map((move, place) => {
    const { record } = move;
    const totalMs = (9000 + record.memoryMiB) * factorOf(place, record.mode);
    return record.mode === "offline"
      ? {
          ...move,
          record: {
            ...record,
            totalMs,
            downtimeMs: totalMs / 2,
            phases: record.phases.map((phase, index) => ({
              ...phase,
              startMs: (index * totalMs) / 3,
              endMs: ((index + 1) * totalMs) / 3,
            })),
          },
        }
      : { ...move, isWarmUp: true };
  });
  return datasetOf([{ file: "run.jsonl", text: fileOf({ head, moves: changed, failures: [] }) }]);
}

/** Skewed, as times are. */
const noiseOf = (seed: number) => {
  const random = randomOf(seed);
  return () => 1 + 0.05 * (random() + random() ** 4 - 0.7);
};

describe("the order of a run's moves", () => {
  it("shows the two regimes of the run that was published, where the machine's other work ended", async () => {
    const paper = join(
      import.meta.dirname,
      "..",
      "..",
      "..",
      "..",
      "docs",
      "paper",
      "20261123T230634Z.jsonl",
    );
    const dataset = await readDataset([paper]);
    const [drift] = driftsIn(dataset);
    expect(drift?.residuals).toHaveLength(100);
    expect(drift?.tests.map(({ name, p }) => [name, p < 0.01])).toEqual([
      ["step", true],
      ["runs", true],
      ["lag-1 correlation", true],
    ]);
    expect(drift?.step?.from.record.startedAt).toMatch(/^2026-11-24T00:1[5-9]/);
    expect(Math.abs(drift?.step?.correlationWithin ?? 1)).toBeLessThan(0.1);
    expect(drift?.step?.ratios).toMatchObject([
      { mode: "offline", agreeing: 10, cells: 10 },
      { mode: "live", cells: 10 },
    ]);
    expect(drift?.step?.ratios[0]?.ratio).toBeLessThan(0.9);
    const report = reportOf(dataset);
    expect(report.warnings).toEqual([expect.stringContaining("the run falls into two: from move 50 on")]);
    expect(pageOf(report)).toMatch(/<p class="warning"[^>]*>.*the run falls into two/);
  });

  it("is what the tables in the terminal begin with, too", async () => {
    const project = join(import.meta.dirname, "..", "..", "..", "..");
    const args = ["report/results-cli.ts", "docs/paper/20261123T230634Z.jsonl", "--last", "1", "--moves"];
    const { stdout } = await execa("node", args, { cwd: project });
    expect(stdout.indexOf("Mind: the run falls into two")).toBeGreaterThan(0);
    expect(stdout.indexOf("Mind: ")).toBeLessThan(stdout.indexOf("TMT ms"));
  });

  it("says nothing of repeats that chance alone tells apart, but for as many as its level says", () => {
    let warned = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const noise = noiseOf(seed);
      if (driftWarnings(driftsIn(runWith(6, () => noise()))).length > 0) warned += 1;
    }
    // Of 60 with 5 % each: more than 8 would be by chance once in a hundred.
    expect(warned).toBeLessThanOrEqual(8);
  });

  it("finds a step of a tenth, and where it is", () => {
    for (const seed of [1, 2, 3]) {
      const noise = noiseOf(seed);
      const dataset = runWith(6, (place) => noise() * (place < 70 ? 1.1 : 1));
      const [drift] = driftsIn(dataset);
      expect(Math.abs((drift?.step?.from.number ?? 0) - 71)).toBeLessThanOrEqual(4);
      expect(drift?.step?.ratios[0]?.ratio).toBeGreaterThan(0.87);
      expect(drift?.step?.ratios[0]?.ratio).toBeLessThan(0.95);
    }
  });

  it("finds a slow wave, which is no step", () => {
    const noise = noiseOf(4);
    const [drift] = driftsIn(runWith(8, (place) => noise() + 0.06 * Math.sin(place / 6)));
    expect(drift?.tests.find(({ name }) => name === "lag-1 correlation")?.p).toBeLessThan(0.01);
  });

  it("takes one far move for one far move", () => {
    const noise = noiseOf(5);
    const dataset = runWith(6, (place) => noise() * (place === 40 ? 4 : 1));
    expect(driftWarnings(driftsIn(dataset))).toEqual([]);
  });

  it("is nothing in a stack's file, or where there are few moves", () => {
    const { moves } = syntheticRun(6);
    const text = moves.map(({ record }) => `${JSON.stringify(record)}\n`).join("");
    expect(driftsIn(datasetOf([{ file: "lab.jsonl", text }]))).toEqual([]);
    expect(driftsIn(runWith(1, () => 1))).toEqual([]);
  });

  it("tells which versions made the moves, where lines say so", () => {
    const { head, moves } = syntheticRun(6);
    const ofTwo = moves.map((move, index) => ({ ...move, version: index < 50 ? "aaaa" : "bbbb" }));
    const dataset = datasetOf([{ file: "run.jsonl", text: fileOf({ head, moves: ofTwo, failures: [] }) }]);
    expect(driftsIn(dataset)[0]?.versions).toEqual([
      { version: "aaaa", from: 11 },
      { version: "bbbb", from: 51 },
    ]);
    expect(driftWarnings(driftsIn(dataset)).join()).toContain("made by 2 versions of this project");
  });
});

describe("Holm's correction", () => {
  it("is as in his paper's rule: the least times all of them, and never less than a lesser one", () => {
    const corrected = holm([0.01, 0.04, 0.03]);
    for (const [index, p] of [0.03, 0.06, 0.06].entries()) expect(corrected[index]).toBeCloseTo(p, 9);
    expect(holm([0.5, 0.9])).toEqual([1, 1]);
  });
});
