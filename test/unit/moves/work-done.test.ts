import { describe, expect, test } from "vitest";
import { type WorkLine, workDone } from "../../../moves/work-done.ts";

/** What a guest writes every quarter of a second, by its clock. */
const lines: WorkLine[] = [100, 100.25, 100.5, 100.75].map((at) => ({ at, operations: 4, unit: "MiB" }));

describe("a workload's log on the clock of a move", () => {
  test("has the time for which its guest stood still, with nothing done in it", () => {
    const times = { stoppedMs: 300, resumedMs: 700, offsetBeforeMs: 100_000, offsetAfterMs: 99_600 };
    expect(workDone(lines, times)).toEqual([
      { atMs: 0, operations: 0 },
      { atMs: 250, operations: 4 },
      expect.objectContaining({ atMs: 300, operations: expect.closeTo(4.8) }),
      expect.objectContaining({ atMs: 700, operations: expect.closeTo(4.8) }),
      { atMs: 900, operations: 8 },
      { atMs: 1150, operations: 12 },
    ]);
  });

  test("of a guest that never stopped goes on evenly", () => {
    const never = { stoppedMs: Number.POSITIVE_INFINITY, resumedMs: Number.POSITIVE_INFINITY };
    const times = { ...never, offsetBeforeMs: 100_000, offsetAfterMs: 100_000.3 };
    expect(workDone(lines, times)).toEqual([
      { atMs: 0, operations: 0 },
      { atMs: 250, operations: 4 },
      { atMs: 500, operations: 8 },
      { atMs: 750, operations: 12 },
    ]);
  });
});
