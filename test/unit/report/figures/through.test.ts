import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { create } from "xmlbuilder2";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { sampledOf } from "../../../../moves/sampled.ts";
import { type MoveSamples, samplesSchema } from "../../../../moves/samples.ts";
import { datasetOf, readDataset } from "../../../../report/data/dataset.ts";
import { readSeries } from "../../../../report/data/series.ts";
import { roundAbove, throughFigures } from "../../../../report/figures/through.ts";
import { figuresOf, reportOf } from "../../../../report/sections/report.ts";
import { sampledTable } from "../../../../report/tables/sampled-table.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

/** Of a guest that does twenty a second until it stands still from 1 s to 1.5 s of its move; hosts are busy with one CPU. */
const samplesOf = ({ uuid, startedAt, guest }: MigrationRecord): MoveSamples => {
  const at = (fromMs: number) => Array.from({ length: 29 }, (_, i) => fromMs + i * 250);
  const operations = (ms: number) => (5000 + Math.min(ms, 1000) + Math.max(0, ms - 1500)) / 50;
  return {
    ...{ schema: 1, uuid, startedAt, guest, intervalMs: 250 },
    stop: { stoppedMs: 1000, resumedMs: 1500 },
    source: at(-3000).map((atMs) => ({ atMs, hostCpuMs: 9000 + atMs, sentBytes: (atMs + 3000) * 2 ** 20 })),
    destination: at(-3000).map((atMs) => ({ atMs, ...(atMs > 0 && { qemuCpuMs: atMs / 2 }) })),
    work: { unit: "records", done: at(-3000).map((atMs) => ({ atMs, operations: operations(atMs) })) },
    throttle: [{ atMs: 250, percent: 20 }],
  };
};
const sampled = (record: MigrationRecord): MigrationRecord => ({
  ...record,
  sampled: sampledOf(samplesOf(record), record.totalMs),
});

const live = sampled(liveRecord());
const dataset = datasetOf([{ file: "lab.jsonl", text: JSON.stringify(live) }]);
const [move] = dataset.moves;
if (!move) throw new Error("the record is not read");
const report = reportOf(dataset, [{ move, samples: samplesOf(live), of: 3 }]);
const [figure] = figuresOf(report);

describe("what the guest went through", () => {
  test("is the first figure of a report, and is not there without series", () => {
    expect(figure).toMatchObject({
      id: "through-live",
      title: "What the guest went through, live: 500 ms of brown-out",
    });
    expect(figuresOf(reportOf(dataset)).map(({ id }) => id)).not.toContain("through-live");
  });

  test.each([340, 640])(
    "is drawn %i px wide: a panel for each thing that was measured, under the phases",
    (width) => {
      const svg = figure?.draw(width) ?? "";
      expect(() => create(svg)).not.toThrow();
      for (const name of [
        "its own work (records a second)",
        "CPU of the hosts (%)",
        "sent (MiB a second)",
        ...(width > 600 ? ["iterations"] : []),
      ])
        expect(svg).toContain(name);
      expect(svg).toContain("CPU of its QEMU (%)");
      expect(svg).toContain("CPU taken from the guest (%)");
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).not.toContain("energy");
    },
  );

  test("has its values as a table, absent where they are not known", () => {
    const { columns = [], rows = [] } = figure?.table ?? {};
    const of = (name: string) => {
      const at = columns.findIndex((column) => column.name === name);
      return new Map(rows.map((row) => [Number(shownOf(row[0]).replace("\u2212", "-")), shownOf(row[at])]));
    };
    const work = of("its own work (records a second)");
    expect([work.get(-1000), work.get(1000), work.get(1250), work.get(1500)]).toEqual([
      "20.0",
      "0",
      "0",
      "20.0",
    ]);
    expect(of("sent (MiB a second)").get(0)).toBe("1\u202f000");
    const qemu = of("CPU of its QEMU (%)");
    expect([qemu.get(0), qemu.get(500)]).toEqual(["–", "50.0"]);
  });

  test("has what a client waited for its answers, where it was asked", () => {
    const second = (startMs: number, unanswered: number, waits: object) => ({
      ...{ startMs, endMs: startMs + 1000, answered: 200 - unanswered, unanswered },
      ...waits,
    });
    const seconds = [
      second(-1000, 0, { p50Ms: 0.4, p99Ms: 3 }),
      second(0, 0, { p50Ms: 0.5, p99Ms: 60 }),
      second(1000, 120, { p50Ms: 0.6 }),
      second(2000, 0, { p50Ms: 0.5, p99Ms: 20 }),
    ];
    const latency = { prober: "storage", probeIntervalMs: 5, seconds };
    const samples = samplesSchema.parse({ ...samplesOf(live), latency });
    const [asked] = figuresOf(reportOf(dataset, [{ move, samples, of: 1 }]));
    const svg = asked?.draw(640) ?? "";
    for (const name of ["wait for its answers (ms), logarithmic", "unanswered (questions a second)", "p99"])
      expect(svg).toContain(name);
    expect(svg).not.toContain("p99.9");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(asked?.caption.join(" ")).toContain("a client on storage asked, every 5 ms");
    const { columns = [], rows = [] } = asked?.table ?? {};
    const at = (name: string) => columns.findIndex((column) => column.name === name);
    const shown = (ms: string, name: string) =>
      shownOf(rows.find(([first]) => shownOf(first) === ms)?.[at(name)]);
    expect(shown("500", "wait for its answers (ms): p99")).toBe("60.0");
    // Too few answers in that second for a percentile, which is not that of others.
    expect(shown("1500", "wait for its answers (ms): p99")).toBe("–");
    expect(shown("1500", "wait for its answers (ms): p50")).toBe("0.60");
    expect(shown("1500", "unanswered (questions a second)")).toBe("120");
    // Nobody asked before that, or the samples are of an earlier version.
    expect(figure?.draw(640)).not.toContain("answers");
  });

  test("axes end at a figure of one digit", () => {
    expect([0.0011, 1, 17, 41, 201, 999].map(roundAbove)).toEqual([0.002, 1, 20, 50, 300, 1000]);
  });
});

