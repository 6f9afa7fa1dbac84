import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { migrationModes } from "../../../moves/modes.ts";
import { type MigrationRecord, recordSchema } from "../../../moves/record.ts";
import { correction } from "../../../prediction/correction.ts";
import { describe as inWords } from "../../../prediction/describe.ts";
import { knowsWriting, loadFrom, paceFrom, pastOf } from "../../../prediction/learn.ts";
import { paceIn, touchedIn } from "../../../prediction/observed.ts";
import { type Prediction, predict } from "../../../prediction/predict.ts";
import { priors } from "../../../prediction/priors.ts";
import { type ProposedMove, proposedBy } from "../../../prediction/proposed-move.ts";
import { weightedMedian } from "../../../prediction/weights.ts";
import { randomOf } from "../../../report/data/statistics.ts";
import { replay } from "../../../report/scores/replay.ts";
import { coldRecord, liveRecord, offlineRecord, postcopyRecord } from "../helpers/records.ts";

const proposed = (changes: Partial<ProposedMove> = {}): ProposedMove => ({
  guest: "vm1",
  from: "host1",
  to: "host2",
  accelerator: "tcg",
  memoryMiB: 768,
  options: { mode: "live" },
  ...changes,
});
/** Moves to and fro, one a minute, newest first. */
const past = (count: number, one: (changes: Partial<MigrationRecord>, index: number) => MigrationRecord) =>
  Array.from({ length: count }, (_, index) =>
    one({ startedAt: new Date(Date.UTC(2026, 2, 1, 12, count - index)).toISOString() }, index),
  );
const alone = () => 0;
const figure = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const rates = fc.record(
  {
    dirtyMiBps: figure(0, 3000),
    linkMiBps: figure(1, 5000),
    residentMiB: fc.integer({ min: 1, max: 200_000 }),
  },
  { requiredKeys: [] },
);
const anyMove = fc
  .record({
    memoryMiB: fc.integer({ min: 64, max: 200_000 }),
    accelerator: fc.constantFrom("kvm" as const, "tcg" as const),
    mode: fc.constantFrom(...migrationModes),
    bandwidthMiBps: fc.option(figure(1, 2000), { nil: undefined }),
    maxDowntimeMs: fc.option(fc.integer({ min: 1, max: 2000 }), { nil: undefined }),
    onTimeout: fc.constantFrom("abort" as const, "postcopy" as const, "suspend" as const),
    redoMiB: fc.option(figure(0, 10_000), { nil: undefined }),
    measured: rates,
  })
  .map(({ memoryMiB, accelerator, measured, redoMiB, ...options }) =>
    proposed({ memoryMiB, accelerator, redoMiB, ...measured, options }),
  );
const anyPast = fc.array(
  fc.constantFrom(
    liveRecord(),
    offlineRecord(),
    coldRecord(),
    postcopyRecord(),
    liveRecord({ outcome: "failed" }),
  ),
  { maxLength: 5 },
);

