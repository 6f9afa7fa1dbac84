import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latencyOf, latencySchema } from "../../../moves/latency.ts";

describe("the latency of some answers", () => {
  const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  test("has the percentiles for which there are enough", () => {
    expect(latencyOf([], 20)).toEqual({ answered: 0, unanswered: 20 });
    expect(latencyOf([7], 1)).toEqual({ answered: 1, unanswered: 0 });
    expect(latencyOf([3, 1], 2)).toEqual({ answered: 2, unanswered: 0, p50Ms: 1 });
    expect(latencyOf(oneTo(99), 100)).toEqual({ answered: 99, unanswered: 1, p50Ms: 50 });
    expect(latencyOf(oneTo(100), 100)).toMatchObject({ p50Ms: 50, p99Ms: 99 });
    expect(latencyOf(oneTo(999), 999)).not.toHaveProperty("p999Ms");
    expect(latencyOf(oneTo(1000).reverse(), 1000)).toMatchObject({ p50Ms: 500, p99Ms: 990, p999Ms: 999 });
  });

  test("is of waits that were measured: no more of them are above a percentile than its name says, and it could be no less", () => {
    const waits = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 1500 });
    fc.assert(
      fc.property(waits, (all) => {
        const latency = latencyOf(all, all.length);
        expect(latencySchema.parse(latency)).toEqual(latency);
        for (const [value, perMille] of [
          [latency.p50Ms, 500],
          [latency.p99Ms, 990],
          [latency.p999Ms, 999],
        ] as const) {
          expect(value === undefined).toBe(all.length * (1000 - perMille) < 1000);
          if (value === undefined) continue;
          const above = (limit: number) => all.filter((ms) => ms > limit).length * 1000;
          expect(all).toContain(value);
          expect(above(value)).toBeLessThanOrEqual(all.length * (1000 - perMille));
          expect(above(value - 1)).toBeGreaterThan(all.length * (1000 - perMille));
        }
      }),
    );
  });
});
