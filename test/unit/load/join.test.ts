import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GuestSample, HostSamples, UsageSample } from "../../../hosts/load.ts";
import { joinLoad } from "../../../load/join.ts";

const boot = "0123abcd";
const answer = (more: Partial<HostSamples> = {}): HostSamples => ({
  cpus: 8,
  everySeconds: 60,
  host: [],
  guests: [],
  ...more,
});

/** Samples a minute apart, with what was used up to each of them. */
const series = (used: readonly number[], more: Partial<GuestSample> = {}, fromMinute = 0): GuestSample[] =>
  used.map((cpuSeconds, index) => ({
    uuid: "a",
    counter: "c7",
    boot,
    atSeconds: (fromMinute + index) * 60,
    cpuSeconds,
    ...more,
  }));
const ofHost = (used: readonly number[]): UsageSample[] =>
  used.map((cpuSeconds, index) => ({ boot, atSeconds: index * 60, cpuSeconds }));

const guestOf = (guests: readonly GuestSample[], more: Partial<HostSamples> = {}) =>
  joinLoad({ host1: answer({ guests: [...guests], ...more }) }).guests.a;

describe("a guest's load", () => {
  test("is its CPU seconds a second, and what it does not exceed for 95 % of the time", () => {
    const rates = Array.from({ length: 40 }, (_, index) => (index < 37 ? 0.5 : 2));
    let sum = 1000;
    const used = [sum, ...rates.map((rate) => (sum += rate * 60))];
    const load = guestOf(series(used));
    expect(load?.meanCpus).toBeCloseTo((37 * 0.5 + 3 * 2) / 40, 9);
    // 37 of 40 are 92.5 %.
    expect(load?.p95Cpus).toBeCloseTo(2, 9);
    expect(load?.coveredSeconds).toBe(40 * 60);
    const seldom = used.slice(0, 39);
    expect(guestOf(series(seldom))?.p95Cpus).toBeCloseTo(0.5, 9);
  });

  test("is not known from one sample, or from none", () => {
    expect(guestOf(series([5]))).toBeUndefined();
    expect(guestOf([])).toBeUndefined();
  });

  test("leaves out the time in which its counter began anew, or another one counted", () => {
    const again = [...series([600, 660]), ...series([6, 66], {}, 2)];
    expect(guestOf(again)).toEqual({ meanCpus: 1, p95Cpus: 1, coveredSeconds: 120 });
    const another = [...series([0, 60]), ...series([1e6, 1e6 + 60], { counter: "p7" }, 2)];
    expect(guestOf(another)).toEqual({ meanCpus: 1, p95Cpus: 1, coveredSeconds: 120 });
    const restarted = [...series([0, 60]), ...series([60, 120], { counter: "c8" }, 2)];
    expect(guestOf(restarted)?.coveredSeconds).toBe(120);
    const rebooted = [...series([0, 60]), ...series([60, 120], { boot: "89abcdef" }, 1)];
    expect(guestOf(rebooted)?.coveredSeconds).toBe(120);
  });

  test("leaves out a time that it may have been elsewhere, but not a sample that is missing", () => {
    expect(guestOf([...series([0, 60]), ...series([180], {}, 3)])?.coveredSeconds).toBe(180);
    expect(guestOf([...series([0, 60]), ...series([61, 121], {}, 30)])?.coveredSeconds).toBe(120);
  });

  test("is none that the host's CPUs could not have had", () => {
    expect(guestOf(series([0, 60, 60 + 8 * 60 * 3, 60 + 8 * 60 * 3 + 60]))).toEqual({
      meanCpus: 1,
      p95Cpus: 1,
      coveredSeconds: 120,
    });
  });

  test("does not depend on the order of samples", () => {
    expect(guestOf(series([0, 60, 180]).reverse())).toEqual(guestOf(series([0, 60, 180])));
  });
});

describe("what a host keeps busy itself", () => {
  const baseOf = (more: Partial<HostSamples>) => joinLoad({ host1: answer(more) }).hosts.host1;

  test("is what its guests did not use", () => {
    const guests = [...series([0, 60, 120]), ...series([5, 35, 65], { uuid: "b" })];
    expect(baseOf({ host: ofHost([1000, 1096, 1192]), guests })).toEqual({
      cpus: 8,
      baseCpus: expect.closeTo(0.1, 9),
      coveredSeconds: 120,
    });
  });

  test("is compared only while the same guests were there", () => {
    // The second guest comes with the third sample, having used 50 s by then.
    const guests = [...series([0, 60, 120, 180]), ...series([50, 56], { uuid: "b" }, 2)];
    const load = baseOf({ host: ofHost([0, 66, 182, 254]), guests });
    expect(load).toEqual({ cpus: 8, baseCpus: expect.closeTo(0.1, 9), coveredSeconds: 120 });
    const left = [...series([0, 60, 120]), ...series([0, 6], { uuid: "b" })];
    expect(baseOf({ host: ofHost([0, 72, 138]), guests: left })?.coveredSeconds).toBe(60);
  });

  test("is not known where the host cannot tell, and never less than nothing", () => {
    expect(baseOf({ guests: series([0, 60]) })).toEqual({ cpus: 8, coveredSeconds: 0 });
    expect(baseOf({ host: ofHost([0, 59]), guests: series([0, 60]) })?.baseCpus).toBe(0);
  });

  test("a host that does not answer is named with its reason, and the others' guests are known", () => {
    const load = joinLoad({ host1: { reason: "no route" }, host2: answer({ guests: series([0, 60]) }) });
    expect(load.silent).toEqual({ host1: { reason: "no route" } });
    expect(Object.keys(load.hosts)).toEqual(["host2"]);
    expect(load.guests.a?.meanCpus).toBe(1);
  });
});

