import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type MigrationRecord, recordSchema } from "../../../moves/record.ts";
import { companionsIn, othersBeside, othersIn, type Passage } from "../../../prediction/company.ts";
import { convergence } from "../../../prediction/convergence.ts";
import { describe as inWords } from "../../../prediction/describe.ts";
import { predict } from "../../../prediction/predict.ts";
import { type ProposedMove, proposedBy } from "../../../prediction/proposed-move.ts";
import { coldRecord, liveRecord } from "../helpers/records.ts";

const beginMs = Date.UTC(2026, 2, 1, 12);
let made = 0;
/** A move of a guest of its own. */
const at = (ms: number, changes: Partial<MigrationRecord> = {}) =>
  liveRecord({ guest: `vm${++made}`, startedAt: new Date(beginMs + ms).toISOString(), ...changes });
const sharedBy = (records: readonly MigrationRecord[]) => {
  const companions = companionsIn(records);
  return records.map((record) => othersIn(record, companions.get(record)));
};

describe("with how many others a move shared", () => {
  test.each([
    ["none, if it was alone", [at(0), at(1500)], [0, 0]],
    ["one, all the time", [at(0), at(0)], [1, 1]],
    ["two, all the time", [at(0), at(0), at(0)], [2, 2, 2]],
    // Half of its time it had half: three quarters in all.
    ["one, half of its time", [at(0), at(750)], [1 / 3, 1 / 3]],
    ["one, as long as that took", [at(0, { totalMs: 3000 }), at(0, { totalMs: 1500 })], [1 / 3, 1]],
    ["none that came the other way", [at(0), at(0, { from: "host2", to: "host1" })], [0, 0]],
    ["none between other hosts", [at(0), at(0, { from: "host3", to: "host4" })], [0, 0]],
    [
      "none that sends nothing",
      [at(0), coldRecord({ guest: "vm0", startedAt: at(0).startedAt, from: "host1", to: "host2" })],
      [0, 0],
    ],
    [
      "as many as at the end that more have in common",
      [at(0), at(0, { to: "host3" }), at(0, { to: "host4" }), at(0, { from: "host5" })],
      [2, 2, 2, 1],
    ],
  ])("%s", (_, records, others) => {
    for (const [index, met] of sharedBy(records).entries()) expect(met).toBeCloseTo(others[index] ?? -1, 9);
  });

  test("at most with all, and what it lost by another that one lost by it", () => {
    const time = fc.record({
      ms: fc.integer({ min: 0, max: 5000 }),
      totalMs: fc.integer({ min: 1, max: 5000 }),
    });
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 6 }), (times) => {
        const records = times.map(({ ms, totalMs }) => at(ms, { totalMs }));
        const met = sharedBy(records);
        for (const others of met) {
          expect(others).toBeGreaterThanOrEqual(0);
          expect(others).toBeLessThanOrEqual(times.length - 1 + 1e-9);
        }
        const [one, other] = records;
        if (!one || !other) return;
        const lostMs = sharedBy([one, other]).map(
          (others, index) => (records[index]?.totalMs ?? 0) * (1 - 1 / (1 + others)),
        );
        expect(lostMs[0]).toBeCloseTo(lostMs[1] ?? -1, 6);
      }),
    );
  });

  test("also as it was expected, where others are not over yet", () => {
    const predicted = { totalMs: 1500, downtimeMs: 80, passes: 2, converges: true, others: 1 };
    expect(othersIn(at(0, { predicted }))).toBe(1);
    expect(othersIn(at(0, { predicted }), [at(0), at(0)])).toBe(2);
  });
});

describe("with how many others a move will share", () => {
  const drained = (sizeMiB: number, to = "host2"): Passage => ({ from: "host1", to, sizeMiB });

  test.each([
    ["none", [], 4, 0],
    ["one that has as much to send", [drained(400)], 4, 1],
    ["one that has half as much", [drained(200)], 4, 0.5],
    ["no more than a host takes part in", [drained(400), drained(400), drained(400)], 2, 1],
    ["none, where moves are one by one", [drained(400)], 1, 0],
    ["those that leave the same host", [drained(400, "host3"), drained(900, "host4")], 4, 2],
    [
      "none that comes the other way, or sends nothing",
      [{ from: "host2", to: "host1", sizeMiB: 400 }, drained(0)],
      4,
      0,
    ],
  ])("%s", (_, others, perHost, expected) => {
    expect(othersBeside(drained(400), others, perHost)).toBe(expected);
  });

  test("none, if it sends nothing", () => {
    expect(othersBeside(drained(0), [drained(400)], 4)).toBe(0);
  });
});

