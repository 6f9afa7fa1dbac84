import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MonitorEvent } from "../../../../libvirt/monitor-event.ts";
import type { TraceEvent } from "../../../../libvirt/qemu-trace.ts";
import { withDrift } from "../../../../migration/measuring/clock-drift.ts";
import { type Clocks, measureRunning, measureSteps } from "../../../../migration/measuring/measure.ts";
import { passesOf } from "../../../../migration/measuring/passes.ts";
import { postcopyTimeline } from "../../../../migration/measuring/postcopy-timeline.ts";
import { type PrecopyMoments, precopyTimeline } from "../../../../migration/measuring/precopy-timeline.ts";
import { Stopwatch } from "../../../../migration/measuring/stopwatch.ts";
import { Witness } from "../../../../migration/measuring/witness.ts";
import { inconsistencies } from "../../../../moves/inconsistencies.ts";
import { type MigrationRecord, recordSchema } from "../../../../moves/record.ts";
import type { SshSession } from "../../../../ssh/session.ts";
import { liveRecord, offlineRecord, postcopyRecord } from "../../helpers/records.ts";

/** What is wrong with a record that has these figures. */
function faultsOf(base: MigrationRecord, measured: Partial<MigrationRecord>): string[] {
  const record = recordSchema.parse({ ...base, passes: [], ...measured });
  return inconsistencies(record);
}

const tenths = (most: number) => fc.integer({ min: 0, max: most * 10 }).map((n) => n / 10);

describe("the phases of a pre-copy and the paper's equations", () => {
  const ordered = fc
    .record({
      active: tenths(5_000),
      iterations: tenths(600_000),
      sending: fc.option(tenths(60_000), { nil: undefined }),
      rest: tenths(5_000),
      completion: tenths(5_000),
    })
    .map(({ active, iterations, sending, rest, completion }): PrecopyMoments => {
      const round = (ms: number) => Math.round(ms * 10) / 10;
      const stoppedMs = round(active + iterations);
      const resumedMs = round(stoppedMs + (sending ?? 0) + rest);
      const memorySentMs = sending === undefined ? undefined : round(stoppedMs + sending);
      return { activeMs: active, stoppedMs, memorySentMs, resumedMs, endMs: round(resumedMs + completion) };
    });
  const switchover = fc.record(
    {
      remainingMiB: fc.double({ min: 0, max: 1e5, noNaN: true }),
      bandwidthMiBps: fc.double({ min: 0, max: 1e5, noNaN: true }),
    },
    { requiredKeys: [] },
  );

  test("add up, whenever what happened", () => {
    fc.assert(
      fc.property(ordered, switchover, (moments, known) => {
        expect(faultsOf(liveRecord(), precopyTimeline(moments, known))).toEqual([]);
      }),
    );
  });

  const moments = { activeMs: 200, stoppedMs: 1200, resumedMs: 1300, endMs: 1500 };

  test("are the paper's terms", () => {
    expect(precopyTimeline({ ...moments, memorySentMs: 1280 }, {})).toEqual({
      totalMs: 1500,
      downtimeMs: 100,
      phases: [
        { name: "preparation", startMs: 0, endMs: 200 },
        { name: "iterations", startMs: 200, endMs: 1200 },
        { name: "stop-and-copy", startMs: 1200, endMs: 1280 },
        { name: "device-state", startMs: 1280, endMs: 1300 },
        { name: "completion", startMs: 1300, endMs: 1500 },
      ],
      equations: { tiMs: 1000, ovMs: 500, dmMs: 80, vsMs: 20, dmVsFrom: "traced" },
    });
  });

  test("a disk that is copied along has a phase of its own, until memory is sent", () => {
    const { phases, totalMs, equations } = precopyTimeline({ ...moments, storageMs: 120 }, {});
    expect(phases.slice(0, 3)).toEqual([
      { name: "preparation", startMs: 0, endMs: 120 },
      { name: "storage", startMs: 120, endMs: 200 },
      { name: "iterations", startMs: 200, endMs: 1200 },
    ]);
    expect(equations.tiMs + equations.ovMs).toBe(totalMs);
  });

  test("DM without a trace is what remained over the bandwidth, and said to be estimated", () => {
    const { equations } = precopyTimeline(moments, { remainingMiB: 6, bandwidthMiBps: 100 });
    expect(equations).toMatchObject({ dmMs: 60, vsMs: 40, dmVsFrom: "estimated" });
  });

  test("an estimate, or a trace of another clock, is kept within the downtime", () => {
    const dm = (changes: Partial<PrecopyMoments>, remainingMiB?: number) =>
      precopyTimeline({ ...moments, ...changes }, { remainingMiB, bandwidthMiBps: 100 }).equations.dmMs;
    expect(dm({}, 1000)).toBe(100);
    expect(dm({ memorySentMs: 1100 })).toBe(0);
    expect(dm({ memorySentMs: 1400 })).toBe(100);
  });

  test("nothing known of the switchover: all of it is DM", () => {
    expect(precopyTimeline(moments, {}).equations).toMatchObject({
      dmMs: 100,
      vsMs: 0,
      dmVsFrom: "estimated",
    });
  });
});

