import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ScheduledStep, scheduledMs } from "../../../../placement/order/schedule.ts";

const step = (guest: string, from: string, to: string, ...after: number[]): ScheduledStep => ({
  guest,
  from,
  to,
  after,
});
const msOf = (guest: string): number => Number(guest.slice(1)) * 1000;

describe("moves that are made as soon as they can", () => {
  it("take no time if there are none", () => expect(scheduledMs([], msOf, 2)).toBe(0));

  it("run side by side between different hosts", () => {
    expect(scheduledMs([step("g3", "a", "b"), step("g5", "c", "d")], msOf, 1)).toBe(5000);
  });

  it("share a host as far as it takes part in moves at a time", () => {
    const two = [step("g3", "a", "b"), step("g5", "a", "c")];
    expect(scheduledMs(two, msOf, 1)).toBe(8000);
    expect(scheduledMs(two, msOf, 2)).toBe(5000);
  });

  it("wait for those that make their room", () => {
    expect(
      scheduledMs([step("g3", "a", "b"), step("g5", "c", "d", 0), step("g1", "e", "f", 1)], msOf, 2),
    ).toBe(9000);
  });

  it("are over no sooner than the busiest host and the longest chain, and no later than one by one", () => {
    const moves = fc.array(
      fc.record({
        ms: fc.integer({ min: 1, max: 50 }),
        from: fc.nat(3),
        way: fc.integer({ min: 1, max: 3 }),
        waits: fc.nat(4),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 3 }), (all, perHost) => {
        const steps = all.map(({ from, way, waits }, at) =>
          step(
            `g${at}`,
            `h${from}`,
            `h${(from + way) % 4}`,
            ...(waits > 0 && at >= waits ? [at - waits] : []),
          ),
        );
        const ms = (guest: string) => all[Number(guest.slice(1))]?.ms ?? 0;
        const total = scheduledMs(steps, ms, perHost);
        const busy = [0, 1, 2, 3].map((host) =>
          steps
            .filter(({ from, to }) => [from, to].includes(`h${host}`))
            .reduce((sum, { guest }) => sum + ms(guest), 0),
        );
        const ends: number[] = [];
        for (const { guest, after } of steps)
          ends.push(ms(guest) + Math.max(0, ...after.map((before) => ends[before] ?? 0)));
        expect(total).toBeGreaterThanOrEqual(Math.max(0, ...busy) / perHost);
        expect(total).toBeGreaterThanOrEqual(Math.max(0, ...ends));
        expect(total).toBeLessThanOrEqual(all.reduce((sum, { ms: own }) => sum + own, 0));
      }),
    );
  });
});
