import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordSchema } from "../../../moves/record.ts";
import { appendLine, stacksWithResults } from "../../../moves/results.ts";
import { sampledOf, workOf } from "../../../moves/sampled.ts";
import type { MoveSamples } from "../../../moves/samples.ts";
import { readSamples, samplesFileOf } from "../../../moves/samples-file.ts";
import type { WorkDone } from "../../../moves/work-done.ts";
import { liveRecord } from "../helpers/records.ts";

/** A workload's sum at steps of 250 ms from 5 s before the move on, that had these paces since; before: 20 a second. */
function working(...perSecond: number[]): WorkDone[] {
  let operations = 0;
  const paces = [...Array.from({ length: 20 }, () => 20), ...perSecond];
  return [
    { atMs: -5000, operations },
    ...paces.map((pace, i) => {
      operations += pace / 4;
      return { atMs: -5000 + (i + 1) * 250, operations };
    }),
  ];
}

describe("what a move did to a workload", () => {
  test("how long it was under nine tenths of what it was, and what was not done", () => {
    expect(workOf("MiB", working(20, 19, 10, 0, 0, 17, 20, 20))).toEqual({
      unit: "MiB",
      beforePerSecond: 20,
      usuallyAtLeastPerSecond: 20,
      slowestPerSecond: 0,
      brownOutMs: 1000,
      lostMs: 675,
      intervalMs: 250,
      isBack: true,
    });
  });

  test("says when that was not over yet", () => {
    expect(workOf("MiB", working(20, 5, 5))).toMatchObject({ isBack: false, brownOutMs: 500 });
  });

  test("an uneven workload is not slower than it always is", () => {
    const uneven = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 15 : 25));
    let operations = 0;
    const done = uneven.map((pace, i) => {
      operations += pace / 4;
      return { atMs: -10_000 + i * 250, operations };
    });
    expect(workOf("records", done)).toMatchObject({ brownOutMs: 0, usuallyAtLeastPerSecond: 15 });
  });

  test("is not known without a time before, or of one that did nothing", () => {
    expect(workOf("MiB", working(20).slice(14))).toBeUndefined();
    expect(workOf("MiB", working())).toBeUndefined();
    expect(workOf("MiB", [])).toBeUndefined();
    expect(
      workOf(
        "MiB",
        working(20).map(({ atMs }) => ({ atMs, operations: 0 })),
      ),
    ).toBeUndefined();
  });

  test("is never longer than the time that was looked at, and fits a record", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (paces) => {
          const work = workOf("MiB", working(...paces));
          expect(work?.brownOutMs).toBeLessThanOrEqual(paces.length * 250);
          expect(work?.lostMs).toBeLessThanOrEqual(paces.length * 250);
          const sampled = { intervalMs: 250, work };
          expect(recordSchema.parse(liveRecord({ sampled })).sampled).toEqual(sampled);
        },
      ),
    );
  });
});

const series = (from: number, to: number, perSecond: number): MoveSamples["source"] =>
  Array.from({ length: (to - from) / 250 + 1 }, (_, i) => ({
    atMs: from + i * 250,
    hostCpuMs: 7 + (i * perSecond) / 4,
    sentBytes: 1000 + i * 2 ** 20,
  }));

describe("the sums of a move", () => {
  test("are from its first action to its last", () => {
    const source = series(-1000, 3000, 1000).map((each) => ({ ...each, qemuCpuMs: 100 + each.atMs + 1000 }));
    const destination = series(-1000, 3000, 400).map((each) =>
      each.atMs < 500 ? each : { ...each, qemuCpuMs: each.atMs - 400 },
    );
    const { hostCpuMs, qemuCpuMs, sentMiB, energyJ } = sampledOf(
      {
        intervalMs: 250,
        source: source.map((each) => (each.atMs > 1500 ? { ...each, qemuCpuMs: undefined } : each)),
        destination,
      },
      2000,
    );
    expect(hostCpuMs).toEqual({ source: 2000, destination: 800 });
    expect(qemuCpuMs).toEqual({ source: 1500, destination: 1600 });
    expect(sentMiB).toBe(8);
    expect(energyJ).toBeUndefined();
  });

  test("are absent where a host was not looked at from before it until its end", () => {
    const late = sampledOf({ intervalMs: 250, source: series(250, 3000, 1000), destination: [] }, 2000);
    expect(late).toEqual({ intervalMs: 250 });
    const cut = sampledOf({ intervalMs: 250, source: series(-1000, 1000, 1000), destination: [] }, 2000);
    expect(cut).toEqual({ intervalMs: 250 });
  });
});

describe("a file of series", () => {
  const record = liveRecord();
  const samples = (startedAt: string): MoveSamples => ({
    ...{ schema: 1, uuid: record.uuid, startedAt, guest: "vm1", intervalMs: 250 },
    ...{ source: series(-250, 250, 1), destination: [] },
  });

  test("is beside that of its records, and gives those that are wanted", async () => {
    const folder = await mkdtemp(join(tmpdir(), "samples-"));
    try {
      const file = samplesFileOf(join(folder, "lab.jsonl"));
      expect(file).toBe(join(folder, "lab.samples.jsonl"));
      expect(await readSamples(file, [record])).toEqual([]);
      const [other, own] = [samples("2026-03-01T11:00:00.000Z"), samples(record.startedAt)];
      for (const line of [other, own, { ...own, uuid: "1b7159b2-c702-5eb0-be68-43576be5849d" }])
        await appendLine(file, line);
      await appendFile(file, `{"startedAt":"${record.startedAt}", torn`);
      expect(await readSamples(file, [record])).toEqual([own]);
      expect(await stacksWithResults(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
