import fc from "fast-check";
import { binomialDistribution, median } from "simple-statistics";
import { describe, expect, it } from "vitest";
import {
  bootstrapMedians,
  medianInterval,
  partialRankCorrelation,
  percentileInterval,
  randomOf,
  resamples,
  summaryOf,
  theilSenSlope,
} from "../../../../report/data/statistics.ts";

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const figures = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 60 });

describe("the interval of a median", () => {
  it("is that of the tables: ranks by number of values (Conover, table of the sign test's intervals)", () => {
    const ranks = [6, 8, 9, 10, 12, 15, 20, 25, 50].map((n) => {
      const { low = 0, high = 0 } = medianInterval(upTo(n)) ?? {};
      return [n, low, high];
    });
    expect(ranks).toEqual([
      [6, 1, 6],
      [8, 1, 8],
      [9, 2, 8],
      [10, 2, 9],
      [12, 3, 10],
      [15, 4, 12],
      [20, 6, 15],
      [25, 8, 18],
      [50, 18, 33],
    ]);
  });

  it("of fewer than six values says how sure it is, and of two says nothing", () => {
    expect(medianInterval(upTo(5))).toEqual({ value: 3, low: 1, high: 5, confidence: 0.9375 });
    expect(medianInterval(upTo(3))).toEqual({
      value: 2,
      low: 1,
      high: 3,
      confidence: expect.closeTo(0.75, 9),
    });
    expect(medianInterval([1, 2])).toBeUndefined();
  });

  it("has at least 95 % from six values on, and no narrower one has", () => {
    for (const n of [6, 7, 11, 30, 101, 400, 1500]) {
      const found = medianInterval(upTo(n));
      const rank = found?.low as number;
      const chances = binomialDistribution(n, 0.5) as number[];
      const missed = (k: number) => 2 * chances.slice(0, k).reduce((sum, one) => sum + one, 0);
      expect(found?.confidence).toBeCloseTo(1 - missed(rank), 9);
      expect(missed(rank)).toBeLessThanOrEqual(0.05);
      expect(missed(rank + 1)).toBeGreaterThan(0.05);
      expect(found?.high).toBe(n + 1 - rank);
    }
  });

  it("has the truth in it as often as it says", () => {
    const random = randomOf(7);
    let had = 0;
    for (let i = 0; i < 2000; i++) {
      // Exponentially distributed: its median is ln 2.
      const { low, high } = medianInterval(
        upTo(12)
          .map(() => -Math.log(1 - random()))
          .sort((a, b) => a - b),
      ) ?? { low: 0, high: 0 };
      if (low <= Math.LN2 && Math.LN2 <= high) had += 1;
    }
    expect(had / 2000).toBeGreaterThan(0.94);
    expect(had / 2000).toBeLessThan(0.98);
  });

  it("lies around the median, within the values", () => {
    fc.assert(
      fc.property(figures, (values) => {
        const summary = summaryOf(values);
        const { low = 0, high = 0, value = 0 } = summary?.interval ?? {};
        expect(value).toBe(median(values));
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(low).toBeGreaterThanOrEqual(summary?.least as number);
        expect(high).toBeLessThanOrEqual(summary?.most as number);
      }),
    );
  });
});

describe("the bootstrap", () => {
  it("draws medians as simple-statistics has them, of few values and of many", () => {
    for (const n of [5, 6, 33, 40]) {
      const draws: number[] = [];
      const random = randomOf(3);
      const told = () => {
        const one = random();
        draws.push(one);
        return one;
      };
      const values = upTo(n).map((i) => i ** 2);
      const medians = bootstrapMedians(values, told);
      expect(medians).toHaveLength(resamples);
      for (const index of [0, 1, 77]) {
        const drawn = draws
          .slice(index * n, (index + 1) * n)
          .map((one) => values[Math.floor(one * n)] as number);
        expect(medians[index]).toBe(median(drawn));
      }
    }
  });

  it("says the same each time", () => {
    expect(bootstrapMedians(upTo(9), randomOf(1))).toEqual(bootstrapMedians(upTo(9), randomOf(1)));
    expect(bootstrapMedians(upTo(9), randomOf(2))).not.toEqual(bootstrapMedians(upTo(9), randomOf(1)));
  });

  it("has an interval of what 95 % of the resamples gave, and none where most gave nothing", () => {
    expect(percentileInterval(50, [...upTo(41), Number.NaN])).toEqual({
      value: 50,
      low: expect.closeTo(2, 9),
      high: expect.closeTo(40, 9),
      confidence: 0.95,
    });
    expect(percentileInterval(1, [Number.NaN, Number.NaN, 1])).toBeUndefined();
    expect(percentileInterval(Number.NaN, [1, 1])).toBeUndefined();
  });
});

describe("a slope and a correlation", () => {
  it("find a line in spite of one wild point", () => {
    const points = [...upTo(9).map((x) => ({ x, y: 3 * x + 1 })), { x: 10, y: 4000 }];
    expect(theilSenSlope(points)).toBe(3);
    expect(
      theilSenSlope([
        { x: 1, y: 1 },
        { x: 1, y: 9 },
      ]),
    ).toBeUndefined();
  });

  it("hold fast what else varies: y follows x, and z only by way of x", () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8];
    const z = [2, 1, 4, 3, 6, 5, 8, 7];
    expect(
      partialRankCorrelation(
        x,
        x.map((one) => one ** 3),
        z,
      ),
    ).toBeCloseTo(1, 9);
    expect(
      Math.abs(
        partialRankCorrelation(
          z,
          x.map((one) => one ** 3),
          x,
        ),
      ),
    ).not.toBeGreaterThan(1e-6);
  });

  it("say nothing where x and z are one, or y does not vary", () => {
    expect(partialRankCorrelation([1, 2, 3], [3, 1, 2], [10, 20, 30])).toBeNaN();
    expect(partialRankCorrelation([1, 2, 3], [5, 5, 5], [1, 3, 2])).toBeNaN();
  });
});
