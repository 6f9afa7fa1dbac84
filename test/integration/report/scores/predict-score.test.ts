import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { countedMoves, readDataset } from "../../../../report/data/dataset.ts";
import { replay } from "../../../../report/scores/replay.ts";
import { summarise } from "../../../../report/scores/score-prediction.ts";
import { replayedTable } from "../../../../report/tables/prediction-table.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { headFor } from "../../../unit/helpers/experiment-testbed.ts";
import { liveRecord } from "../../../unit/helpers/records.ts";

const records = [1, 2, 3].map((minute) => liveRecord({ startedAt: `2026-03-01T12:0${minute}:00.000Z` }));
const place = { schema: 1, kind: "move", cell: "a", block: 1, loadBefore: {} };
const lines = [
  headFor([{ id: "a", factors: {} }], 1),
  { ...place, order: 1, repeat: 1, isWarmUp: true, record: records[0] },
  { ...place, order: 2, repeat: 1, isInterrupted: true, record: records[1] },
  { ...place, order: 3, repeat: 1, record: records[2] },
];
let folder: string;
const write = async (name: string, some: readonly unknown[]) => {
  const file = join(folder, name);
  await writeFile(file, `${some.map((one) => JSON.stringify(one)).join("\n")}\n{"torn`);
  return file;
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scored-"));
});
afterAll(() => rm(folder, { recursive: true }));

const score = async (...files: string[]): Promise<string> => {
  const args = ["report/scores/cli.ts", ...files];
  return (await execa("node", args, { cwd: join(import.meta.dirname, "../../../..") })).stdout;
};

test("of an experiment's run and its stack's file each move counts once, and only what the experiment measures is scored", async () => {
  const stack = await write("stack.jsonl", records);
  const run = await write("run.jsonl", lines);
  for (const files of [
    [stack, run],
    [run, stack],
  ]) {
    const text = await score(...files);
    expect(text).toContain("1 of 3 records, each predicted from those before it");
    expect(text).toContain("stack.jsonl:4 is passed over: it was never written to its end");
    expect(text).toContain("run.jsonl:5 is passed over: it was never written to its end");
  }
  expect(await score(stack)).toContain("3 of 3 records");
});

test("predictions that records carry are left out, too, before which too few of their mode were known", async () => {
  const predicted = {
    totalMs: 1500,
    downtimeMs: 80,
    passes: 2,
    converges: true,
    range: { totalMs: [1400, 1600], downtimeMs: [10, 20], passes: [2, 2] },
  };
  const file = await write(
    "stored.jsonl",
    records.map((record) => ({ ...record, predicted })),
  );
  const text = await score(file, "--stored");
  expect(text).toContain("3 of 3 records, as they were predicted");
  expect(text).toContain("totals 3 of 3, 100 %; downtimes 0 of 3, 0 %");
  expect(await score(file, "--stored", "--known", "2")).toContain("1 of 3 records, as they were predicted");
});

test.each([
  ["paper/20261123T230634Z.jsonl", 0.75, 0.85],
  ["prediction/20261127T040526Z.jsonl", 0.75, 0.9],
])(
  "in docs/%s about eight of ten are within their range, and the page says the same",
  async (name, least, most) => {
    const file = join(import.meta.dirname, "../../../../docs", name);
    const dataset = await readDataset([file]);
    const counted = new Set(countedMoves(dataset).map(({ record }) => record));
    const moves = replay(dataset.moves.map(({ record }) => record)).filter(
      ({ record, knownAlike }) => knownAlike >= 3 && counted.has(record),
    );
    const { totalWithin, downtimeWithin } = summarise(moves.map(({ score: one }) => one));
    const [within, all] = [0, 1].map((i) => (totalWithin[i] as number) + (downtimeWithin[i] as number));
    expect((within as number) / (all as number)).toBeGreaterThanOrEqual(least);
    expect((within as number) / (all as number)).toBeLessThanOrEqual(most);
    const last = replayedTable(dataset)?.rows.at(-1) ?? [];
    expect(last.map(shownOf)[4]).toContain(`${totalWithin[0]} of ${totalWithin[1]}`);
    expect(last.map(shownOf)[7]).toContain(`${downtimeWithin[0]} of ${downtimeWithin[1]}`);
  },
);
