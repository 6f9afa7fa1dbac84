import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shapeScript } from "../../../experiments/machines.ts";
import { halfWidthPercent } from "../../../experiments/precision.ts";
import { type MoveTimes, progressThrough, stopOf } from "../../../experiments/progress-log.ts";
import { saidBy } from "../../../experiments/pulumi-stack.ts";
import type { TurnLine } from "../../../experiments/remaining.ts";
import { parseWorkLog } from "../../../moves/work-done.ts";
import { runCsv } from "../../../report/export/moves-csv.ts";
import { headFor } from "../helpers/experiment-testbed.ts";
import { liveRecord, offlineRecord } from "../helpers/records.ts";

describe("what a workload did through a move", () => {
  /**
   * The log of a workload with a steady rate, in a guest whose clock stops with it, and the times of a move.
   *
   * @param stopMs for how long it stands still, from 20 s on; the move is from 18 s to 2 s after that
   */
  function moved(rate: number, stopMs: number, aheadMs: number) {
    const startMs = 1.8e12;
    const times: MoveTimes = {
      startMs: startMs + 18_000,
      endMs: startMs + 22_000 + stopMs,
      stoppedMs: startMs + 20_000,
      resumedMs: startMs + 20_000 + stopMs,
      workingMs: startMs + 2000,
      offsetBeforeMs: aheadMs,
      offsetAfterMs: aheadMs - stopMs,
    };
    // A line each second of the guest's own, which sees nothing of the stop.
    const lines = Array.from({ length: 30 }, (_, i) => ({
      at: (startMs + aheadMs + 300 + i * 1000) / 1000,
      operations: rate,
      unit: "records",
    }));
    return progressThrough(lines, times);
  }

  it("is its rate but for the time for which it stood still, whatever its clock says", () => {
    const some = [fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 6000 })] as const;
    fc.assert(
      fc.property(...some, fc.integer({ min: -86_400_000, max: 86_400_000 }), (rate, stopMs, aheadMs) => {
        const progress = moved(rate, stopMs, aheadMs);
        expect(progress?.unit).toBe("records");
        expect(progress?.beforePerSecond).toBeCloseTo(rate, 1);
        expect(progress?.duringPerSecond).toBeCloseTo((rate * 4000) / (4000 + stopMs), 1);
        expect(progress?.slowestPerSecond).toBeCloseTo(rate * Math.max(0, 1 - stopMs / 1000), 1);
      }),
    );
  });

  it("is not known where the log does not reach over the whole move", () => {
    const record = liveRecord({ startedAt: "2026-03-01T12:00:00.000Z" });
    const stop = stopOf(record) as NonNullable<ReturnType<typeof stopOf>>;
    const rest = { workingMs: stop.startMs - 20_000, offsetBeforeMs: 0, offsetAfterMs: 0 };
    const until = (seconds: number) =>
      Array.from({ length: 30 + seconds }, (_, i) => ({
        at: stop.startMs / 1000 - 30 + i,
        operations: 5,
        unit: "MiB",
      }));
    expect(progressThrough(until(5), { ...stop, ...rest })).toMatchObject({ unit: "MiB" });
    expect(progressThrough(until(1), { ...stop, ...rest })).toBeUndefined();
    expect(progressThrough(until(5).slice(29), { ...stop, ...rest })).toBeUndefined();
    expect(progressThrough(until(5), { ...stop, ...rest, workingMs: stop.startMs - 1000 })).toBeUndefined();
    expect(progressThrough([], { ...stop, ...rest })).toBeUndefined();
  });

  it("is laid on a stop as its mode has it; a guest that was shut down had none", () => {
    const startMs = Date.parse("2026-03-01T12:00:00.000Z");
    expect(stopOf(liveRecord())).toMatchObject({ stoppedMs: startMs + 1270, resumedMs: startMs + 1350.5 });
    expect(stopOf(offlineRecord())).toMatchObject({ stoppedMs: startMs, resumedMs: startMs + 3150 });
    const stop = { stoppedMs: 40, resumedMs: 3190 };
    expect(stopOf(offlineRecord({ stop }))).toMatchObject({
      stoppedMs: startMs + 40,
      resumedMs: startMs + 3190,
    });
    expect(stopOf(offlineRecord({ mode: "cold" }))).toBeUndefined();
    expect(stopOf(liveRecord({ downtimeMs: undefined }))).toBeUndefined();
  });

  it("is read from whole lines alone", () => {
    const line = '{"at": 1764931542.113, "monotonic": 81.4, "operations": 412, "unit": "queries"}';
    expect(parseWorkLog(`ations": 3}\n${line}\n{"at": 17649`)).toEqual([
      { at: 1764931542.113, operations: 412, unit: "queries" },
    ]);
  });
});

