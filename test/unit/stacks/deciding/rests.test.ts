import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { restOf, restOfHost } from "../../../../stacks/deciding/rests.ts";
import { liveRecord } from "../../helpers/records.ts";

const now = Date.parse("2026-03-01T12:00:00.000Z");
const minute = 60_000;
const ended = (minutesAgo: number, more: Partial<MigrationRecord> = {}): MigrationRecord => {
  const record = liveRecord();
  return {
    ...record,
    startedAt: new Date(now - minutesAgo * minute - record.totalMs).toISOString(),
    ...more,
  };
};
const minutesLeft = (records: readonly MigrationRecord[], restMinutes = 15): number | undefined => {
  const rest = restOf(records, restMinutes, now);
  return rest && (Date.parse(rest.until) - now) / minute;
};

describe("a guest that was moved", () => {
  it("rests for a while", () => {
    expect(restOf([ended(6)], 15, now)).toEqual({ movedMinutesAgo: 6, until: "2026-03-01T12:09Z" });
    expect(restOf([ended(15)], 15, now)).toBeUndefined();
    expect(restOf([], 15, now)).toBeUndefined();
    expect(restOf([ended(1)], 0, now)).toBeUndefined();
  });

  it("rests twice as long with each move of the last day, and at most six hours", () => {
    expect(minutesLeft([ended(6), ended(200)])).toBe(24);
    expect(minutesLeft([ended(6), ended(200), ended(400)])).toBe(54);
    expect(minutesLeft([ended(6), ended(25 * 60)])).toBe(9);
    expect(minutesLeft(Array.from({ length: 20 }, (_, at) => ended(6 + at)))).toBe(354);
  });

  it("does not rest for a move that was not made, nor for one of the future", () => {
    expect(minutesLeft([ended(6, { outcome: "rolled-back" })])).toBeUndefined();
    expect(minutesLeft([ended(-30)])).toBeUndefined();
    expect(minutesLeft([ended(6, { outcome: "recovered" })])).toBe(9);
  });

  it("rests for so long whatever the order of its records", () => {
    const minutes = fc.uniqueArray(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(minutes, (each) => {
        const records = each.map((ago) => ended(ago));
        expect(restOf(records.toReversed(), 15, now)).toEqual(restOf(records, 15, now));
      }),
    );
  });
});

describe("a host that was switched", () => {
  const since = new Date(now - 6 * minute).toISOString();

  it("stays on for a while, whoever wanted it", () => {
    expect(restOfHost({ desired: "on", since }, 15, now)).toEqual({
      state: "on",
      until: "2026-03-01T12:09Z",
    });
    expect(restOfHost({ desired: "on", since }, 6, now)).toBeUndefined();
    expect(restOfHost({ desired: "on", since }, 0, now)).toBeUndefined();
  });

  it("stays off as long where a policy switched it off, and no longer than a person wants", () => {
    const rest = (reason?: string) =>
      restOfHost({ desired: "off", since, ...(reason && { reason }) }, 15, now);
    expect(rest("policy consolidate leaves it without guests")).toEqual({
      state: "off",
      until: "2026-03-01T12:09Z",
    });
    expect(rest("testbed:off names it")).toBeUndefined();
    expect(rest()).toBeUndefined();
  });

  it("does not rest by a clock that was wrong", () => {
    const later = new Date(now + minute).toISOString();
    expect(restOfHost({ desired: "on", since: later }, 15, now)).toBeUndefined();
    expect(restOfHost({ desired: "on", since: "" }, 15, now)).toBeUndefined();
  });
});
