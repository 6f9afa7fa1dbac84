import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { viewOf } from "../../../../migration/clients/client-view.ts";
import { missedTime } from "../../../../migration/clients/guest-clock.ts";
import { Answers, type Batch } from "../../../../migration/clients/prober.ts";
import {
  lengthOf,
  type ProbeAnswer,
  silenceAround,
  unansweredAround,
  usualSilenceMs,
} from "../../../../migration/clients/silence.ts";
import type { MigrationRequest } from "../../../../migration/context/migration-request.ts";
import { migrate } from "../../../../migration/migrate.ts";
import { recordSchema } from "../../../../moves/record.ts";
import { closeSessions } from "../../../../ssh/session-pool.ts";
import { liveRecord } from "../../../unit/helpers/records.ts";
import { simulate, world } from "../../../unit/helpers/simulated-session.ts";

vi.mock("../../../../ssh/session.ts", () => import("../../../unit/helpers/simulated-session.ts"));
vi.mock("node:timers/promises", () => import("../../../unit/helpers/simulated-time.ts"));
afterEach(closeSessions);

/** A guest that stands still for a while, and answers all that it is asked at other times, a little later. */
interface Guest {
  stopMs: number;
  stoppedForMs: number;
  /** From question to answer, for each in turn. */
  delaysMs: readonly number[];
}

const untilMs = 3_000;
const intervalMs = 5;

function answersOf({ stopMs, stoppedForMs, delaysMs }: Guest): ProbeAnswer[] {
  const answers: ProbeAnswer[] = [];
  for (let sentMs = 0, i = 0; sentMs < untilMs; sentMs += intervalMs, i++) {
    const protocol = i % 2 ? "tcp" : "icmp";
    if (sentMs >= stopMs && sentMs < stopMs + stoppedForMs) continue;
    answers.push({ protocol, sentMs, arrivedMs: sentMs + (delaysMs[i % delaysMs.length] as number) });
  }
  return answers;
}

const stops = fc.record({
  stopMs: fc.double({ min: 500, max: 1000, noNaN: true }),
  stoppedForMs: fc.double({ min: 20, max: 1500, noNaN: true }),
});