test("a cell's row has its medians, and how many brown-outs were not over", () => {
  const work = { ...live.sampled?.work, isBack: false } as NonNullable<
    NonNullable<typeof live.sampled>["work"]
  >;
  const other = { ...live, startedAt: "2026-03-01T13:00:00.000Z", sampled: { intervalMs: 250, work } };
  const two = datasetOf([{ file: "lab.jsonl", text: `${JSON.stringify(live)}\n${JSON.stringify(other)}` }]);
  const [row] = sampledTable(two)?.rows ?? [];
  expect(row?.slice(1).map(shownOf)).toEqual(["2", "500", "500", "1", "–", "750", "1\u202f500"]);
  const latency = {
    before: { answered: 200, unanswered: 0, p50Ms: 0.4, p99Ms: 2 },
    through: { answered: 380, unanswered: 20, p50Ms: 0.5, p99Ms: 41 },
  };
  const asked = JSON.stringify({ ...live, sampled: { ...live.sampled, latency } });
  const [answered] = sampledTable(datasetOf([{ file: "lab.jsonl", text: asked }]))?.rows ?? [];
  expect(answered?.slice(-3).map(shownOf)).toEqual(["2.00", "41.0", "20.0"]);
  expect(
    sampledTable(datasetOf([{ file: "lab.jsonl", text: JSON.stringify(liveRecord()) }])),
  ).toBeUndefined();
});

test("of each mode the middle move is shown, if its series are there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "series-"));
  try {
    const file = join(folder, "lab.jsonl");
    const all = [1500, 1600, 1700].map((totalMs, i) => {
      const phases = liveRecord().phases.map((phase) =>
        phase.name === "completion" ? { ...phase, endMs: totalMs } : phase,
      );
      const equations = {
        tiMs: 1120,
        ovMs: totalMs - 1120,
        dmMs: 72,
        vsMs: 8.5,
        dmVsFrom: "traced" as const,
      };
      return sampled(liveRecord({ totalMs, phases, equations, startedAt: `2026-03-01T12:0${i}:00.000Z` }));
    });
    const { downtimeMs: _, equations: __, ...unmeasured } = liveRecord();
    const back = sampled({
      ...unmeasured,
      ...{ outcome: "rolled-back", error: "it took too long", totalMs: 9000, phases: [], passes: [] },
      startedAt: "2026-03-01T12:30:00.000Z",
    });
    const records = [
      ...all,
      back,
      sampled(offlineRecord({ startedAt: "2026-03-01T10:00:00.000Z" })),
      liveRecord({ startedAt: "2026-03-01T11:00:00.000Z" }),
    ];
    await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    expect(await readSeries(await readDataset([file]))).toEqual([]);
    // The offline move's are lost.
    await writeFile(
      join(folder, "lab.samples.jsonl"),
      [...all, back].map((record) => `${JSON.stringify(samplesOf(record))}\n`).join(""),
    );
    const shown = await readSeries(await readDataset([file]));
    expect(shown.map(({ move, of }) => [move.record.totalMs, of])).toEqual([
      [1600, 3],
      [9000, 1],
    ]);
    expect(shown[0]?.samples.startedAt).toBe("2026-03-01T12:01:00.000Z");
    const [, { title = "", caption = [], draw, id } = {}] = throughFigures(shown);
    expect([id, title]).toEqual([
      "through-live-rolled-back",
      "What the guest went through, live, rolled back: 500 ms of brown-out",
    ]);
    expect(caption[0]).toContain("the only one of its mode that was rolled back. Dotted: where it was back.");
    expect(draw?.(640)).not.toMatch(/NaN|Infinity|undefined/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
