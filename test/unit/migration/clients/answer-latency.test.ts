import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latencyAround } from "../../../../migration/clients/answer-latency.ts";
import type { ProbeAnswer } from "../../../../migration/clients/silence.ts";

/** Questions every 5 ms from 0 to 3 s, answered after 1 ms; none of those sent while the guest stands still. */
const answersAround = (stopMs: number, runMs: number, late = 0): ProbeAnswer[] =>
  Array.from({ length: 600 }, (_, i) => i * 5)
    .filter((sentMs) => sentMs < stopMs || sentMs >= runMs)
    .map((sentMs) => ({
      protocol: sentMs % 10 === 0 ? ("icmp" as const) : ("tcp" as const),
      sentMs,
      arrivedMs: sentMs + (sentMs >= runMs && sentMs < runMs + 50 ? 1 + late : 1),
    }));

describe("a client's latency around the switchover", () => {
  it("is the longest wait of each step, with nothing where nothing was answered", () => {
    const { stepMs, steps } = latencyAround(
      answersAround(1000, 1200, 80),
      1000,
      { startMs: 996, endMs: 1281 },
      5,
    );
    expect(stepMs).toBe(Math.ceil((300 + 281 + 900) / 40));
    const before = steps.filter(({ atMs }) => atMs + stepMs <= 0);
    expect(before[0]?.atMs).toBe(-300);
    expect(before.map(({ worstMs }) => worstMs)).toEqual(before.map(() => 1));
    // A step that began before the guest ran again may have questions from after that.
    expect(steps.filter(({ atMs }) => atMs >= 0 && atMs + stepMs <= 200)).toEqual([]);
    expect(Math.max(...steps.map(({ worstMs }) => worstMs))).toBe(81);
    expect(steps.at(-1)?.worstMs).toBe(1);
  });

  it("is told by few steps, in their order, however long the guest was away", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1500 }), (awayMs) => {
        const { stepMs, steps } = latencyAround(
          answersAround(1000, 1000 + awayMs),
          1000,
          { startMs: 996, endMs: 1001 + awayMs },
          5,
        );
        expect(steps.length).toBeLessThanOrEqual(41);
        expect(stepMs).toBeGreaterThanOrEqual(10);
        for (const [index, { atMs }] of steps.entries()) {
          const next = steps[index + 1];
          if (next) expect(Math.round((next.atMs - atMs) * 10) % Math.round(stepMs * 10)).toBe(0);
          if (next) expect(next.atMs).toBeGreaterThan(atMs);
        }
      }),
    );
  });

  it("is nothing of a guest that never answered", () => {
    expect(latencyAround([], 1000, { startMs: 990, endMs: 1100 }, 5).steps).toEqual([]);
  });
});
