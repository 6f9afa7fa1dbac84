import { describe, expect, it } from "vitest";
import { type BestSetting, bestSetting, type TriedSetting } from "../../../../report/data/best-setting.ts";
import { randomOf } from "../../../../report/data/statistics.ts";
import { studentQuantile } from "../../../../report/data/student.ts";
import { normalOf } from "../claims/studies.ts";

const settingOf = (way: string, values: readonly number[]): TriedSetting => ({
  way,
  values: new Map(values.map((value, index) => [String(index + 1), value])),
});
const plainOf = (values: readonly number[]) => settingOf("live", values).values;

describe("Student's t", () => {
  it.each([
    [0.95, 1, 12.706],
    [0.95, 2, 4.303],
    [0.95, 5, 2.571],
    [0.99, 10, 3.169],
    [0.999, 3, 12.924],
    [0.95, 120, 1.98],
  ])("is as tables have it: %d, %d", (confidence, degrees, quantile) => {
    expect(studentQuantile(confidence, degrees)).toBeCloseTo(quantile, quantile === 1.98 ? 2 : 3);
  });
});

describe("the best setting", () => {
  it("is the least of those that are truly less, with its interval", () => {
    const plain = plainOf([1000, 1010, 990, 1005, 995]);
    const { best, compared, pickedRatio } = bestSetting(plain, [
      settingOf("longer", [1500, 1510, 1490, 1505, 1515]),
      settingOf("shorter", [800, 810, 790, 805, 795]),
      settingOf("shortest", [500, 506, 494, 502, 498]),
    ]);
    expect(best?.way).toBe("shortest");
    expect(best?.ratio.value).toBeCloseTo(0.5, 2);
    expect(best?.ratio.low).toBeGreaterThan(0.49);
    expect(best?.ratio.high).toBeLessThan(0.51);
    expect(pickedRatio).toBeCloseTo(0.5, 2);
    expect(compared.map(({ way }) => way)).toEqual(["longer", "shorter", "shortest"]);
  });

  it("is none where the least may be chance, or where all are more", () => {
    const plain = plainOf([1000, 1400, 900, 1200, 1100]);
    expect(bestSetting(plain, [settingOf("other", [900, 1450, 700, 1210, 1050])]).best).toBeUndefined();
    const worse = bestSetting(plain, [settingOf("worse", [2000, 2900, 1700, 2300, 2100])]);
    expect(worse.best).toBeUndefined();
    // Nobody would pick it.
    expect(worse.pickedRatio).toBe(1);
  });

  it("compares within blocks: one in which everything is slow changes nothing", () => {
    const slow = [1, 1, 6, 1, 2];
    const of = (ms: readonly number[]) => ms.map((value, index) => value * (slow[index] as number));
    const [plain, other] = [
      [1000, 1010, 990, 1005, 995],
      [800, 810, 790, 805, 795],
    ] as const;
    const even = bestSetting(plainOf(plain), [settingOf("other", other)]);
    const uneven = bestSetting(plainOf(of(plain)), [settingOf("other", of(other))]);
    expect(uneven.best?.ratio.value).toBeCloseTo(even.best?.ratio.value as number, 10);
    expect(uneven.best?.ratio.high).toBeCloseTo(even.best?.ratio.high as number, 10);
  });

  it("has wider intervals the more settings were tried", () => {
    const plain = plainOf([1000, 1010, 990, 1005, 995]);
    const some = [settingOf("a", [900, 910, 890, 915, 895])];
    const more = [...some, ...["b", "c", "d"].map((way) => settingOf(way, [1000, 1005, 995, 1001, 1002]))];
    const width = ({ compared: [first] }: BestSetting) =>
      (first?.ratio.high as number) - (first?.ratio.low as number);
    expect(width(bestSetting(plain, more))).toBeGreaterThan(1.3 * width(bestSetting(plain, some)));
  });

  it("leaves out what it knows too little of, and zeros, of which there is no quotient", () => {
    const plain = plainOf([1000, 1010, 990, 1005, 995]);
    const { compared, pickedRatio } = bestSetting(plain, [
      settingOf("four times", [500, 505, 510, 495]),
      settingOf("nothing", [0, 0, 0, 0, 0]),
    ]);
    expect(compared).toEqual([]);
    expect(pickedRatio).toBeUndefined();
  });
});

/** Settings that take `times` as long as the plain way; blocks differ, the run drifts, and now and then a move takes much longer. */
function study(times: readonly number[], blocks: number, spread: number, random: () => number) {
  const normal = normalOf(random);
  const drift = 0.1 * normal();
  const ofBlock = Array.from({ length: blocks }, (_, block) =>
    Math.exp(0.2 * normal() + (drift * block) / blocks),
  );
  const values = (factor: number, own = spread) =>
    ofBlock.map((base) => 1000 * factor * base * Math.exp(own * normal() + (random() < 0.02 ? 0.5 : 0)));
  return bestSetting(
    plainOf(values(1)),
    // Ways differ in how even they are, too.
    times.map((factor, index) => settingOf(`w${index}`, values(factor, spread * (index % 3 === 0 ? 2 : 1)))),
  );
}

describe("studies of which the truth is known", () => {
  const studies = 1000;
  const alike = Array.from({ length: 9 }, () => 1);

  it.each([7, 10])("where nothing is there, at most one in twenty finds a best: %d blocks", (blocks) => {
    const random = randomOf(blocks);
    let erred = 0;
    const picked: number[] = [];
    for (let index = 0; index < studies; index++) {
      const { best, pickedRatio } = study(alike, blocks, 0.1, random);
      if (best) erred += 1;
      picked.push(Math.log(pickedRatio as number));
    }
    expect(erred).toBeLessThanOrEqual(studies * 0.05);
    // What picking like this gains is nothing, and is not said to be anything else.
    expect(Math.abs(picked.reduce((sum, one) => sum + one, 0) / studies)).toBeLessThan(0.01);
  });

  it("where one takes a tenth less, four of five find it, and its interval has the truth in 95 %", () => {
    const random = randomOf(20);
    const normal = normalOf(random);
    let [found, held] = [0, 0];
    for (let index = 0; index < studies; index++) {
      const values = (factor: number) => Array.from({ length: 10 }, () => factor * Math.exp(0.05 * normal()));
      const { best } = bestSetting(
        plainOf(values(1000)),
        [0.9, 1, 1, 1, 1.1, 1.1, 1.3, 1.5, 2].map((factor, at) => settingOf(`w${at}`, values(1000 * factor))),
      );
      if (best?.way !== "w0") continue;
      found += 1;
      if (best.ratio.low <= 0.9 && best.ratio.high >= 0.9) held += 1;
    }
    expect(found).toBeGreaterThanOrEqual(studies * 0.8);
    expect(held).toBeGreaterThanOrEqual(found * 0.95);
  });

  it("where several are nearly as good, the interval of the one that was picked has its own truth in 95 %", () => {
    const random = randomOf(30);
    const times = [0.7, 0.7, 0.71, 0.72, 0.75, 1, 1, 1.2, 1.5];
    let [found, held] = [0, 0];
    for (let index = 0; index < studies; index++) {
      const { best } = study(times, 7, 0.08, random);
      if (!best) continue;
      found += 1;
      const truth = times[Number(best.way.slice(1))] as number;
      if (best.ratio.low <= truth && best.ratio.high >= truth) held += 1;
    }
    expect(found).toBeGreaterThan(studies * 0.5);
    expect(held).toBeGreaterThanOrEqual(found * 0.95);
  });
});
