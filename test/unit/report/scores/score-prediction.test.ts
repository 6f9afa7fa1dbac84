import { describe, expect, test } from "vitest";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { scorePrediction, summarise } from "../../../../report/scores/score-prediction.ts";
import { predictedMovesTable, scoreTable } from "../../../../report/scores/score-table.ts";
import { liveRecord, postcopyRecord } from "../../helpers/records.ts";

const predicted: NonNullable<MigrationRecord["predicted"]> = {
  totalMs: 1650,
  downtimeMs: 161,
  passes: 3,
  converges: true,
  range: { totalMs: [1400, 1800], downtimeMs: [100, 200], passes: [2, 4] },
};

describe("the score of a prediction", () => {
  test("is how far off it was, of what was measured", () => {
    expect(scorePrediction(liveRecord({ predicted }))).toEqual({
      totalMs: expect.closeTo(0.1),
      downtimeMs: expect.closeTo(1),
      passes: 1,
      convergesRight: true,
      isTotalWithin: true,
      isDowntimeWithin: false,
    });
    expect(scorePrediction(liveRecord())).toBeUndefined();
  });

  test("of an older record, without ranges, is silent about them", () => {
    const { range: _, ...old } = predicted;
    expect(scorePrediction(liveRecord({ predicted: old }))).not.toHaveProperty("isTotalWithin");
  });

  test("knows a pre-copy that did not converge", () => {
    const right = (changes: Partial<MigrationRecord>, converges = false) =>
      scorePrediction(liveRecord({ predicted: { ...predicted, converges }, ...changes }))?.convergesRight;
    const failed: Partial<MigrationRecord> = { outcome: "rolled-back", totalMs: 30_500, phases: [] };
    expect(right({ ...failed, options: { timeoutMs: 30_000 } })).toBe(true);
    expect(right({ ...failed, options: { timeoutMs: 60_000 } })).toBeUndefined();
    expect(right({ phases: postcopyRecord().phases })).toBe(true);
    expect(right({ options: { onTimeout: "suspend", timeoutMs: 1000 } })).toBe(true);
    expect(right({ options: { onTimeout: "suspend", timeoutMs: 60_000 } })).toBe(false);
    expect(right({ mode: "hybrid" })).toBeUndefined();
  });

  test("of one that failed is no score of its times", () => {
    const failed = liveRecord({ outcome: "failed", error: "no", predicted });
    expect(scorePrediction(failed)).toEqual({});
  });
});

test("many scores: the middle error, the 90th percentile, and how often it was right", () => {
  const scores = [-0.1, 0.2, -0.3, 0.4, 0.05].map((totalMs, index) => ({
    totalMs,
    convergesRight: index > 0,
  }));
  const summary = summarise(scores);
  expect(summary).toMatchObject({ moves: 5, convergesRight: [4, 5], totalWithin: [0, 0] });
  expect(summary.totalMs).toEqual({ median: 0.2, p90: expect.closeTo(0.36) });
  expect(summary).not.toHaveProperty("downtimeMs");
  expect(scoreTable([{ title: "pre-copy", summary }])).toMatch(/pre-copy .* 20\.0 % .* 36.0 % .*–.* 4 of 5/);
});

test("a table has the predictions beside what was, and nothing where none was made", () => {
  expect(predictedMovesTable([liveRecord()])).toBe("");
  const table = predictedMovesTable([liveRecord(), liveRecord({ predicted })]);
  expect(table).toMatch(/│ 2 │ vm1 .*1650 .*1400–1800 .*1500 .*\+10 %.*161 .*80\.5 .*\+100 %.*3 \/ 2/);
});