describe("a prediction", () => {
  test("is never negative, is within its own range, and is what a record may hold", () => {
    fc.assert(
      fc.property(anyMove, anyPast, (move, records) => {
        const predicted = predict(move, records);
        expect(recordSchema.shape.predicted.parse(predicted)).toEqual(predicted);
        const { range, totalMs, downtimeMs, passes, likelihood = Number.NaN } = predicted;
        for (const [value, [least, most]] of [
          [totalMs, range?.totalMs],
          [downtimeMs, range?.downtimeMs],
          [passes, range?.passes],
        ] as [number, [number, number]][]) {
          expect(value).toBeGreaterThanOrEqual(least);
          expect(value).toBeLessThanOrEqual(most);
        }
        expect(downtimeMs).toBeLessThanOrEqual(totalMs);
        expect(likelihood).toBeGreaterThanOrEqual(0);
        expect(predict(move, records)).toEqual(predicted);
      }),
    );
  });

  test("is longer the more memory there is, the faster it gets dirty, the slower it is sent", () => {
    const longer = (change: (move: ProposedMove, by: number) => ProposedMove) =>
      fc.assert(
        fc.property(anyMove, figure(1, 4), (move, by) => {
          fc.pre(move.options.mode === "live" || move.options.mode === "offline");
          const [before, after] = [predict(move, []), predict(change(move, by), [])];
          // One that is given up has no switchover any more, and nothing to complete.
          const isGivenUp = after.downtimeMs === 0;
          const switchoverMs = after.converges ? 0 : before.downtimeMs;
          const completionMs = isGivenUp ? priors[move.accelerator].completionMs : 0;
          // QEMU looks each 100 ms: what can be sent in the first of them takes no longer than nothing does; and times are rounded.
          expect(after.totalMs).toBeGreaterThanOrEqual(before.totalMs - switchoverMs - completionMs - 102);
        }),
      );
    longer((move, by) => ({ ...move, memoryMiB: Math.ceil(move.memoryMiB * by) }));
    longer((move, by) => ({ ...move, dirtyMiBps: (move.dirtyMiBps ?? 5) * by }));
    longer((move, by) => ({
      ...move,
      options: { ...move.options, bandwidthMiBps: (move.options.bandwidthMiBps ?? 5000) / by },
    }));
  });

  test("is what the last moves were, when they were all alike", () => {
    for (const one of [liveRecord, offlineRecord, coldRecord]) {
      const records = past(8, (changes) => one(changes));
      const predicted = predict(proposedBy(one()), records);
      expect(Math.abs(predicted.totalMs / one().totalMs - 1)).toBeLessThan(0.15);
      expect(predicted.range?.totalMs[0]).toBeLessThanOrEqual(one().totalMs);
      expect(predicted.range?.totalMs[1]).toBeGreaterThanOrEqual(one().totalMs);
    }
  });

  test("grows surer with what is known, and says that it knows nothing", () => {
    const wide = ({ range }: Prediction) => (range ? range.totalMs[1] / range.totalMs[0] : Number.NaN);
    const [none, few, many] = [0, 2, 10].map((count) =>
      predict(
        proposed(),
        past(count, (c) => liveRecord(c)),
      ),
    );
    expect(none?.from).toBe(0);
    expect(wide(few as Prediction)).toBeLessThan(wide(none as Prediction));
    expect(wide(many as Prediction)).toBeLessThan(wide(few as Prediction));
  });

  test.each([0.03, 0.1, 0.3])("has eight of ten within its range, when moves differ by %d", (spread) => {
    const random = randomOf(9);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const records: MigrationRecord[] = [];
    const known: Parameters<typeof predict>[2] = new Map();
    let [within, tried] = [0, 0];
    for (let hour = 0; hour < 260; hour++) {
      const totalMs = 9000 * Math.exp(spread * normal());
      const startedAt = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
      const record = offlineRecord({ guest: `vm${hour % 3}`, startedAt, totalMs, downtimeMs: totalMs });
      const { range } = predict(proposedBy(record), records, known);
      records.unshift({
        ...record,
        phases: record.phases.map((phase) => ({
          ...phase,
          startMs: (phase.startMs * totalMs) / 3200,
          endMs: (phase.endMs * totalMs) / 3200,
        })),
      });
      if (hour < 10 || !range) continue;
      tried += 1;
      if (totalMs >= range.totalMs[0] && totalMs <= range.totalMs[1]) within += 1;
    }
    expect(tried).toBe(250);
    expect(within / tried).toBeGreaterThan(0.75);
    expect(within / tried).toBeLessThan(0.85);
  });

  test("follows from the hosts' past with other guests, and from no failed move and no other accelerator", () => {
    const others = past(4, (changes) => liveRecord({ ...changes, guest: "vm2" }));
    expect(predict(proposed(), others).from).toBe(4);
    expect(
      predict(
        proposed(),
        others.map((record) => ({ ...record, outcome: "failed" as const })),
      ).from,
    ).toBe(0);
    expect(predict(proposed({ accelerator: "kvm" }), others).from).toBe(0);
  });

  test("keeps to a limit, and to what it says of a guest that writes faster than that", () => {
    const hot = {
      dirtyMiBps: 100,
      options: { mode: "live", bandwidthMiBps: 20, timeoutMs: 30_000 } as const,
    };
    const records = past(4, (changes) => liveRecord(changes));
    const live = predict(proposed(hot), records);
    expect(live).toMatchObject({ converges: false, likelihood: 0, downtimeMs: 0 });
    // Given up after its 30 s, and what prepares it; how far off moves that end were has no part in it.
    const slower = past(4, (changes) => liveRecord({ ...changes, totalMs: 4 * liveRecord().totalMs }));
    for (const { totalMs } of [live, predict(proposed(hot), slower)]) {
      expect(totalMs).toBeGreaterThan(30_000);
      expect(totalMs).toBeLessThan(32_000);
    }
    const postcopy = predict(
      proposed({ ...hot, options: { mode: "postcopy", bandwidthMiBps: 20 } }),
      records,
    );
    expect(postcopy.converges).toBe(true);
    expect(postcopy.downtimeMs).toBeLessThan(1000);
  });
});