describe("a run as CSV", () => {
  const place = { schema: 1, block: 1, repeat: 1, isWarmUp: false } as const;
  const head = headFor(
    [{ id: "vm1/live", factors: { memoryMiB: 512, "autoConverge.initial": 20, tls: true } }],
    1,
  );
  const lines: TurnLine[] = [
    {
      ...place,
      kind: "move",
      cell: "vm1/live",
      order: 1,
      loadBefore: { controller: 0.5 },
      updateMs: 9000,
      record: liveRecord(),
    },
    {
      ...place,
      kind: "failure",
      cell: "vm1/live",
      order: 2,
      at: "2026-03-01T13:00:00Z",
      error: 'no, "none"',
    },
  ];
  const rows = runCsv(head, lines).trimEnd().split("\n");
  const columns = rows[0]?.split(",") ?? [];
  const field = (row: string | undefined, column: string) => row?.split(",")[columns.indexOf(column)];

  it("has a row for each line, and units in its columns' names", () => {
    expect(rows).toHaveLength(3);
    for (const column of columns) expect(column).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(new Set(columns).size).toBe(columns.length);
    expect(field(rows[1], "total_ms")).toBe("1500");
    expect(field(rows[1], "phase_stop_and_copy_ms")).toBe("72");
    expect(field(rows[1], "transferred_mib")).toBe("138.4");
    expect(field(rows[1], "factor_memory_mib")).toBe("512");
    expect(field(rows[1], "factor_auto_converge_initial")).toBe("20");
    expect(field(rows[1], "factor_tls")).toBe("TRUE");
    expect(field(rows[1], "is_warm_up")).toBe("FALSE");
    expect(field(rows[1], "adds_up")).toBe("TRUE");
    expect(field(rows[1], "load_controller")).toBe("0.5");
  });

  it("leaves a field empty for what was not measured: never a zero", () => {
    for (const column of ["client_downtime_ms", "phase_copy_ms", "progress_unit", "error"]) {
      expect([column, field(rows[1], column)]).toEqual([column, ""]);
    }
    expect(rows[2]).toContain('not begun,"no, ""none""",2026-03-01T13:00:00Z,,');
  });

  it("has all phases of a guest whose overlay moves along: they add up", () => {
    const phases = [
      { name: "suspend" as const, startMs: 0, endMs: 600 },
      { name: "storage" as const, startMs: 600, endMs: 1100 },
      { name: "copy" as const, startMs: 1100, endMs: 2300 },
      { name: "resume" as const, startMs: 2300, endMs: 3200 },
    ];
    const record = offlineRecord({ redo: "local", storageMiB: 5.3, phases, totalMs: 3200 });
    const line = { ...(lines[0] as TurnLine & { kind: "move" }), record };
    const row = runCsv(head, [line]).trimEnd().split("\n")[1];
    const named = columns.filter((column) => column.startsWith("phase_"));
    expect(named.reduce((sum, column) => sum + Number(field(row, column)), 0)).toBe(3200);
    expect([field(row, "redo"), field(row, "storage_mib")]).toEqual(["local", "5.3"]);
  });

  it("has the same first columns in every run", () => {
    const none = runCsv(headFor([{ id: "a", factors: {} }], 1), [])
      .trimEnd()
      .split(",");
    expect(columns.slice(0, none.length)).toEqual(none);
  });
});

describe("how well a median is known", () => {
  it("is nothing for too few figures, and exactly for figures that are all the same", () => {
    expect(halfWidthPercent([5, 6])).toBeUndefined();
    expect(halfWidthPercent([0, 0, 0])).toBeUndefined();
    expect(halfWidthPercent([7, 7, 7, 7])).toBe(0);
  });

  it("does not depend on the unit, and grows with the spread", () => {
    const figures = [98, 99, 100, 101, 102];
    const own = halfWidthPercent(figures) as number;
    expect(own).toBeGreaterThan(0.5);
    expect(own).toBeLessThanOrEqual(2);
    expect(halfWidthPercent(figures.map((one) => one * 1000))).toBeCloseTo(own, 9);
    expect(halfWidthPercent(figures.map((one) => 100 + (one - 100) * 5))).toBeCloseTo(own * 5, 9);
  });
});

describe("the shaper of the link", () => {
  it("sends that many bits a second, and takes nothing away that somebody else has set", () => {
    const script = shapeScript("192.0.2.12", 24);
    expect(script).toContain(`rate ${24 * 2 ** 20 * 8}bit`);
    expect(script).toContain("shaped already, by somebody else");
    expect(shapeScript("192.0.2.12", undefined)).toMatch(/case "\$queue" in \*"tbf 7e57: "\*\) tc qdisc del/);
  });
});

describe("what Pulumi said of an update that failed", () => {
  it("is its errors, each once, without what they bring about", () => {
    const message = `code: 255\n Diagnostics:\n  testbed:Migration (vm1):\n    error: vm1 did not move\n    error: vm1 did not move\n  pulumi:Stack:\n    error: update failed`;
    expect(saidBy(new Error(message))).toBe("vm1 did not move");
    expect(saidBy(new Error("spawn ENOENT"))).toBe("spawn ENOENT");
    expect(saidBy(new Error("one\ntwo\nthree\nfour\n"))).toBe("two three four");
  });

  it("has all lines of an error: the reason stands below", () => {
    const message =
      "Diagnostics:\n  Migration (vm1):\n    error: vm1 cannot be moved; nothing was changed.\n      on host1, too old\n      on host2, too old\n\n  Stack:\n    vm1: moves";
    expect(saidBy(new Error(message))).toBe(
      "vm1 cannot be moved; nothing was changed. on host1, too old on host2, too old",
    );
  });
});