describe("the longest silence around the switchover", () => {
  const once = fc.array(fc.double({ min: 0.05, max: 2, noNaN: true }), { minLength: 1, maxLength: 20 });

  test("is the stop, longer by no more than two intervals and what answers take", () => {
    fc.assert(
      fc.property(stops, once, ({ stopMs, stoppedForMs }, delaysMs) => {
        const answers = answersOf({ stopMs, stoppedForMs, delaysMs });
        const silence = silenceAround(answers, { startMs: stopMs, endMs: stopMs + stoppedForMs }, 1);
        const moreMs = (silence ? lengthOf(silence) : Number.NaN) - stoppedForMs;
        expect(moreMs).toBeGreaterThanOrEqual(-2);
        expect(moreMs).toBeLessThanOrEqual(2 * intervalMs + 2);
      }),
    );
  });

  test("is as long as the stop, to an interval, by what was asked in vain: however late a guest that runs again answers", () => {
    const late = fc.array(fc.double({ min: 0.05, max: 300, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(stops, late, ({ stopMs, stoppedForMs }, delaysMs) => {
        const answers = answersOf({ stopMs, stoppedForMs, delaysMs });
        const stopped = { startMs: stopMs, endMs: stopMs + stoppedForMs };
        const unansweredMs = unansweredAround(answers, stopped, intervalMs, 1) ?? Number.NaN;
        expect(Math.abs(unansweredMs - stoppedForMs)).toBeLessThanOrEqual(intervalMs + 1e-9);
      }),
    );
  });

  const at = (...arrivals: number[]): ProbeAnswer[] =>
    arrivals.map((arrivedMs) => ({ protocol: "icmp", sentMs: arrivedMs - 1, arrivedMs }));

  test("is the one of the stop, though longer ones were elsewhere", () => {
    const answers = at(0, 400, 405, 410, 500, 900, 905);
    expect(silenceAround(answers, { startMs: 411, endMs: 498 }, 1)).toEqual({ startMs: 410, endMs: 500 });
    expect(usualSilenceMs(answers, 410)).toBe(400);
  });

  test("counts answers as they arrive: those to questions that waited come when the guest runs again", () => {
    const waited = { protocol: "icmp", sentMs: 415, arrivedMs: 500 } as const;
    const answers = [waited, ...at(405, 410)];
    const stopped = { startMs: 411, endMs: 414 };
    expect(silenceAround(answers, stopped, 1)).toEqual({ startMs: 410, endMs: 500 });
    // What was asked from 415 on did reach it.
    expect(unansweredAround(answers, stopped, 5, 1)).toBe(1);
  });

  test("is not known without an answer on either side of it", () => {
    expect(silenceAround(at(500, 505), { startMs: 100, endMs: 400 }, 5)).toBeUndefined();
    expect(silenceAround(at(90, 95), { startMs: 101, endMs: 400 }, 5)).toBeUndefined();
    expect(silenceAround([], { startMs: 101, endMs: 400 }, 5)).toBeUndefined();
    expect(usualSilenceMs(at(90), 100)).toBeUndefined();
  });
});

describe("what the guest's own clock missed", () => {
  /** What a guest says of its clock, which stood still from `stopMs` on for some time. */
  function told(aheadMs: number, stopMs: number, missedMs: number, delays: readonly [number, number][]) {
    const answers: ProbeAnswer[] = [];
    for (let sentMs = 0, i = 0; sentMs < untilMs; sentMs += 20.1, i++) {
      if (sentMs > stopMs - 20 && sentMs < stopMs + missedMs) continue;
      const [thereMs, backMs] = delays[i % delays.length] as [number, number];
      const lookedMs = sentMs + thereMs;
      const ranMs = lookedMs < stopMs ? lookedMs : lookedMs - missedMs;
      const guestMs = Math.floor(aheadMs + ranMs) % 86_400_000;
      answers.push({ protocol: "icmp", sentMs, arrivedMs: lookedMs + backMs, guestMs });
    }
    return answers;
  }
  const delay = fc.tuple(
    fc.double({ min: 0.05, max: 8, noNaN: true }),
    fc.double({ min: 0.05, max: 8, noNaN: true }),
  );

  test("is as long as it stood still, as closely as it says, however the answers are delayed", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 80_000_000, noNaN: true }),
        stops,
        fc.array(delay, { minLength: 1, maxLength: 50 }),
        (aheadMs, { stopMs, stoppedForMs }, delays) => {
          const silence = { startMs: stopMs, endMs: stopMs + stoppedForMs };
          const found = missedTime(told(aheadMs, stopMs, stoppedForMs, delays), silence);
          if (!found) throw new Error("no answer counted");
          expect(Math.abs(found.missedMs - stoppedForMs)).toBeLessThanOrEqual(found.resolutionMs + 1e-6);
          expect(found.resolutionMs).toBeLessThanOrEqual(17.1);
        },
      ),
    );
  });

  test("is known to a fraction of its millisecond where answers come quickly", () => {
    const found = missedTime(told(5_000_000.3, 900, 212.4, [[0.1, 0.1]]), { startMs: 900, endMs: 1112.4 });
    expect(found?.missedMs).toBeCloseTo(212.4, 0);
    expect(found?.resolutionMs).toBeLessThan(0.35);
  });

  test("is not thrown off by midnight", () => {
    const answers = told(86_400_000 - 950, 900, 212, [[0.1, 0.1]]);
    expect(missedTime(answers, { startMs: 900, endMs: 1112 })?.missedMs).toBeCloseTo(212, 0);
  });

  test("is not known when its clock was set in between, nor without answers on both sides", () => {
    const answers = told(5_000_000, 900, 200, [[0.1, 0.1]]);
    const set = answers.map((each, i) => (i < 30 ? each : { ...each, guestMs: (each.guestMs ?? 0) + 500 }));
    expect(missedTime(set.slice(20), { startMs: 0, endMs: 1100 })).toBeUndefined();
    const jumps = answers.map((each, i) => (i % 2 ? each : { ...each, guestMs: (each.guestMs ?? 0) + 40 }));
    expect(missedTime(jumps, { startMs: 900, endMs: 1100 })).toBeUndefined();
    expect(missedTime([], { startMs: 900, endMs: 1100 })).toBeUndefined();
  });
});