describe("what records tell", () => {
  test("of memory: what is not zero is what was sent, less what was dirty again", () => {
    // 138.4 MiB sent, 5100 pages a second dirty for 1.12 s.
    expect(touchedIn(liveRecord())).toBeCloseTo(138.4 - (5100 / 256) * 1.12, 1);
    expect(touchedIn(offlineRecord())).toBeUndefined();
    expect(touchedIn(postcopyRecord({ transferredMiB: 300 }))).toBe(300);
  });

  test("of the pace: not of a transfer that its limit held back", () => {
    const free = paceIn(liveRecord(), 120, priors.tcg);
    expect(free).toMatchObject({ preparationMs: 150, deviceMs: 8.5 });
    expect(free.sendMiBps).toBeGreaterThan(100);
    const held = liveRecord({ options: { bandwidthMiBps: 115 } });
    expect(paceIn(held, 120, priors.tcg).sendMiBps).toBeUndefined();
    expect(
      paceIn(liveRecord({ options: { bandwidthMiBps: 1000 } }), 120, priors.tcg).sendMiBps,
    ).toBeDefined();
  });

  test("of the pace: what was sent, though most of what remained were zeros", () => {
    const passes = [
      { pass: 1, transferredMiB: 0, remainingMiB: 257, atMs: 200 },
      { pass: 2, transferredMiB: 59, remainingMiB: 184, atMs: 1100 },
    ];
    const zeros = liveRecord({ memoryMiB: 256, transferredMiB: 186, passes });
    const seconds = (zeros.equations?.tiMs ?? 0) / 1000;
    expect(paceIn(zeros, 186, priors.tcg).sendMiBps).toBeGreaterThanOrEqual(59 / seconds);
  });

  test("of the pace: of a guest that was paused at its timeout, nothing of a switchover", () => {
    const { passes } = liveRecord();
    const paused = liveRecord({
      passes: [...passes, { pass: 3, transferredMiB: 130, remainingMiB: 4, atMs: 1600 }],
    });
    expect(paceIn(liveRecord(), 120, priors.tcg).stoppedMiBps).toBeDefined();
    expect(paceIn(paused, 120, priors.tcg)).not.toHaveProperty("stoppedMiBps");
  });

  test("of the pace: a switchover after a transfer with a limit is told by such ones", () => {
    const { equations } = liveRecord();
    const quick = {
      ...equations,
      tiMs: 1120,
      ovMs: 380,
      dmMs: 7,
      vsMs: 73.5,
    } as MigrationRecord["equations"];
    const held = (changes: Partial<MigrationRecord>) =>
      liveRecord({ ...changes, equations: quick, options: { bandwidthMiBps: 115 } });
    const records = [...past(3, (changes) => liveRecord(changes)), ...past(3, held)];
    const stopped = (options: MigrationRecord["options"]) => {
      const kind = { ...proposed(), mode: "live" as const, options };
      return paceFrom(pastOf(records, kind, alone), kind).stoppedMiBps;
    };
    expect(stopped({})).toBeCloseTo(14 / 0.072, 0);
    expect(stopped({ bandwidthMiBps: 50 })).toBeCloseTo(14 / 0.007, 0);
  });

  test("of the pace: a switchover with another greatest downtime tells next to nothing", () => {
    const { equations } = liveRecord();
    const mostlyZeros = { ...equations, ovMs: 380, dmMs: 7 } as MigrationRecord["equations"];
    const back = (changes: Partial<MigrationRecord>) =>
      liveRecord({ ...changes, equations: mostlyZeros, options: { maxDowntimeMs: 2000 } });
    const records = [...past(3, back), ...past(3, (changes) => liveRecord(changes))];
    const stopped = (options: MigrationRecord["options"]) => {
      const kind = { ...proposed(), mode: "live" as const, options };
      return paceFrom(pastOf(records, kind, alone), kind).stoppedMiBps;
    };
    expect(stopped({})).toBeCloseTo(14 / 0.072, 0);
    expect(stopped({ maxDowntimeMs: 400 })).toBeCloseTo(14 / 0.072, 0);
    expect(stopped({ maxDowntimeMs: 1500 })).toBeCloseTo(14 / 0.007, 0);
  });

  test("of the pace: a switchover of the guest's own comes before those of others", () => {
    const { equations } = liveRecord();
    const quick = { ...equations, ovMs: 380, dmMs: 7 } as MigrationRecord["equations"];
    const others = past(9, (changes) => liveRecord({ ...changes, guest: "vm2", equations: quick }));
    const kind = { ...proposed(), mode: "live" as const, options: {} };
    const stopped = (records: MigrationRecord[]) => paceFrom(pastOf(records, kind, alone), kind).stoppedMiBps;
    expect(stopped(others)).toBeCloseTo(14 / 0.007, 0);
    expect(stopped([...others, ...past(2, (changes) => liveRecord(changes))])).toBeCloseTo(14 / 0.072, 0);
  });

  test("of the pace: how long a post-copy's devices wait for pages is told by those with a limit, or by those without", () => {
    const held = (changes: Partial<MigrationRecord>) =>
      postcopyRecord({
        ...changes,
        equations: { tiMs: 80, ovMs: 1420, vsMs: 800 },
        options: { bandwidthMiBps: 32 },
      });
    const records = [...past(3, held), ...past(2, (changes) => postcopyRecord(changes))];
    const waits = (options: MigrationRecord["options"]) => {
      const kind = { ...proposed(), mode: "postcopy" as const, options };
      return paceFrom(pastOf(records, kind, alone), kind).postcopyDeviceMs;
    };
    expect(waits({})).toBe(90);
    expect(waits({ bandwidthMiBps: 50 })).toBe(800);
  });

  test("of errors: those of totals that a like limit paced count most", () => {
    const limited = liveRecord({ options: { bandwidthMiBps: 32 } });
    const residuals = [limited, liveRecord()].flatMap((record) =>
      Array.from({ length: 9 }, () => ({ record, totalMs: record === limited ? 0.2 : -0.2 })),
    );
    const shift = (options: MigrationRecord["options"]) =>
      correction(residuals, { ...proposed(), mode: "live", options }).totalMs.shift;
    expect(shift({ bandwidthMiBps: 40 })).toBeGreaterThan(0.08);
    expect(shift({})).toBeLessThan(0);
  });

  test("of a guest: its own past first, then its QEMU, then other guests", () => {
    const kind = { ...proposed(), mode: "live" as const };
    const load = (records: MigrationRecord[], before = {}) =>
      loadFrom(pastOf(records, kind, alone), "vm1", { memoryMiB: 768, ...before }).touchedMiB;
    const own = touchedIn(liveRecord()) as number;
    expect(load([liveRecord()], { residentMiB: 700 })).toBeCloseTo(own);
    expect(load([liveRecord({ guest: "vm2" })], { residentMiB: 700 })).toBe(636);
    expect(load([liveRecord({ guest: "vm2", memoryMiB: 384 })])).toBeCloseTo(2 * own);
    expect(load([])).toBe(384);
    // What got dirty within the second of its measuring is memory that it writes to.
    expect(load([], { residentMiB: 164, dirtyMiBps: 300 })).toBe(300);
    expect(load([], { residentMiB: 164, dirtyMiBps: 3000 })).toBe(768);
    expect(load([], { residentMiB: 700, dirtyMiBps: 300 })).toBe(636);
    // It has grown since, by more than QEMU itself may have.
    const then = liveRecord({ before: { residentMiB: 200 } });
    expect(load([then], { residentMiB: 250 })).toBeCloseTo(own);
    expect(load([then], { residentMiB: 500 })).toBeCloseTo(own + 236);
    // Zeros went when it moved.
    const first = liveRecord({ before: { residentMiB: 700 } });
    expect(load([first], { residentMiB: 400 })).toBeCloseTo(own);
  });

  test("of writing: measured before declared before past, each for its own workload", () => {
    const kind = { ...proposed(), mode: "live" as const };
    const workload = { type: "memory", mibPerSecond: 20, workingSetMiB: 128 };
    const load = (before = {}) =>
      loadFrom(pastOf([liveRecord()], kind, alone), "vm1", { memoryMiB: 768, ...before });
    expect(load({ dirtyMiBps: 33, workload })).toMatchObject({ dirtyMiBps: 33, dirtyFrom: "measured" });
    expect(load({ workload })).toMatchObject({ dirtyMiBps: 20, dirtyFrom: "declared", isCyclic: true });
    expect(load()).not.toHaveProperty("isCyclic");
    // As far as it can be: within the second of its measuring no page counts twice.
    expect(load({ dirtyMiBps: 100, workload, residentMiB: 600 }).workingSetMiB).toBe(128);
    expect(load({ dirtyMiBps: 200, workload, residentMiB: 600 }).workingSetMiB).toBe(200);
    expect(load({ dirtyMiBps: 300 }).workingSetMiB).toBe(300);
    expect(load()).toMatchObject({ dirtyMiBps: 5100 / 256, dirtyFrom: "past" });
    expect(load({ workload: { type: "cpu" } }).dirtyFrom).toBe("prior");
    const vm1 = { guest: "vm1", accelerator: "tcg" } as const;
    expect(knowsWriting([liveRecord()], vm1)).toBe(true);
    expect(knowsWriting([liveRecord()], { ...vm1, workload: { type: "cpu" } })).toBe(false);
    expect(knowsWriting([], { ...vm1, workload })).toBe(true);
  });

  test("of writing: the guest's own, however often others moved since; and none that a prediction does not look at", () => {
    const workload = { type: "python" };
    const own = liveRecord({ workload, options: { bandwidthMiBps: 15 } });
    const others = past(80, (changes) => liveRecord({ ...changes, guest: "vm2" }));
    const vm1 = { guest: "vm1", accelerator: "tcg", workload } as const;
    expect(knowsWriting([...others, own], vm1)).toBe(true);
    const options = { mode: "live", bandwidthMiBps: 15, timeoutMs: 60_000 } as const;
    expect(predict(proposed({ workload, options }), [...others, own]).converges).toBe(
      predict(proposed({ workload, options }), [own]).converges,
    );
    expect(predict(proposed({ workload, options }), [own]).converges).toBe(false);
    expect(knowsWriting([liveRecord({ workload, accelerator: "kvm" })], vm1)).toBe(false);
    expect(knowsWriting([liveRecord({ workload, outcome: "recovered" })], vm1)).toBe(false);
  });

  test("weighs: half of the weight is below the median", () => {
    expect(weightedMedian([])).toBeUndefined();
    expect(weightedMedian([{ value: 9, weight: 0 }])).toBeUndefined();
    const values = [1, 2, 100].map((value) => ({ value, weight: value === 100 ? 5 : 1 }));
    expect(weightedMedian(values)).toBe(100);
  });
});