describe("moves that share a link equally", () => {
  const linkMiBps = 100;
  const guests = [240, 400, 520, 640].map((sizeMiB, index) => ({ guest: `vm${index}`, sizeMiB }));
  type Guest = (typeof guests)[number];
  const roundMs = 600_000;

  /** When each is done, of those that begin together: in truth, not as it is predicted. */
  const transferMs = (sizeMiB: number, all: readonly Guest[]) =>
    (all.reduce((sum, other) => sum + Math.min(other.sizeMiB, sizeMiB), 0) / linkMiBps) * 1000;

  const made = (round: number, all: readonly Guest[], sharing = all): MigrationRecord[] =>
    all.map(({ guest, sizeMiB }) => {
      const tiMs = transferMs(sizeMiB, sharing.length > 0 ? sharing : [{ guest, sizeMiB }]);
      const ends = [150, 150 + tiMs, 222 + tiMs, 230 + tiMs, 400 + tiMs];
      const names = ["preparation", "iterations", "stop-and-copy", "device-state", "completion"] as const;
      return at(round * roundMs, {
        guest,
        memoryMiB: 2 * sizeMiB,
        totalMs: ends[4] as number,
        downtimeMs: 80,
        phases: names.map((name, index) => ({
          name,
          startMs: ends[index - 1] ?? 0,
          endMs: ends[index] as number,
        })),
        equations: { tiMs, ovMs: 400, dmMs: 72, vsMs: 8 },
        passes: [
          { pass: 1, transferredMiB: 0, remainingMiB: 2 * sizeMiB, atMs: 150 },
          { pass: 2, transferredMiB: sizeMiB, remainingMiB: 14, dirtyPagesPerSecond: 0, atMs: 150 + tiMs },
        ],
        transferredMiB: sizeMiB + 14,
      });
    });
  const asked = ({ guest, sizeMiB }: Guest, all: readonly Guest[]): ProposedMove => {
    const passage = (size: number) => ({ from: "host1", to: "host2", sizeMiB: size });
    return {
      ...passage(sizeMiB),
      guest,
      accelerator: "tcg",
      memoryMiB: 2 * sizeMiB,
      options: { mode: "live" },
      others: othersBeside(
        passage(sizeMiB),
        all.filter((other) => other.guest !== guest).map((other) => passage(other.sizeMiB)),
        all.length,
      ),
    };
  };
  const newestFirst = (...rounds: (readonly Guest[])[]) =>
    rounds.flatMap((all, round) => made(round, all)).reverse();
  const offBy = (all: readonly Guest[], records: readonly MigrationRecord[]) =>
    all.map((guest, index) => {
      const { totalMs } = made(0, all)[index] as MigrationRecord;
      return Math.abs(predict(asked(guest, all), records).totalMs / totalMs - 1);
    });
  const alone = guests.map((guest) => [guest]);

  test.each([
    ["alone, from those alone", alone, alone],
    ["at once, from those at once", [guests, guests, guests], [guests]],
    ["at once, from those alone", alone, [guests, guests.slice(0, 2)]],
    ["alone, from those at once", [guests, guests, guests], alone],
    ["two at a time, from both", [guests, ...alone, guests], [guests.slice(0, 2), guests.slice(1, 3)]],
  ])("are predicted %s", (_, past, next) => {
    const records = newestFirst(...past);
    for (const all of next) for (const off of offBy(all, records)) expect(off).toBeLessThan(0.12);
  });

  test("that have enough for all are told by moves in company alike", () => {
    const each = (all: readonly Guest[], round: number) => made(round, all, []);
    const records = [guests, ...alone, guests, guests, ...alone].flatMap(each).reverse();
    for (const [index, guest] of guests.entries()) {
      const { totalMs } = each(guests, 0)[index] as MigrationRecord;
      expect(Math.abs(predict(asked(guest, guests), records).totalMs / totalMs - 1)).toBeLessThan(0.25);
    }
  });

  test("would be far off if each were taken to be alone", () => {
    const [first] = guests as [Guest];
    const { totalMs } = made(0, guests)[0] as MigrationRecord;
    const { others: _, ...lone } = asked(first, guests);
    expect(predict(lone, newestFirst(...alone)).totalMs / totalMs).toBeLessThan(0.5);
  });

  test("share a limit exactly, in the prediction and in the choice of a mode", () => {
    const records = newestFirst(...alone);
    const options = { mode: "live", bandwidthMiBps: 20 } as const;
    const [first] = guests as [Guest];
    const beside = (others: number) => ({ ...asked(first, [first]), options, others });
    expect(convergence(beside(3), records, 1.25).sendMiBps).toBe(5);
    expect(convergence(beside(0), records, 1.25).sendMiBps).toBe(20);
    const [lone, four] = [0, 3].map((others) => predict(beside(others), records).totalMs) as [number, number];
    expect(four / lone).toBeGreaterThan(3.5);
    expect(four / lone).toBeLessThan(4.1);
    // The file with its memory is copied with all of it.
    const saved = (others: number) =>
      predict({ ...beside(others), options: { mode: "offline", bandwidthMiBps: 1 } }, []).totalMs;
    expect(saved(3) / saved(0)).toBeLessThan(1.1);
  });

  test("say so: the record keeps it, is asked the same again, and a preview tells it", () => {
    const [first] = guests as [Guest];
    const predicted = predict(asked(first, guests), []);
    expect(predicted.others).toBe(3);
    expect(recordSchema.shape.predicted.parse(predicted)).toEqual(predicted);
    expect(proposedBy(at(0, { predicted })).others).toBe(3);
    expect(predict(asked(first, [first]), [])).not.toHaveProperty("others");
    expect(inWords(predicted, { mode: "live" })).toContain(", beside 3 other moves");
    expect(inWords({ ...predicted, others: 0.5 }, { mode: "live" })).toContain(", beside another move");
  });
});