describe("a prober's answers", () => {
  const batch = (atUs: number, answers: Batch["answers"] = [], lateUs = 60): Batch => ({
    atUs,
    sent: { icmp: 10, tcp: 10 },
    lateUs,
    answers,
  });

  test("are counted, and so is how late it was around the silence", () => {
    const answers = new Answers();
    answers.add(
      batch(1_100_000, [
        ["icmp", 1_099_000, 1_099_300],
        ["tcp", 1_099_500, 1_099_900],
      ]),
    );
    answers.add(batch(1_200_000, [], 2_500));
    answers.add(
      batch(1_300_000, [
        ["icmp", 1_231_000, 1_231_400],
        ["icmp", 1_232_000, 1_232_300, 13_012_147],
      ]),
    );
    answers.add(batch(9_000_000, [["icmp", 8_231_000, 8_231_400]], 40_000));
    const prober = { host: "storage", intervalMs: 5, answers };
    expect(viewOf(prober, { startMs: 1_101, endMs: 1_230 }, 0.2, false)).toEqual({
      clientDowntimeMs: 131.5,
      clientProbeIntervalMs: 5,
      client: {
        prober: "storage",
        protocols: [
          { protocol: "icmp", sent: 40, lost: 36, silenceMs: 132.1 },
          { protocol: "tcp", sent: 40, lost: 39 },
        ],
        unansweredMs: 126.5,
        usualSilenceMs: 0.6,
        proberLateMs: 2.5,
        latency: {
          stepMs: 34,
          steps: [
            { atMs: -28, worstMs: 0.4 },
            { atMs: 108, worstMs: 0.4 },
          ],
        },
      },
    });
  });

  test("are kept for no more than some minutes", () => {
    const answers = new Answers();
    const many = Array.from({ length: 1000 }, (_, i): Batch["answers"][number] => ["icmp", i, i + 1]);
    for (let i = 0; i < 500; i++) answers.add(batch(i, many));
    expect(answers.all.length).toBeLessThanOrEqual(110_000);
    expect(answers.answered.icmp).toBe(500_000);
  });

  test("around the guest's stop are kept for as long as its memory takes to follow", () => {
    const answers = new Answers();
    // Every 5 ms, a tenth of a second at a time; it stands still from 600 s on, for 0.3 s.
    const goOn = (fromS: number, toS: number) => {
      for (let atUs = fromS * 1e6; atUs < toS * 1e6; atUs += 100_000) {
        const sent = Array.from({ length: 20 }, (_, i) => atUs - 100_000 + i * 5_000);
        answers.add(
          batch(
            atUs,
            sent.map((sentUs) => ["icmp", sentUs, sentUs + 300]),
          ),
        );
      }
    };
    goOn(1, 600);
    answers.keep();
    answers.add(batch(600_300_000, [], 1_500));
    goOn(600.4, 3_600);
    const stopped = { startMs: 599_900, endMs: 600_300 };
    const { client, clientDowntimeMs } = viewOf(
      { host: "storage", intervalMs: 5, answers },
      stopped,
      0.2,
      false,
    );
    expect(clientDowntimeMs).toBeCloseTo(405, 0);
    expect(client).toMatchObject({ proberLateMs: 1.5 });
    expect(answers.lastAskedMs).toBeGreaterThan(3_599_000);
    expect(answers.all.length).toBeLessThan(220_000);
  });

  test("of a guest that stopped and went on where it was are of the last minutes again", () => {
    const answers = new Answers();
    answers.keep();
    answers.stopKeeping();
    const many = Array.from({ length: 1000 }, (_, i): Batch["answers"][number] => ["icmp", i, i + 1]);
    for (let i = 0; i < 500; i++) answers.add(batch(i, many));
    expect(answers.batches.at(-1)?.atMs).toBe(0.499);
    expect(answers.all.length).toBeLessThanOrEqual(110_000);
  });

  test("without a word of how late the prober was leave that out", () => {
    const answers = new Answers();
    answers.add(
      batch(
        9_000_000,
        [1, 2, 3, 500].map((ms) => ["icmp", ms * 1000, ms * 1000 + 300]),
      ),
    );
    const view = viewOf({ host: "storage", intervalMs: 5, answers }, { startMs: 4, endMs: 499 }, 0.2, false);
    expect(view.client).not.toHaveProperty("proberLateMs");
    expect(recordSchema.parse({ ...liveRecord(), ...view }).client).toEqual(view.client);
  });

  // In a network of its own, which takes no privileges where users may make namespaces.
  const alone = ["-rn", "sh", "-c"];
  const mayBeAlone = spawnSync("unshare", [...alone, "ip link set lo up"]).status === 0;
  test.skipIf(!mayBeAlone)("come by both protocols, from Linux's own network", () => {
    const script = "ip link set lo up; timeout 2 python3 -I -S migration/clients/prober.py 127.0.0.1 5";
    const { stdout } = spawnSync("unshare", [...alone, script], { encoding: "utf8" });
    const one = new Answers();
    const [anchor, ...lines] = stdout.trim().split("\n");
    expect(JSON.parse(anchor ?? "")).toEqual({
      monotonicUs: expect.any(Number),
      epochUs: expect.any(Number),
    });
    for (const line of lines) one.add(JSON.parse(line));
    for (const protocol of ["icmp", "tcp"] as const) {
      expect(one.sent[protocol]).toBeGreaterThan(10);
      expect(one.answered[protocol]).toBeGreaterThan(one.sent[protocol] * 0.9);
    }
    for (const { sentMs, arrivedMs } of one.all) expect(arrivedMs).toBeGreaterThanOrEqual(sentMs);
    const clocks = one.all.filter(({ guestMs }) => guestMs !== undefined);
    const midMs = clocks[clocks.length >> 1]?.arrivedMs ?? 0;
    const missed = missedTime(one.all, { startMs: midMs, endMs: midMs });
    // Nothing stood still.
    expect(Math.abs(missed?.missedMs ?? Number.NaN)).toBeLessThanOrEqual(missed?.resolutionMs ?? 0);
  });

  test("says how it is used", () => {
    expect(spawnSync("python3", ["migration/clients/prober.py"], { encoding: "utf8" }).stderr).toContain(
      "ADDRESS",
    );
  });
});

