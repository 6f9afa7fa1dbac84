import * as fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { inconsistencies } from "../../../moves/inconsistencies.ts";
import { type MigrationMode, phasesOf } from "../../../moves/modes.ts";
import { type MigrationRecord, recordSchema } from "../../../moves/record.ts";
import { coldRecord, liveRecord, offlineRecord, postcopyRecord } from "../helpers/records.ts";

describe("a migration's record", () => {
  it.each([
    ["live", liveRecord()],
    ["postcopy", postcopyRecord()],
    ["hybrid that turned", postcopyRecord({ mode: "hybrid" })],
    ["hybrid that converged before", liveRecord({ mode: "hybrid" })],
    ["offline", offlineRecord()],
    ["cold", coldRecord()],
  ])("that adds up is sound: %s", (_, record) => {
    expect(recordSchema.parse(record)).toEqual(record);
    expect(inconsistencies(record)).toEqual([]);
  });

  it("keeps what was not measured absent, through JSON and back", () => {
    const { clientDowntimeMs } = recordSchema.parse(JSON.parse(JSON.stringify(liveRecord())));
    expect(clientDowntimeMs).toBeUndefined();
    expect(JSON.stringify(offlineRecord())).not.toContain("iterations");
  });

  it("has its types from the schema", () => {
    expectTypeOf<MigrationRecord["schema"]>().toEqualTypeOf<1>();
    expectTypeOf<MigrationRecord["mode"]>().toEqualTypeOf<MigrationMode>();
    expectTypeOf<MigrationRecord["downtimeMs"]>().toEqualTypeOf<number | undefined>();
  });

  it.each<[string, object]>([
    ["another schema", { schema: 2 }],
    ["a mode that is not there", { mode: "teleport" }],
    ["a negative time", { totalMs: -1 }],
    ["a time that is no number", { downtimeMs: Number.NaN }],
    ["a local time", { startedAt: "2026-03-01 12:00" }],
    ["a phase of no mode", { phases: [{ name: "warm-up", startMs: 0, endMs: 1 }] }],
  ])("is refused with %s", (_, change) => {
    expect(recordSchema.safeParse({ ...liveRecord(), ...change }).success).toBe(false);
  });
});

