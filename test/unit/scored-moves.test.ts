import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachOnce, movesIn } from "../../prediction/scored-moves.ts";
import { headFor } from "./experiment-testbed.ts";
import { liveRecord } from "./records.ts";

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

test("of an experiment's run and its stack's file each move counts once, and only what the experiment measures is scored", async () => {
  const said: string[] = [];
  const read = (file: string) => movesIn(file, (line) => said.push(line));
  const stack = await read(await write("stack.jsonl", records));
  const run = await read(await write("run.jsonl", lines));
  for (const both of [
    [...stack, ...run],
    [...run, ...stack],
  ]) {
    expect(eachOnce(both).map(({ record, isScored }) => [record.startedAt, isScored])).toEqual(
      records.map(({ startedAt }, i) => [startedAt, i === 2]),
    );
  }
  expect(eachOnce(stack).every(({ isScored }) => isScored)).toBe(true);
  expect(said).toEqual([expect.stringMatching(/stack.jsonl:4 is/), expect.stringMatching(/run.jsonl:5 is/)]);
});
