import { describe, expect, test } from "vitest";
import { Stream } from "../../../../migration/clients/stream.ts";
import { type Arrived, rates, throughputOf } from "../../../../migration/clients/throughput.ts";
import { recordSchema } from "../../../../moves/record.ts";
import type { SshSession } from "../../../../ssh/session.ts";
import { liveRecord } from "../../helpers/records.ts";

const mib = 1024 * 1024;

/** Samples every 100 ms of a stream that has these rates, MiB/s, one after the other. */
function flowing(...mibPerSecond: number[]): Arrived[] {
  let bytes = 0;
  const since = mibPerSecond.map((rate, i) => {
    bytes += rate * 0.1 * mib;
    return { atMs: 5_100 + i * 100, bytes };
  });
  return [{ atMs: 5_000, bytes: 0 }, ...since];
}

describe("the throughput of a move", () => {
  test("is its mean before, its slowest interval since and how long it was below half", () => {
    const samples = flowing(100, 110, 90, 80, 0, 49, 51, 100);
    const throughput = throughputOf(samples, 5_300);
    expect(throughput).toEqual({ beforeMiBps: 100, slowestMiBps: 0, belowHalfMs: 200, intervalMs: 100 });
    expect(recordSchema.parse(liveRecord({ throughput })).throughput).toEqual(throughput);
  });

  test("is known of a move that takes a day: what came before it is not forgotten", () => {
    let hear = (_line: string): void => {};
    const session = {
      target: { name: "storage" },
      follow: (_command: string, onLine: typeof hear) => {
        hear = onLine;
        return { ended: new Promise(() => {}), stop: async () => {} };
      },
      readClock: async () => ({ offsetMs: 0, uncertaintyMs: 0.1 }),
    } as unknown as SshSession;
    const stream = new Stream(session, "10.77.0.101");
    let bytes = 0;
    for (let i = 0; i <= 864_000; i++) {
      hear(JSON.stringify({ atUs: i * 100_000, bytes }));
      bytes += (i < 20 ? 100 : 50) * 0.1 * mib;
    }
    expect(throughputOf(stream.arrived, 2_000)).toMatchObject({ beforeMiBps: 100, slowestMiBps: 50 });
  });

  test("counts a sample that came late by the time that passed", () => {
    const [first, second, , fourth] = flowing(100, 100, 100) as [Arrived, Arrived, Arrived, Arrived];
    expect(rates([first, second, fourth]).map(({ mibPerSecond }) => Math.round(mibPerSecond))).toEqual([
      100, 100,
    ]);
  });

  test("is not known of a stream that did not flow before the move, or ended with it", () => {
    expect(throughputOf([], 5_300)).toBeUndefined();
    expect(throughputOf(flowing(100, 100), 4_000)).toBeUndefined();
    expect(throughputOf(flowing(100, 100), 6_000)).toBeUndefined();
  });
});