describe("the phases of a post-copy", () => {
  test("add up, and its downtime is the device state's", () => {
    const gap = tenths(5_000);
    fc.assert(
      fc.property(fc.tuple(gap, gap, gap, gap, gap), (gaps) => {
        const round = (ms: number) => Math.round(ms * 10) / 10;
        const [activeMs, stoppedMs, resumedMs, completedMs, endMs] = gaps.map((_, i) =>
          round(gaps.slice(0, i + 1).reduce((a, b) => a + b)),
        ) as [number, number, number, number, number];
        const made = postcopyTimeline({ activeMs, stoppedMs, resumedMs, completedMs, endMs });
        expect(faultsOf(postcopyRecord(), made)).toEqual([]);
        expect(made.downtimeMs).toBe(made.equations.vsMs);
        expect(made.equations).not.toHaveProperty("dmMs");
      }),
    );
  });
});

describe("the passes of a pre-copy", () => {
  const pass = (number: number, atEpochSeconds: number): MonitorEvent => ({
    event: "MIGRATION_PASS",
    guest: "vm1",
    atEpochSeconds,
    data: { pass: number },
  });
  const traced = (atEpochSeconds: number, event: string, text: string): TraceEvent => ({
    event,
    atEpochSeconds,
    text,
  });
  const mib = 1024 * 1024;
  const onWatch = (epochSeconds: number) => (epochSeconds - 1000) * 1000;

  test("have what was sent and dirtied before them, and what remained then", () => {
    const events = [pass(1, 1000), { ...pass(9, 1000.5), event: "STOP", data: {} }, pass(2, 1002)];
    const trace = [
      traced(999.999, "migration_bitmap_sync_end", "dirty_pages 0"),
      traced(1000.001, "migrate_pending_estimate", `estimate pending size ${512 * mib} (pre = 1 post=0)`),
      traced(1001, "migrate_transferred", `transferred ${300 * mib} time_spent 100 bandwidth 1 max_size 1`),
      traced(1001.9, "migrate_transferred", `transferred ${250 * mib} time_spent 100 bandwidth 1 max_size 1`),
      traced(1001.999, "migration_bitmap_sync_end", "dirty_pages 4000"),
      traced(1002.001, "migrate_pending_exact", `exact pending size ${16 * mib} (pre = 1 post=0)`),
      traced(1002.1, "migrate_transferred", `transferred ${16 * mib} time_spent 100 bandwidth 1 max_size 1`),
    ];
    expect(passesOf(events, trace, onWatch)).toEqual([
      { pass: 1, transferredMiB: 0, remainingMiB: 512, atMs: 0 },
      { pass: 2, transferredMiB: 550, remainingMiB: 16, dirtyPagesPerSecond: 2000, atMs: 2000 },
    ]);
  });

  test("of QEMU 7.2, whose trace has another name and no bytes that were sent", () => {
    const trace = [
      traced(999.9, "migration_bitmap_sync_end", "dirty_pages 0"),
      traced(1000.1, "migrate_pending", `pending size ${512 * mib} max 0 (pre = 1 compat=0 post=0)`),
    ];
    expect(passesOf([pass(1, 1000)], trace, onWatch)).toEqual([
      { pass: 1, transferredMiB: 0, remainingMiB: 512, atMs: 0 },
    ]);
  });

  test("the last pass, after which nothing is told, has what was told right before it", () => {
    const trace = [traced(1001, "migrate_pending_exact", `exact pending size ${8 * mib} (pre = 1 post=0)`)];
    expect(passesOf([pass(3, 1002)], trace, onWatch)).toMatchObject([{ pass: 3, remainingMiB: 8 }]);
  });

  test("within a second of each other share a count: only what is new in it is theirs", () => {
    const seconds = [1000, 1003.1, 1003.6, 1003.7, 1003.704];
    // As QEMU counted them for a guest that writes 20 MiB/s.
    const counts = [0, 16_053, 2442, 2966, 2972];
    const events = seconds.map((atSeconds, index) => pass(index + 1, atSeconds));
    const trace = seconds.flatMap((atSeconds, index) => [
      traced(atSeconds - 0.001, "migration_bitmap_sync_end", `dirty_pages ${counts[index]}`),
      traced(atSeconds + 0.001, "migrate_pending_exact", "exact pending size 1048576 (pre = 1048576 post=0)"),
    ]);
    const rates = passesOf(events, trace, onWatch).map((one) => one.dirtyPagesPerSecond ?? Number.NaN);
    expect(rates.map((rate) => Math.round(rate / 100))).toEqual([Number.NaN, 52, 49, 52, Number.NaN]);
  });

  test("without a trace there is nothing to tell of them", () => {
    expect(passesOf([pass(1, 1000), pass(2, 1001)], [], onWatch)).toEqual([]);
  });
});

