import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latencySeconds, latencyThrough } from "../../../../migration/clients/latency-over-time.ts";
import { Answers } from "../../../../migration/clients/prober.ts";

/** Of a guest that is asked every 5 ms, and answers after 0.4 ms unless it stands still, as a prober tells it. */
function told(fromMs: number, toMs: number, isAwayAt: (ms: number) => boolean = () => false): Answers {
  const answers = new Answers();
  for (let startMs = fromMs; startMs < toMs; startMs += 100) {
    const asked = Array.from({ length: 20 }, (_, i) => startMs + 1 + i * 5);
    answers.add({
      atUs: (startMs + 100) * 1000,
      sent: { icmp: 10, tcp: 10 },
      lateUs: 60,
      answers: asked
        .filter((ms) => !isAwayAt(ms))
        .map((ms, i) => [i % 2 ? "tcp" : "icmp", ms * 1000, ms * 1000 + 400]),
    });
  }
  return answers;
}

describe("how long answers took, second by second", () => {
  test("begins and ends with tenths of a second of the prober's, and says what was never answered", () => {
    const away = (ms: number) => ms > 12_250 && ms < 12_850;
    const seconds = latencySeconds(told(9_340, 15_000, away), 10_000);
    expect(seconds.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [-560, 40],
      [40, 1040],
      [1040, 2040],
      [2040, 3040],
      [3040, 4040],
    ]);
    expect(seconds[1]).toEqual({
      startMs: 40,
      endMs: 1040,
      answered: 200,
      unanswered: 0,
      p50Ms: 0.4,
      p99Ms: 0.4,
    });
    // So few that a 99th percentile would be but the longest.
    expect(seconds[3]).toEqual({ startMs: 2040, endMs: 3040, answered: 80, unanswered: 120, p50Ms: 0.4 });
  });

  test("counts each question once, whenever and however often it was answered", () => {
    const away = (ms: number) => ms > 1_300;
    const gaps = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(gaps, (isGone) => {
        const answers = told(0, 4_000, (ms) => isGone[Math.floor(ms / 100)] ?? away(ms));
        // By another kind of packet, and later.
        const [first] = answers.all;
        if (first) answers.all.push({ ...first, arrivedMs: first.arrivedMs + 700 });
        for (const { answered, unanswered, startMs, endMs } of latencySeconds(answers, 0)) {
          const gone = isGone.filter((gone, i) => gone && i * 100 >= startMs && i * 100 < endMs).length;
          expect(unanswered).toBe(gone * 20);
          expect(answered + unanswered).toBe((endMs - startMs) / 5);
        }
      }),
    );
  });

  test("begins when the guest was found: what was asked before waited for that", () => {
    const answers = told(0, 5_000, (ms) => ms < 250);
    const [first] = answers.all;
    for (const sentMs of [1, 100, 200])
      answers.all.unshift({ ...first, protocol: "tcp", sentMs, arrivedMs: 251 });
    expect(latencySeconds(answers, 0)[0]).toMatchObject({
      startMs: 300,
      endMs: 1000,
      p50Ms: 0.4,
      p99Ms: 0.4,
    });
    expect(
      latencySeconds(
        told(0, 5_000, () => true),
        0,
      ),
    ).toEqual([]);
  });

  test("leaves out what the prober no longer knows, and whose answers may be on their way", () => {
    const answers = told(0, 700_000);
    const seconds = latencySeconds(answers, 0);
    expect(seconds[0]?.startMs).toBeGreaterThan(100_000);
    expect(seconds[0]?.startMs).toBeGreaterThanOrEqual(answers.all[0]?.arrivedMs ?? Number.NaN);
    expect(seconds.every(({ unanswered }) => unanswered === 0)).toBe(true);
    expect(seconds.at(-1)?.endMs).toBe(699_000);
    expect(latencySeconds(new Answers(), 0)).toEqual([]);
  });
});

describe("how long answers took through a move", () => {
  test("is told apart from what they took before, by all of them", () => {
    const away = (ms: number) => ms > 12_250 && ms < 12_850;
    expect(latencyThrough(told(8_540, 20_000, away), 10_000, 16_000)).toEqual({
      before: { answered: 260, unanswered: 0, p50Ms: 0.4, p99Ms: 0.4 },
      through: { answered: 1080, unanswered: 120, p50Ms: 0.4, p99Ms: 0.4, p999Ms: 0.4 },
    });
  });

  test("is not known of a move that the prober saw only a part of", () => {
    const answers = told(8_540, 16_500);
    expect(latencyThrough(answers, 10_000, 16_000)).toBeUndefined();
    expect(latencyThrough(answers, 8_000, 12_000)).toBeUndefined();
    expect(latencyThrough(answers, 8_640, 12_000)).not.toHaveProperty("before");
    expect(latencyThrough(new Answers(), 0, 1_000)).toBeUndefined();
  });
});