test("a replay tells each move from those alone that were over before it began", () => {
  const records = past(6, (changes) => liveRecord(changes));
  const replayed = replay(records);
  expect(replayed.map(({ predicted }) => predicted.from)).toEqual([0, 1, 2, 3, 4, 5]);
  const later = replay([...records, liveRecord({ startedAt: "2027-01-01T00:00:00.000Z", totalMs: 99_000 })]);
  expect(later.slice(0, 6)).toEqual(replayed);
  const atOnce = [liveRecord(), liveRecord({ startedAt: "2026-03-01T12:00:01.000Z", guest: "vm2" })];
  expect(replay(atOnce).map(({ predicted }) => predicted.from)).toEqual([0, 0]);
});

describe("in words", () => {
  const predicted: Prediction = {
    totalMs: 4120,
    downtimeMs: 118,
    passes: 3,
    converges: true,
    likelihood: 1,
    range: { totalMs: [3211, 5480], downtimeMs: [82, 214], passes: [3, 4] },
    from: 7,
  };

  test("it has figures that mean something, with their ranges", () => {
    expect(inWords(predicted, { mode: "live" })).toBe(
      "about 4.1 s (3.2 to 5.5), downtime about 120 ms (82 to 210), 3 passes",
    );
  });

  test("it says what it is not sure of", () => {
    expect(inWords({ ...predicted, likelihood: 0.78, from: 0 }, { mode: "live" })).toMatch(
      /; pre-copy converges in 8 of 10 cases; a rough guess, since no move between these hosts is known yet$/,
    );
    expect(
      inWords(
        { ...predicted, converges: false, likelihood: 0 },
        { mode: "live", onTimeout: "suspend", timeoutMs: 30_000 },
      ),
    ).toMatch(/^pre-copy does not converge, the guest is paused after 30 s; about/);
    expect(inWords({ ...predicted, converges: false, likelihood: 0 }, { mode: "live" })).toBe(
      "pre-copy does not converge, it is given up after 600 s",
    );
  });
});