describe("a record that does not add up says where", () => {
  const { phases } = liveRecord();
  const { equations } = liveRecord();
  const eq = (change: object) => ({ equations: { ...equations, ...change } as MigrationRecord["equations"] });
  const phase = (index: number, change: object) => ({
    phases: phases.map((one, at) => (at === index ? { ...one, ...change } : one)),
  });

  it.each<[string, MigrationRecord, string[]]>([
    [
      "a post-copy with DM in its equations",
      postcopyRecord({
        equations: { ...postcopyRecord().equations, dmMs: 0 } as MigrationRecord["equations"],
      }),
      ["DM is 0, in a post-copy"],
    ],
    [
      "a pre-copy without",
      liveRecord({ equations: postcopyRecord().equations }),
      ["DM is absent, in a pre-copy"],
    ],
    [
      "a post-copy whose downtime is not its device state",
      postcopyRecord({ downtimeMs: 95 }),
      ["TDT = 95 ms, VS = 90 ms"],
    ],
    [
      "a gap between phases",
      liveRecord(phase(1, { startMs: 160 })),
      [
        "phase iterations starts at 160 ms, where 150 ms was the end of what came before",
        "phase iterations = 1110 ms, its term in the equations = 1120 ms",
      ],
    ],
    [
      "phases that begin late",
      coldRecord({
        phases: [{ name: "shutdown", startMs: 5, endMs: 9000 }, ...coldRecord().phases.slice(1)],
      }),
      ["phase shutdown starts at 5 ms, where 0 ms was the end of what came before"],
    ],
    [
      "phases that end early",
      liveRecord({ totalMs: 1500.5 }),
      ["phases end at 1500 ms, the total is 1500.5 ms"],
    ],
    [
      "a phase that ends before it starts",
      offlineRecord({
        phases: [
          { name: "suspend", startMs: 0, endMs: 1900 },
          { name: "copy", startMs: 1900, endMs: 1800 },
          { name: "resume", startMs: 1800, endMs: 3200 },
        ],
      }),
      ["phase copy ends at 1800 ms, before its start at 1900 ms"],
    ],
    [
      "another mode's phases",
      offlineRecord({ phases: coldRecord().phases, totalMs: 90_000 }),
      ["phases are shutdown, define, start; offline has suspend, copy, resume"],
    ],
    ["no phases", coldRecord({ phases: [] }), ["phases are none; cold has shutdown, define, start"]],
    ["TMT without its overhead", liveRecord(eq({ ovMs: 378 })), ["TMT = 1500 ms, TI + OV = 1498 ms"]],
    [
      "TDT without its device state",
      liveRecord(eq({ vsMs: 7 })),
      ["TDT = 80.5 ms, DM + VS = 79 ms", "phase device-state = 8.5 ms, its term in the equations = 7 ms"],
    ],
    [
      "equations of a move that was not live",
      offlineRecord({ equations }),
      ["equations are for moves of a running guest, this one is offline"],
    ],
    [
      "a stop that is not its downtime, and ends after all",
      offlineRecord({ stop: { stoppedMs: 40, resumedMs: 3202 } }),
      [
        "the guest stood still from 40 ms to 3202 ms, after the end at 3200 ms",
        "the guest stood still from 40 ms to 3202 ms, its downtime is 3150 ms",
      ],
    ],
    [
      "a stop of a running guest's move, whose phases say it",
      liveRecord({ stop: { stoppedMs: 40, resumedMs: 120.5 } }),
      ["stop is for offline and cold moves, this one is live"],
    ],
    [
      "a downtime longer than all",
      offlineRecord({ downtimeMs: 3300 }),
      ["downtime 3300 ms is longer than the total 3200 ms"],
    ],
    [
      "a prober without its interval",
      liveRecord({ clientDowntimeMs: 90 }),
      ["clientDowntimeMs and clientProbeIntervalMs belong together"],
    ],
    [
      "a guest's clock without its resolution",
      liveRecord({ guestDowntimeMs: 80 }),
      ["guestDowntimeMs and guestClockResolutionMs belong together"],
    ],
    [
      "passes out of order",
      liveRecord({ passes: [...liveRecord().passes].reverse() }),
      ["pass 1 at 152 ms comes after pass 2 at 900 ms"],
    ],
    [
      "a pass after the end",
      liveRecord({ passes: [{ pass: 1, transferredMiB: 0, remainingMiB: 1, atMs: 1600 }] }),
      ["pass 1 began at 1600 ms, after the end"],
    ],
    ["a move to the same host", liveRecord({ to: "host1" }), ["it moved from host1 to the same host"]],
    [
      "an error in a completed move",
      liveRecord({ error: "it broke" }),
      ["it completed, yet there is an error"],
    ],
    [
      "a failure without a reason",
      offlineRecord({ outcome: "failed", phases: [], downtimeMs: undefined }),
      ["it failed, yet no error says why"],
    ],
  ])("%s", (_, record, faults) => {
    expect(inconsistencies(record)).toEqual(faults);
  });

  it("what a completed move must have, and a failed one need not", () => {
    const bare = { downtimeMs: undefined, equations: undefined, clock: undefined, iterations: undefined };
    expect(inconsistencies(liveRecord(bare))).toEqual(
      ["downtimeMs", "equations", "clock", "iterations"].map(
        (key) => `${key} is missing in a completed live migration`,
      ),
    );
    const failed = { ...bare, outcome: "failed", error: "the destination went away", totalMs: 150 } as const;
    expect(inconsistencies(liveRecord({ ...failed, phases: phases.slice(0, 1), passes: [] }))).toEqual([]);
  });

  it("to 1 ms for clocks that are read to the millisecond, and not beyond", () => {
    expect(inconsistencies(liveRecord(eq({ ovMs: 379 })))).toEqual([]);
    expect(inconsistencies(liveRecord(eq({ ovMs: 378.9 })))).toHaveLength(1);
  });

  it("whatever the figures: phases made of one list of borders always add up", () => {
    const borders = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(borders, (lengths) => {
        let startMs = 0;
        const made = phasesOf.cold.map((name, index) => {
          const one = { name, startMs, endMs: startMs + (lengths[index] ?? 0) };
          startMs = one.endMs;
          return one;
        });
        expect(inconsistencies(coldRecord({ phases: made, totalMs: startMs, downtimeMs: 0 }))).toEqual([]);
      }),
    );
  });
});