const startMs = 1_800_000_000_000;

/** A stopwatch that began at `startMs`. */
function watchFrom(): Stopwatch {
  const watch = new Stopwatch();
  const began = watch.fromHostClock(0, { offsetMs: 0, uncertaintyMs: 0 });
  watch.fromHostClock = (epochSeconds, clock) =>
    Stopwatch.prototype.fromHostClock.call(watch, epochSeconds, clock) - began - startMs;
  return watch;
}

interface Told {
  event: string;
  atMs: number;
  data?: Record<string, unknown>;
}

/** Someone who heard these events, each on the clock of the host that it is of. */
function witnessOf(source: Told[], destination: Told[], clocks: Clocks): Witness {
  const lines = new Map<object, (line: string) => void>();
  const endpoint = () => {
    const session: Pick<SshSession, "follow"> = {
      follow: (_command, onLine) => {
        lines.set(session, onLine);
        return { ended: new Promise(() => {}), write: () => {}, stop: async () => {} };
      },
    };
    return { session: session as SshSession };
  };
  const [from, to] = [endpoint(), endpoint()];
  const witness = new Witness({ guest: "vm1", source: from, destination: to });
  const tell = (at: typeof from, told: Told[], { offsetMs }: Clocks["source"]) => {
    for (const { event, atMs, data } of told) {
      const seconds = ((startMs + atMs + offsetMs) / 1000).toFixed(6);
      for (const guest of ["another", "vm1"]) {
        const shown = data && guest === "vm1" ? JSON.stringify(data) : "<null>";
        lines.get(at.session)?.(`event ${event} at ${seconds} for domain '${guest}': ${shown}`);
      }
    }
  };
  tell(from, source, clocks.source);
  tell(to, destination, clocks.destination);
  return witness;
}

const liveEvents = (activeMs: number, stoppedMs: number, completedMs: number): Told[] => [
  { event: "MIGRATION", atMs: activeMs - 4, data: { status: "setup" } },
  { event: "MIGRATION_PASS", atMs: activeMs - 0.1, data: { pass: 1 } },
  { event: "MIGRATION", atMs: activeMs, data: { status: "active" } },
  { event: "MIGRATION_PASS", atMs: stoppedMs - 1, data: { pass: 2 } },
  { event: "STOP", atMs: stoppedMs },
  { event: "MIGRATION", atMs: completedMs, data: { status: "completed" } },
];

/** A trace on the source's clock. */
function traceOf(lines: [number, string, string][], { offsetMs }: Clocks["source"]): TraceEvent[] {
  return lines.map(([atMs, event, text]) => ({
    event,
    text,
    atEpochSeconds: (startMs + atMs + offsetMs) / 1000,
  }));
}

