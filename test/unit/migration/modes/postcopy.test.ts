import { describe, expect, test } from "vitest";
import { dueInMs } from "../../../../migration/modes/postcopy.ts";
import type { MigrationOptions } from "../../../../moves/options.ts";

const isDue = (...args: Parameters<typeof dueInMs>) => dueInMs(...args) === 0;

describe("post-copy's time", () => {
  const due = (options: Omit<MigrationOptions, "mode">, pass: number, activeForMs = 0) =>
    isDue({ mode: "hybrid", ...options }, { active: true, pass, activeForMs });

  test("has not come before memory is sent, in any mode", () => {
    for (const mode of ["postcopy", "hybrid"] as const) {
      expect(isDue({ mode }, { active: false, pass: 9, activeForMs: 1e6 })).toBe(false);
    }
  });

  test("comes at once where there is to be no pre-copy", () => {
    expect(isDue({ mode: "postcopy" }, { active: true, pass: 0, activeForMs: 0 })).toBe(true);
  });

  test("comes after one pass, or as many as are asked for", () => {
    expect([due({}, 1), due({}, 2)]).toEqual([false, true]);
    const three = { hybrid: { afterPasses: 3 } };
    expect([due(three, 3), due(three, 4)]).toEqual([false, true]);
  });

  test("comes after a time, however many passes that is", () => {
    const second = { hybrid: { afterMs: 1000 } };
    expect([due(second, 8, 999), due(second, 1, 1000)]).toEqual([false, true]);
  });

  test("is looked for again when it comes by time, and not before", () => {
    const inMs = (hybrid: MigrationOptions["hybrid"], activeForMs: number) =>
      dueInMs({ mode: "hybrid", ...(hybrid && { hybrid }) }, { active: true, pass: 1, activeForMs });
    expect(inMs({ afterMs: 1000 }, 300)).toBe(700);
    expect(inMs({ afterPasses: 2, afterMs: 1000 }, 999)).toBe(1);
    expect(inMs({ afterPasses: 2 }, 1e9)).toBe(Number.POSITIVE_INFINITY);
  });

  test("comes after whichever is first", () => {
    const both = { hybrid: { afterPasses: 2, afterMs: 1000 } };
    expect([due(both, 1, 1000), due(both, 3, 1), due(both, 2, 999)]).toEqual([true, true, false]);
  });
});