describe("a move", () => {
  const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";
  const said: string[] = [];
  async function move(
    changes: Partial<MigrationRequest> = {},
    options: Partial<MigrationRequest["options"]> = {},
  ) {
    const host = world.machine("host1");
    host.boot(host.add({ uuid, name: "vm1" }));
    said.length = 0;
    const { records } = await migrate(
      {
        guest: "vm1",
        uuid,
        to: "host2",
        options: { mode: "live", ...options },
        conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
        localOverlay: undefined,
        fleet: world.fleet,
        ...changes,
      },
      (text) => said.push(text),
    );
    return records[0];
  }
  const absent = ["clientDowntimeMs", "clientProbeIntervalMs", "client", "guestDowntimeMs"];
  const told = () => said.filter((text) => text.includes("as a client sees it"));
  beforeEach(() => void simulate(["host1", "host2"]));

  test("of a guest by DHCP asks libvirt for its address", async () => {
    world.guestAddress = "10.77.0.123";
    expect(await move()).toHaveProperty("clientDowntimeMs");
    expect(told()).toEqual([]);
  });

  test("of a guest whose address nobody knows has no client's view, and says so once", async () => {
    const record = await move();
    for (const key of absent) expect(record).not.toHaveProperty(key);
    expect(told()).toEqual([expect.stringContaining("neither a guest agent nor host1 knows it")]);
  });

  test("of a guest that does not answer has none either", async () => {
    world.answers = false;
    const record = await move({ address: "10.77.0.101" });
    for (const key of absent) expect(record).not.toHaveProperty(key);
    expect(told()).toEqual([
      expect.stringMatching(/did not answer storage's probes \(10\.77\.0\.101, .*\) before/),
    ]);
  });

  test("without a prober has none, and nobody asked for the address", async () => {
    const record = await move({}, { probeIntervalMs: 0 });
    for (const key of absent) expect(record).not.toHaveProperty(key);
    expect(told()).toEqual([]);
    expect(world.log.join()).not.toContain("address");
  });

  test("is measured with a stream only where the guest takes one", async () => {
    const record = await move({ address: "10.77.0.101" }, { throughput: true });
    expect(record).not.toHaveProperty("throughput");
    expect(record).toHaveProperty("clientDowntimeMs");
    expect(said.filter((text) => text.includes("throughput"))).toEqual([
      expect.stringContaining("no listener could be started in it"),
    ]);
  });
});
