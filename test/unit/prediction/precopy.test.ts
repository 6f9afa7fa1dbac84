import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dirtiedMiB, workingSetOf } from "../../../prediction/dirty.ts";
import { type PrecopyConditions, precopy } from "../../../prediction/precopy.ts";

const figure = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const conditions = fc.record({
  touchedMiB: figure(1, 100_000),
  zeroMiB: figure(0, 100_000),
  writing: fc.record({ dirtyMiBps: figure(0, 2000), workingSetMiB: figure(0, 100_000) }),
  sendMiBps: figure(1, 5000),
  zeroMiBps: figure(500, 10_000),
  maxDowntimeMs: fc.integer({ min: 1, max: 2000 }),
  timeoutMs: fc.constant(600_000),
});
const loaded: PrecopyConditions = {
  touchedMiB: 320,
  zeroMiB: 460,
  writing: { dirtyMiBps: 20, workingSetMiB: 128 },
  sendMiBps: 100,
  zeroMiBps: 4000,
  maxDowntimeMs: 300,
  timeoutMs: 600_000,
};
const writing = (dirtyMiBps: number, workingSetMiB = 100_000) => ({ writing: { dirtyMiBps, workingSetMiB } });

describe("memory that gets dirty", () => {
  test("is what is written at first, and never more than the working set", () => {
    expect(dirtiedMiB({ dirtyMiBps: 20, workingSetMiB: 1000 }, 100)).toBeCloseTo(2, 1);
    expect(dirtiedMiB({ dirtyMiBps: 20, workingSetMiB: 128 }, 3_600_000)).toBeCloseTo(128, 6);
    expect(dirtiedMiB({ dirtyMiBps: 20, workingSetMiB: 0 }, 1000)).toBe(0);
  });

  test("grows in step with the time where a guest goes round and round, until its lap is over", () => {
    const cyclic = { dirtyMiBps: 60, workingSetMiB: 256, isCyclic: true };
    expect(dirtiedMiB(cyclic, 2000)).toBe(120);
    expect(dirtiedMiB(cyclic, 4300)).toBe(256);
    expect(dirtiedMiB(cyclic, 2000)).toBeGreaterThan(dirtiedMiB({ ...cyclic, isCyclic: false }, 2000));
  });

  test("tells the working set", () => {
    fc.assert(
      fc.property(figure(1, 500), figure(10, 1000), figure(200, 60_000), (dirtyMiBps, workingSetMiB, ms) => {
        const dirty = dirtiedMiB({ dirtyMiBps, workingSetMiB }, ms);
        const found = workingSetOf(dirtyMiBps, ms, dirty, 2000);
        expect(dirtiedMiB({ dirtyMiBps, workingSetMiB: found }, ms)).toBeCloseTo(dirty, 3);
      }),
    );
  });
});