const exact: Clocks = {
  source: { offsetMs: 90_000.25, uncertaintyMs: 0.04 },
  destination: { offsetMs: -3_600_000.5, uncertaintyMs: 0.05 },
};

describe("a live move, from what was heard and traced on hosts with clocks of their own", () => {
  test("is measured on one clock", () => {
    const witness = witnessOf(liveEvents(200, 1200, 1290), [{ event: "RESUME", atMs: 1300 }], exact);
    const trace = traceOf(
      [
        [199.8, "migration_bitmap_sync_end", "dirty_pages 0"],
        [199.95, "migrate_pending_estimate", "estimate pending size 554508288 (pre = 1 post=0)"],
        [1198.9, "migration_bitmap_sync_end", "dirty_pages 999"],
        [1199.5, "migrate_pending_exact", "exact pending size 1048576 (pre = 1 post=0)"],
        [1280, "savevm_section_end", "ram, section_id 3 -> 0"],
        [1285, "savevm_section_end", "cpu, section_id 5 -> 0"],
      ],
      exact.source,
    );
    const job = {
      downtimeMs: 104,
      transferredMiB: 540.5,
      iteration: 2,
      throttlePercent: 20,
      bandwidthMiBps: 500,
    };
    const measured = measureRunning(witness, { trace, job }, exact, watchFrom(), 1500);
    expect(measured).toMatchObject({
      totalMs: 1500,
      downtimeMs: 100,
      hypervisorTotalMs: 1094,
      hypervisorDowntimeMs: 104,
      transferredMiB: 540.5,
      iterations: 2,
      throttlePercent: 20,
      equations: { tiMs: 1000, ovMs: 500, dmMs: 80, vsMs: 20, dmVsFrom: "traced" },
      passes: [
        { pass: 1, atMs: 199.9 },
        { pass: 2, atMs: 1199, remainingMiB: 1 },
      ],
      clock: { offsetMs: -3_690_000.7, uncertaintyMs: 0.1 },
    });
    expect(measured.dirtyPagesPerSecond).toBeCloseTo(1000, 0);
    expect(faultsOf(liveRecord(), measured)).toEqual([]);
  });

  test("without a trace and statistics says what it does not know, and what it estimates", () => {
    const witness = witnessOf(liveEvents(200, 1200, 1290), [{ event: "RESUME", atMs: 1300 }], exact);
    const measured = measureRunning(witness, { trace: [] }, exact, watchFrom(), 1500);
    expect(measured.equations?.dmVsFrom).toBe("estimated");
    expect(measured).not.toHaveProperty("transferredMiB");
    expect(measured).not.toHaveProperty("hypervisorDowntimeMs");
    expect(measured.passes).toEqual([]);
  });

  test("of which the end at the destination was not heard has a total and no invented phases", () => {
    const witness = witnessOf(liveEvents(200, 1200, 1290), [], exact);
    const measured = measureRunning(witness, { trace: [] }, exact, watchFrom(), 1500);
    expect(measured).toMatchObject({ totalMs: 1500, phases: [] });
    expect(measured).not.toHaveProperty("downtimeMs");
    expect(measured).not.toHaveProperty("equations");
  });

  test("adds up even where the clocks were read wrongly, as far as they can be", () => {
    const errorMs = fc.double({ min: -50, max: 50, noNaN: true });
    const gapMs = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        errorMs,
        errorMs,
        fc.tuple(gapMs, gapMs, gapMs, gapMs),
        (wrongSource, wrongDestination, gaps) => {
          const [active, stopped, resumed, end] = gaps.map(
            (_, i) => 50 + gaps.slice(0, i + 1).reduce((a, b) => a + b),
          ) as [number, number, number, number];
          const witness = witnessOf(
            liveEvents(active, stopped, resumed),
            [{ event: "RESUME", atMs: resumed }],
            exact,
          );
          const read: Clocks = {
            source: { offsetMs: exact.source.offsetMs + wrongSource, uncertaintyMs: 50 },
            destination: { offsetMs: exact.destination.offsetMs + wrongDestination, uncertaintyMs: 50 },
          };
          const job = { transferredMiB: 1, iteration: 1 };
          const measured = measureRunning(witness, { trace: [], job }, read, watchFrom(), end);
          expect(faultsOf(liveRecord(), measured)).toEqual([]);
        },
      ),
    );
  });
});

