import fc from "fast-check";
import { binomialDistribution, median } from "simple-statistics";
import { describe, expect, it } from "vitest";
import { resampledMedians } from "../../../../report/data/resampling.ts";
import { commonSlope, discordantChances, slopeInterval } from "../../../../report/data/slope.ts";
import {
  medianInterval,
  percentileInterval,
  randomOf,
  resamples,
  summaryOf,
} from "../../../../report/data/statistics.ts";
import { ratioOfSamples } from "../../../../report/data/two-samples.ts";

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
  const samplesOf = (values: readonly number[], block?: (index: number) => string) =>
    values.map((value, index) => ({ value, ...(block && { block: block(index) }) }));

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
      const [medians = []] = resampledMedians([samplesOf(values)], told, 100);
      expect(medians).toHaveLength(100);
      for (const index of [0, 1, 77]) {
        const drawn = draws
          .slice(index * n, (index + 1) * n)
          .map((one) => values[Math.floor(one * n)] as number);
        expect(medians[index]).toBe(median(drawn));
      }
    }
  });

  it("draws whole blocks, the same for all cells, where a run has them", () => {
    const [one = [], other = []] = resampledMedians(
      [samplesOf([10, 20, 30, 40, 50], (i) => `${i}`), samplesOf([110, 120, 130, 140, 150], (i) => `${i}`)],
      randomOf(1),
      200,
    );
    expect([...other].map((value) => value - 100)).toEqual([...one]);
    expect(new Set(one).size).toBeGreaterThan(3);
    const [alone = [], apart = []] = resampledMedians(
      [samplesOf([10, 20, 30, 40, 50]), samplesOf([110, 120, 130, 140, 150])],
      randomOf(1),
      200,
    );
    expect([...apart].map((value) => value - 100)).not.toEqual([...alone]);
  });

  it("begins differently with every seed, also with neighbouring ones", () => {
    const firsts = upTo(200).map((seed) => randomOf(seed)());
    expect(new Set(firsts.map((first) => Math.floor(first * 1000))).size).toBeGreaterThan(150);
    expect(firsts.filter((first) => first < 0.5).length / 200).toBeCloseTo(0.5, 0);
  });

  it("says the same each time", () => {
    const drawn = (seed: number) => resampledMedians([samplesOf(upTo(9))], randomOf(seed));
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(2)).not.toEqual(drawn(1));
    expect(drawn(1)[0]).toHaveLength(resamples);
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

describe("a slope that lines have in common", () => {
  const line = (...ys: number[]) => ys.map((y, x) => ({ x, y }));

  it("finds a line in spite of one wild point, and nothing where no x differ", () => {
    const points = [...upTo(9).map((x) => ({ x, y: 3 * x + 1 })), { x: 10, y: 4000 }];
    expect(commonSlope([points])).toBe(3);
    expect(
      commonSlope([
        [
          { x: 1, y: 1 },
          { x: 1, y: 9 },
        ],
      ]),
    ).toBeUndefined();
    // Pairs are of one line: what lines differ by is no slope.
    expect(commonSlope([line(0, 1, 2), line(100, 101, 102)])).toBe(1);
  });

  it("has the levels of Kendall's distribution (Hollander and Wolfe, table A.30: n = 4, 5, 6, 10)", () => {
    const levels = [4, 5, 6, 10].map((n) => slopeInterval([line(...upTo(n).map((i) => i ** 2))])?.confidence);
    expect(levels[0]).toBeCloseTo(1 - 2 / 24, 9);
    expect(levels[1]).toBeCloseTo(1 - 2 / 120, 9);
    expect(levels[2]).toBeCloseTo(1 - 2 * 0.00833333333, 6);
    expect(levels[3]).toBeCloseTo(1 - 2 * 0.0233, 3);
  });

  it("counts permutations as they are, also with points of the same x", () => {
    const xs = [1, 1, 2, 3, 3, 3];
    const counts = new Map<number, number>();
    const permute = (rest: number[], made: number[]): void => {
      if (rest.length === 0) {
        let discordant = 0;
        for (const [i, a] of made.entries())
          for (const [j, b] of made.entries()) if (i < j && xs[i] !== xs[j] && a > b) discordant += 1;
        counts.set(discordant, (counts.get(discordant) ?? 0) + 1);
        return;
      }
      for (const one of rest)
        permute(
          rest.filter((other) => other !== one),
          [...made, one],
        );
    };
    permute(upTo(6), []);
    const chances = discordantChances([xs.map((x) => ({ x, y: 0 }))]);
    expect(chances).toHaveLength(Math.max(...counts.keys()) + 1);
    for (const [discordant, times] of counts) expect(chances[discordant]).toBeCloseTo(times / 720, 9);
  });

  it("is as good by the normal distribution where a line is long", () => {
    const of = (n: number) => slopeInterval([upTo(n).map((x) => ({ x, y: Math.sin(x * x) }))]);
    const [counted, approximate] = [of(40), of(41)];
    expect(counted?.confidence).toBeGreaterThan(0.949);
    expect(approximate?.confidence).toBeCloseTo(counted?.confidence as number, 2);
    expect((approximate?.high as number) - (approximate?.low as number)).toBeCloseTo(
      (counted?.high as number) - (counted?.low as number),
      2,
    );
  });

  it("has the truth in it as often as it says, whatever the errors' distribution", () => {
    const random = randomOf(11);
    let had = 0;
    let said = 0;
    for (let i = 0; i < 2000; i++) {
      const error = () => Math.tan(Math.PI * (random() - 0.5));
      const { low, high, confidence } = slopeInterval([
        upTo(6).map((x) => ({ x, y: 2 * x + error() })),
        upTo(4).map((x) => ({ x, y: 100 + 2 * x + error() })),
      ]) as { low: number; high: number; confidence: number };
      if (low <= 2 && 2 <= high) had += 1;
      said = confidence;
    }
    expect(said).toBeGreaterThan(0.95);
    expect(had / 2000).toBeGreaterThan(said - 0.015);
    expect(had / 2000).toBeLessThan(said + 0.015);
  });
});

describe("the ratio of two samples", () => {
  it("has the levels of Mann and Whitney's tables (m = n = 3, 4, 5, 6)", () => {
    const of = (m: number, n: number) => ratioOfSamples(upTo(m), upTo(n));
    // With three of each even the widest has a level of 90 %.
    expect(of(3, 3)?.confidence).toBeCloseTo(1 - 2 / 20, 9);
    expect(of(4, 4)?.confidence).toBeCloseTo(1 - 2 / 70, 9);
    // U = 2 for n = 5, U = 5 for n = 6 are the table's critical values at 5 %: 0.0159 and 0.0206 on one side.
    expect(of(5, 5)?.confidence).toBeCloseTo(1 - 2 * 0.0158730159, 6);
    expect(of(6, 6)?.confidence).toBeCloseTo(1 - 2 * 0.0205627706, 6);
  });

  it("is the quotient of what differs by a factor, and lies in its interval as often as that says", () => {
    expect(ratioOfSamples([2, 4, 6], [1, 2, 3])?.value).toBeCloseTo(2, 9);
    const random = randomOf(5);
    const sample = (times: number) => upTo(6).map(() => times * Math.exp(0.1 * (random() - random())));
    let had = 0;
    let level = 0;
    for (let i = 0; i < 2000; i++) {
      const { low, high, confidence } = ratioOfSamples(sample(1.1), sample(1)) as {
        low: number;
        high: number;
        confidence: number;
      };
      if (low <= 1.1 && 1.1 <= high) had += 1;
      level = confidence;
    }
    expect(Math.abs(had / 2000 - level)).toBeLessThan(0.015);
  });

  it("is as good by the normal distribution where samples are large", () => {
    const [counted, approximate] = [50, 60].map((n) => ratioOfSamples(upTo(n), upTo(n))?.confidence ?? 0);
    expect(counted).toBeGreaterThan(0.949);
    expect(approximate).toBeCloseTo(counted as number, 2);
    expect(ratioOfSamples([0], [1])).toBeUndefined();
  });
});