describe("a pre-copy", () => {
  test("of a guest all of whose memory can be sent within its greatest downtime converges, however fast it writes", () => {
    fc.assert(
      fc.property(conditions, figure(0.01, 1), (some, part) => {
        const threshold = (some.sendMiBps * some.maxDowntimeMs) / 1000;
        const fits = { ...some, touchedMiB: Math.min(some.touchedMiB, part * threshold) };
        const { converges, remainingMiB, passes } = precopy(fits);
        expect([converges, passes]).toEqual([true, 3]);
        expect(remainingMiB).toBeLessThanOrEqual(fits.touchedMiB);
      }),
    );
    const more = { ...loaded, touchedMiB: 31, ...writing(2000, 31) };
    expect(precopy(more).converges).toBe(false);
    expect(precopy({ ...more, touchedMiB: 30 }).converges).toBe(true);
  });

  test("of a loaded guest goes as one did that was measured", () => {
    // 768 MiB, 20 MiB/s, limit 100 MiB/s: iterations 3.70 s, 26 to 28 MiB at the end, 5 reads of the bitmap.
    const { iterationsMs, remainingMiB, passes, converges } = precopy(loaded);
    expect(iterationsMs).toBeGreaterThan(3300);
    expect(iterationsMs).toBeLessThan(4100);
    expect(remainingMiB).toBeGreaterThan(24);
    expect(remainingMiB).toBeLessThan(30);
    expect(passes).toBeGreaterThanOrEqual(4);
    expect(converges).toBe(true);
  });

  test("stops the guest sooner, with more left, when it is told that the switchover is quicker than its limit", () => {
    // Measured, with 384 MiB in use: 7 passes and 11.1 s at 64 MiB/s; 4 passes and 7.4 s when QEMU was told of 400 MiB/s.
    const limited = {
      ...loaded,
      touchedMiB: 384,
      sendMiBps: 64,
      writing: { ...loaded.writing, isCyclic: true },
    };
    const [plain, told] = [precopy(limited), precopy({ ...limited, switchoverMiBps: 400 })];
    expect(plain.remainingMiB).toBeLessThan(64 * 0.3);
    expect(told.remainingMiB).toBeGreaterThan(64 * 0.3);
    expect(told.remainingMiB).toBeLessThanOrEqual(400 * 0.3);
    expect(plain.iterationsMs / told.iterationsMs).toBeGreaterThan(1.3);
    expect(plain.iterationsMs / told.iterationsMs).toBeLessThan(1.8);
    expect(told.converges).toBe(true);
    expect(precopy({ ...limited, switchoverMiBps: 64 })).toEqual(plain);
  });

  test("takes longer the more memory there is, the faster it gets dirty, the slower it is sent", () => {
    const longer = (change: (c: PrecopyConditions, by: number) => PrecopyConditions) =>
      fc.assert(
        fc.property(conditions, figure(1, 4), (given, by) => {
          const [before, after] = [precopy(given).iterationsMs, precopy(change(given, by)).iterationsMs];
          expect(after).toBeGreaterThanOrEqual(before * (1 - 1e-9));
        }),
        { numRuns: 1000 },
      );
    longer((c, by) => ({ ...c, touchedMiB: c.touchedMiB * by }));
    longer((c, by) => ({ ...c, zeroMiB: c.zeroMiB * by }));
    longer((c, by) => ({ ...c, writing: { ...c.writing, dirtyMiBps: c.writing.dirtyMiBps * by } }));
    longer((c, by) => ({ ...c, sendMiBps: c.sendMiBps / by }));
  });

  test("converges if, and only if, pages get dirty slower than they are sent", () => {
    fc.assert(
      fc.property(figure(10, 2000), figure(0.01, 0.9), figure(1.1, 10), (sendMiBps, less, more) => {
        const given = { ...loaded, touchedMiB: 50_000, sendMiBps, timeoutMs: 1e9 };
        expect(precopy({ ...given, ...writing(sendMiBps * less) }).converges).toBe(true);
        expect(precopy({ ...given, ...writing(sendMiBps * more) }).converges).toBe(false);
      }),
    );
  });

  test("of a guest that goes round and round goes as one did that was measured", () => {
    // 768 MiB, of which 490 are not zero, 60 MiB/s over 256 MiB, a link of 112 MiB/s: iterations 8.7 s to 9.8 s, 11 or 12 reads of the bitmap.
    const writer = { ...loaded, touchedMiB: 490, zeroMiB: 278, ...writing(60, 256), sendMiBps: 112 };
    const { iterationsMs, passes, converges } = precopy({
      ...writer,
      writing: { ...writer.writing, isCyclic: true },
    });
    expect(converges).toBe(true);
    expect(iterationsMs).toBeGreaterThan(8500);
    expect(iterationsMs).toBeLessThan(10_000);
    expect(passes).toBeGreaterThanOrEqual(10);
    expect(precopy(writer).iterationsMs).toBeLessThan(8500);
  });

  test("of a guest that writes to little, over and over, converges all the same", () => {
    expect(precopy({ ...loaded, ...writing(1000, 4) }).converges).toBe(true);
    expect(precopy({ ...loaded, ...writing(1000, 40) }).converges).toBe(false);
  });

  test("leaves no more than what fits into the greatest downtime, and is never negative", () => {
    fc.assert(
      fc.property(conditions, (given) => {
        const { iterationsMs, remainingMiB, passes, converges } = precopy(given);
        expect(Math.min(iterationsMs, remainingMiB, passes)).toBeGreaterThanOrEqual(0);
        expect(remainingMiB).toBeLessThanOrEqual(given.touchedMiB);
        expect(iterationsMs).toBeLessThanOrEqual(given.timeoutMs);
        if (converges)
          expect(remainingMiB).toBeLessThanOrEqual((given.sendMiBps * given.maxDowntimeMs) / 1000 + 1e-6);
      }),
    );
  });

  test("that converges only with the guest slowed down ends, and goes as one did that was measured", () => {
    // 512 MiB, 48 MiB/s over 256 MiB, limit 16 MiB/s, auto-converge: 150 s and 28 to 32 reads of the bitmap.
    const hot = { ...loaded, touchedMiB: 430, ...writing(48, 256), sendMiBps: 16 };
    expect(precopy(hot).converges).toBe(false);
    const slowed = precopy({ ...hot, autoConverge: {} });
    expect(slowed.converges).toBe(true);
    expect(slowed.iterationsMs).toBeGreaterThan(100_000);
    expect(slowed.iterationsMs).toBeLessThan(200_000);
  });

  test("turns to post-copy after its passes or its time, unless it has converged before", () => {
    expect(precopy({ ...loaded, untilPasses: 1 })).toMatchObject({ turns: true, passes: 2 });
    expect(precopy({ ...loaded, untilMs: 500 })).toMatchObject({ turns: true, iterationsMs: 500 });
    expect(precopy({ ...loaded, ...writing(0), untilPasses: 1 })).toMatchObject({
      converges: true,
      turns: false,
    });
  });
});
