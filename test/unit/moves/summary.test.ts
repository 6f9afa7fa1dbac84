import { expect, test } from "vitest";
import { phasesOf } from "../../../moves/modes.ts";
import { moveSummary } from "../../../moves/summary.ts";
import { liveRecord, postcopyRecord } from "../helpers/records.ts";

const live = liveRecord();

test("a move fits a screen: where, how, and what it took", () => {
  const { phases, ...flat } = moveSummary(live);
  const { startedAt, mode, from, to, outcome, totalMs, downtimeMs, clientDowntimeMs } = live;
  expect(flat).toEqual({ at: startedAt, mode, from, to, outcome, totalMs, downtimeMs, clientDowntimeMs });
  expect(Object.keys(phases)).toEqual([
    "preparationMs",
    "iterationsMs",
    "stopAndCopyMs",
    "deviceStateMs",
    "completionMs",
  ]);
  expect(JSON.stringify({ ...flat, phases }, undefined, 2).split("\n").length).toBeLessThan(20);
});

test.each([live, postcopyRecord()])("the phases add up to the whole", (record) => {
  const took = Object.values(moveSummary(record).phases);
  expect(took).toHaveLength(record.phases.length);
  expect(took.reduce((sum, each) => sum + each, 0)).toBeCloseTo(record.totalMs, 1);
});

test("what was not measured is absent", () => {
  const { downtimeMs: _down, clientDowntimeMs: _client, ...record } = live;
  const keys = Object.keys(moveSummary({ ...record, phases: [] }));
  expect(keys).not.toContain("downtimeMs");
  expect(keys).not.toContain("clientDowntimeMs");
});

test("phases have names of their own", () => {
  const names = [...new Set(Object.values(phasesOf).flat())];
  const phases = names.map((name, i) => ({ name, startMs: i, endMs: i + 1 }));
  expect(Object.keys(moveSummary({ ...live, phases }).phases)).toHaveLength(names.length);
});
