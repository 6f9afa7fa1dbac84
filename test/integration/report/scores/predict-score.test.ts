import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
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
