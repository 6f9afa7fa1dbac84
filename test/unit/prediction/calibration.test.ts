import fc from "fast-check";
import { expect, test } from "vitest";
import { calibrated, type Share, shareOf } from "../../../prediction/calibration.ts";
import { liveRecord } from "../helpers/records.ts";

const own = { correction: { shift: 0.1, spread: 0.5 }, reach: [-0.2, 0.9] as const };
/** 1.28 standard deviations, or as far as the model says. */
const raw = { below: 0.64, above: 0.9 };

test("without a history a range is the raw one: the spread's, or the model's where that is more", () => {
  const { below, above } = calibrated([], "totalMs", own);
  expect(below).toBeCloseTo(raw.below, 9);
  expect(above).toBeCloseTo(raw.above, 9);
});

test("with one it has the part of that which eight of ten kept to, the newer ones above all", () => {
  const of = (...shares: number[]) =>
    calibrated(
      shares.map((totalMs): Share => ({ totalMs })),
      "totalMs",
      own,
    ).below / raw.below;
  expect(of(...Array.from({ length: 20 }, () => 0.25))).toBeCloseTo(0.25, 9);
  expect(of(...Array.from({ length: 10 }, () => 2))).toBeGreaterThan(1.9);
  const even = Array.from({ length: 20 }, (_, index) => (index % 10) / 10);
  expect(of(...even)).toBeGreaterThan(0.5);
  expect(of(...even)).toBeLessThan(0.9);
  const news = [...Array.from({ length: 10 }, () => 1), ...Array.from({ length: 10 }, () => 0.1)];
  expect(of(...news)).toBeGreaterThan(of(...news.toReversed()));
  // Of downtimes nothing is known by that.
  expect(calibrated([{ totalMs: 0.1 }], "downtimeMs", own).below).toBeCloseTo(raw.below, 9);
});

test("a range is never turned round, whatever was taken up", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true })), (some) => {
      const { below, above } = calibrated(
        some.map((totalMs) => ({ totalMs })),
        "totalMs",
        own,
      );
      expect(below).toBeGreaterThanOrEqual(0);
      expect(above).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("a move takes up more than all of its range when it was beyond, to whichever side", () => {
  const reach = { totalMs: [-2, 0] as const, downtimeMs: [0, 0] as const };
  const share = (totalMs: number) => shareOf({ record: liveRecord(), totalMs, reach }, []).totalMs ?? 0;
  // A prior: 0.7 in logarithms, so 0.896 above; and 2 below, as the model said.
  expect(share(0.896)).toBeCloseTo(1, 9);
  expect(share(1.792)).toBeCloseTo(2, 9);
  expect(share(-2)).toBeCloseTo(1, 9);
  expect(share(-1)).toBeCloseTo(0.5, 9);
  expect(shareOf({ record: liveRecord(), totalMs: 0, reach }, [])).toEqual({ totalMs: 0 });
});