/** Any life of a guest: what it used in each minute, where it was, and what went wrong with the samples. */
const anyLife = fc.record({
  vcpus: fc.integer({ min: 1, max: 4 }),
  /** Of its vCPUs; the emulator's threads are one CPU at most. */
  rates: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 }),
  emulator: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Minutes at whose end it goes on on another host. */
  moves: fc.uniqueArray(fc.nat(59), { maxLength: 6 }),
  starts: fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 7, maxLength: 7 }),
});

type Life = typeof anyLife extends fc.Arbitrary<infer T> ? T : never;

/**
 * What hosts say of it. Each part of its life is on the next of `hosts` hosts, whose counter and boot begin anywhere.
 *
 * @param isSampledAtMove whether both hosts have a sample of the very moment of a move, so that nothing is unknown
 */
function lived({ vcpus, rates, emulator, moves, starts }: Life, hosts: number, isSampledAtMove: boolean) {
  const answers: Record<string, HostSamples> = {};
  const sampled = (part: number, minute: number, used: number) => {
    const name = `host${part % hosts}`;
    answers[name] ??= answer();
    const start = starts[part % starts.length] ?? 0;
    answers[name].guests.push({
      uuid: "a",
      counter: `c${part}`,
      boot,
      atSeconds: minute * 60 + (part % hosts) * 1e6,
      cpuSeconds: start + used,
    });
  };
  let [part, used] = [0, 0];
  sampled(part, 0, used);
  for (const [minute, rate] of rates.entries()) {
    used += (rate * vcpus + emulator) * 60;
    const isMove = moves.includes(minute);
    if (!isMove || isSampledAtMove) sampled(part, minute + 1, used);
    if (!isMove) continue;
    part++;
    sampled(part, minute + 1, used);
  }
  return answers;
}

describe("any life of a guest", () => {
  test("gives the same load however it is cut between hosts", () => {
    fc.assert(
      fc.property(anyLife, fc.integer({ min: 1, max: 4 }), (life, hosts) => {
        const whole = joinLoad(lived({ ...life, moves: [] }, 1, true)).guests.a;
        const cut = joinLoad(lived(life, hosts, true)).guests.a;
        expect(cut?.coveredSeconds).toBeCloseTo(whole?.coveredSeconds ?? Number.NaN, 6);
        expect(cut?.meanCpus).toBeCloseTo(whole?.meanCpus ?? Number.NaN, 5);
        expect(cut?.p95Cpus).toBeCloseTo(whole?.p95Cpus ?? Number.NaN, 5);
      }),
    );
  });

  test("gives no figure that it never had, whatever was lost at its moves", () => {
    fc.assert(
      fc.property(anyLife, fc.integer({ min: 1, max: 4 }), (life, hosts) => {
        const load = joinLoad(lived(life, hosts, false)).guests.a;
        if (load === undefined) return;
        const rates = life.rates.map((rate) => rate * life.vcpus + life.emulator);
        for (const figure of [load.meanCpus, load.p95Cpus]) {
          expect(figure).toBeGreaterThanOrEqual(Math.min(...rates) - 1e-5);
          expect(figure).toBeLessThanOrEqual(Math.max(...rates) + 1e-5);
        }
        expect(load.coveredSeconds).toBeLessThanOrEqual(60 * life.rates.length + 1e-6);
      }),
    );
  });

  test("gives nothing negative, no NaN, and no more than its host has, whatever the samples say", () => {
    const anySample = fc.record({
      uuid: fc.constantFrom("a", "b"),
      counter: fc.constantFrom("c1", "p1"),
      boot: fc.constantFrom("0123abcd", "89abcdef"),
      atSeconds: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.double({ min: 0, max: 1e9, noNaN: true })),
      cpuSeconds: fc.double({ min: 0, max: 1e10, noNaN: true }),
    });
    const anyAnswer = fc.record({
      cpus: fc.integer({ min: 1, max: 64 }),
      everySeconds: fc.constantFrom(60, 720),
      host: fc.array(anySample),
      guests: fc.array(anySample, { maxLength: 30 }),
    });
    fc.assert(
      fc.property(fc.array(anyAnswer, { minLength: 1, maxLength: 3 }), (all) => {
        const { guests, hosts } = joinLoad(
          Object.fromEntries(all.map((one, index) => [`host${index}`, one])),
        );
        const most = 1.2 * Math.max(...all.map(({ cpus }) => cpus)) + 1e-9;
        const figures = [
          ...Object.values(guests).flatMap(({ meanCpus, p95Cpus }) => [meanCpus, p95Cpus]),
          ...Object.values(hosts).flatMap(({ baseCpus = 0 }) => baseCpus),
        ];
        for (const figure of figures) {
          expect(figure).toBeGreaterThanOrEqual(0);
          expect(figure).toBeLessThanOrEqual(most);
        }
        for (const { coveredSeconds } of Object.values(guests)) expect(coveredSeconds).toBeGreaterThan(0);
      }),
    );
  });
});