describe("a move with post-copy, from what was heard and traced", () => {
  const postcopyEvents: Told[] = [
    { event: "MIGRATION", atMs: 196, data: { status: "setup" } },
    { event: "MIGRATION_PASS", atMs: 199.9, data: { pass: 1 } },
    { event: "MIGRATION", atMs: 200, data: { status: "active" } },
    { event: "STOP", atMs: 300 },
    { event: "MIGRATION", atMs: 310, data: { status: "postcopy-active" } },
    { event: "MIGRATION", atMs: 1300, data: { status: "completed" } },
  ];
  const job = { transferredMiB: 530, iteration: 1 };

  test("is measured on one clock", () => {
    const witness = witnessOf(postcopyEvents, [{ event: "RESUME", atMs: 400 }], exact);
    const measured = measureRunning(witness, { trace: [], job }, exact, watchFrom(), 1500);
    expect(measured).toMatchObject({
      totalMs: 1500,
      downtimeMs: 100,
      hypervisorTotalMs: 1104,
      transferredMiB: 530,
      phases: [
        { name: "preparation", startMs: 0, endMs: 200 },
        { name: "iterations", startMs: 200, endMs: 300 },
        { name: "device-state", startMs: 300, endMs: 400 },
        { name: "post-copy", startMs: 400, endMs: 1300 },
        { name: "completion", startMs: 1300, endMs: 1500 },
      ],
      equations: { tiMs: 100, ovMs: 1400, vsMs: 100 },
    });
    expect(faultsOf(postcopyRecord(), measured)).toEqual([]);
  });

  test("of which the end was not heard goes on until all is done", () => {
    const witness = witnessOf(postcopyEvents.slice(0, -1), [{ event: "RESUME", atMs: 400 }], exact);
    const { phases } = measureRunning(witness, { trace: [], job }, exact, watchFrom(), 1500);
    expect(phases.slice(-2)).toEqual([
      { name: "post-copy", startMs: 400, endMs: 1500 },
      { name: "completion", startMs: 1500, endMs: 1500 },
    ]);
  });
});

describe("a move in steps", () => {
  test("has our own steps as phases, and the hosts' events as downtime", () => {
    const witness = witnessOf([{ event: "STOP", atMs: 10 }], [{ event: "RESUME", atMs: 2990 }], exact);
    const phaseEnds = [
      { phase: "suspend", endMs: 500.04 },
      { phase: "copy", endMs: 1800 },
    ] as const;
    const measured = measureSteps(witness, phaseEnds, "resume", exact, watchFrom(), 3000);
    expect(measured).toMatchObject({
      totalMs: 3000,
      downtimeMs: 2980,
      stop: { stoppedMs: 10, resumedMs: 2990 },
      phases: [
        { name: "suspend", startMs: 0, endMs: 500 },
        { name: "copy", startMs: 500, endMs: 1800 },
        { name: "resume", startMs: 1800, endMs: 3000 },
      ],
    });
    expect(faultsOf(offlineRecord(), measured)).toEqual([]);
  });

  test("of which a border was not seen has no phases, rather than wrong ones", () => {
    const witness = witnessOf([{ event: "STOP", atMs: 10 }], [{ event: "RESUME", atMs: 2990 }], exact);
    const [suspend, copy] = [
      { phase: "suspend", endMs: 500 },
      { phase: "copy", endMs: 1800 },
    ] as const;
    for (const phaseEnds of [[], [suspend], [copy]]) {
      const measured = measureSteps(witness, phaseEnds, "resume", exact, watchFrom(), 3000);
      expect(measured).toMatchObject({ totalMs: 3000, downtimeMs: 2980, phases: [] });
      const recovered = { ...measured, outcome: "recovered", error: "its end was not seen" } as const;
      expect(faultsOf(offlineRecord(), recovered)).toEqual([]);
    }
  });

  test("of a guest that went off by itself begins its downtime with that", () => {
    const witness = witnessOf([{ event: "SHUTDOWN", atMs: 9000 }], [{ event: "RESUME", atMs: 9500 }], exact);
    expect(measureSteps(witness, [], "start", exact, watchFrom(), 9600).downtimeMs).toBe(500);
  });

  test("of which an end was not heard has no downtime", () => {
    const witness = witnessOf([{ event: "STOP", atMs: 10 }], [], exact);
    const measured = measureSteps(witness, [], "start", exact, watchFrom(), 20);
    expect(measured).not.toHaveProperty("downtimeMs");
    expect(measured).not.toHaveProperty("stop");
  });

  test("whose clocks were read wrongly never has a downtime below nothing or above its total", () => {
    const witness = witnessOf([{ event: "STOP", atMs: 10 }], [{ event: "RESUME", atMs: 11 }], exact);
    for (const wrongMs of [-40, 40]) {
      const destination = { offsetMs: exact.destination.offsetMs + wrongMs, uncertaintyMs: 50 };
      const phaseEnds = [
        { phase: "suspend", endMs: 10 },
        { phase: "copy", endMs: 11 },
      ] as const;
      const measured = measureSteps(witness, phaseEnds, "resume", { ...exact, destination }, watchFrom(), 12);
      expect(faultsOf(offlineRecord(), measured)).toEqual([]);
    }
  });
});

describe("clocks that are read before a move and after it", () => {
  const before: Clocks = {
    source: { offsetMs: 100, uncertaintyMs: 0.2 },
    destination: { offsetMs: -40, uncertaintyMs: 0.1 },
  };

  test("are as wrong as their reading, and by what they changed", () => {
    const after: Clocks = {
      source: { offsetMs: 97, uncertaintyMs: 0.3 },
      destination: { offsetMs: -39.5, uncertaintyMs: 0.3 },
    };
    const { source, destination } = withDrift(before, after);
    expect(source).toEqual({ offsetMs: 100, uncertaintyMs: 3.2 });
    expect(destination).toEqual({ offsetMs: -40, uncertaintyMs: 0.6 });
  });

  test("are as they were read, where they could not be read again", () => {
    expect(withDrift(before, undefined)).toEqual(before);
  });
});

describe("a stopwatch", () => {
  test("goes on from its beginning and never back", () => {
    const beforeMs = Date.now();
    const watch = new Stopwatch();
    const afterMs = Date.now();
    const readings = Array.from({ length: 1000 }, () => watch.nowMs());
    expect(readings[0]).toBeGreaterThanOrEqual(0);
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
    const startedMs = watch.startedAt.getTime();
    expect([beforeMs, startedMs, afterMs]).toEqual([beforeMs, startedMs, afterMs].toSorted((a, b) => a - b));
  });

  test("takes a host's clock by how far it is ahead", () => {
    const watch = new Stopwatch();
    const beforeMs = watch.nowMs();
    const hostSeconds = (performance.timeOrigin + performance.now() + 5000) / 1000;
    const afterMs = watch.nowMs();
    const readMs = watch.fromHostClock(hostSeconds, { offsetMs: 5000, uncertaintyMs: 1 });
    // Milliseconds since 1970 are rounded to less than a microsecond.
    expect(readMs).toBeGreaterThan(beforeMs - 0.01);
    expect(readMs).toBeLessThan(afterMs + 0.01);
  });
});

describe("a witness", () => {
  test("hears the last stop and the last resume of its own guest alone", () => {
    const none = {
      source: { offsetMs: 0, uncertaintyMs: 0 },
      destination: { offsetMs: 0, uncertaintyMs: 0 },
    };
    const stops = [
      { event: "STOP", atMs: 1000 },
      { event: "RESUME", atMs: 2000 },
      { event: "STOP", atMs: 3000 },
      { event: "SHUTDOWN", atMs: 4000 },
    ];
    const witness = witnessOf(stops, [{ event: "RESUME", atMs: 3500 }], none);
    expect(witness.stoppedAt).toBe((startMs + 3000) / 1000);
    expect(witness.resumedAt).toBe((startMs + 3500) / 1000);
    expect(witness.statusAt("active")).toBeUndefined();
    expect(new Set(witness.source.map(({ guest }) => guest))).toEqual(new Set(["vm1"]));
  });
});
