import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunFile } from "../../../experiments/run-file.ts";
import type { MoveLine } from "../../../moves/experiment-run.ts";
import { inconsistencies } from "../../../moves/inconsistencies.ts";
import { type MigrationRecord, recordSchema } from "../../../moves/record.ts";
import { appendLine, appendRecord } from "../../../moves/results.ts";
import { madeRecord, soundRecord } from "../../../moves/sound-record.ts";
import { liveRecord } from "../helpers/records.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "records-"));
});
afterEach(() => rm(folder, { recursive: true }));

const clock = { offsetMs: Number.NaN, uncertaintyMs: 0.1 };

test("a record that fits is what it was", () => {
  expect(soundRecord(liveRecord())).toEqual(liveRecord());
});

test("a figure that is absent has no key: a Pulumi state takes none without a value", () => {
  expect(Object.keys(madeRecord({ ...liveRecord(), storageMiB: undefined }))).not.toContain("storageMiB");
});

test.each<[string, object, string]>([
  ["no number", { downtimeMs: Number.NaN }, "downtimeMs is NaN"],
  ["no finite number", { totalMs: Number.POSITIVE_INFINITY }, "totalMs is Infinity"],
  ["no number further in", { clock }, "clock.offsetMs is NaN"],
  ["null", { downtimeMs: null }, "downtimeMs is null"],
  ["a negative time", { totalMs: -1 }, "totalMs is -1"],
  ["a text", { iterations: "3" }, 'iterations is "3"'],
])("one with %s is refused, and the place is named", async (_, fault, named) => {
  const record = { ...liveRecord(), ...fault } as MigrationRecord;
  expect(() => soundRecord(record)).toThrow(`guest vm1's move from host1 to host2`);
  expect(() => soundRecord(record)).toThrow(named);
  const file = join(folder, "lab.jsonl");
  await expect(appendRecord(file, record)).rejects.toThrow(named);
  await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
});

test("figures that cannot be true together are written down with what is wrong with them, once", async () => {
  const file = join(folder, "lab.jsonl");
  const longer = { ...liveRecord(), totalMs: 1_000_000 };
  await appendRecord(file, soundRecord(longer));
  const written = JSON.parse(await readFile(file, "utf8"));
  expect(written).toEqual({ ...longer, faults: inconsistencies(longer) });
  expect(written.faults).toContainEqual(expect.stringContaining("the total is 1000000 ms"));
});

test.each<[string, object, object, string]>([
  ["a figure", { downtimeMs: Number.NaN }, { downtimeMs: undefined }, "downtimeMs is NaN"],
  ["a figure further in", { clock }, { clock: undefined }, "clock.offsetMs is NaN"],
  ["its phases", { phases: [{ name: "nap", startMs: 0, endMs: 1 }] }, { phases: [] }, "phases.0.name"],
])("one that is made with %s that does not fit has all others, and says so", (_, fault, left, named) => {
  const record = madeRecord({ ...liveRecord(), ...fault });
  const { faults = [] } = record;
  expect(record).toEqual({ ...liveRecord(), ...left, faults });
  expect(faults[0]).toContain(named.split(".")[0]);
  expect(recordSchema.safeParse(record).success).toBe(true);
});

test("one that is made without what every record has is none", () => {
  expect(() => madeRecord({ ...liveRecord(), memoryMiB: 512.5 })).toThrow("memoryMiB is 512.5");
});

test("what the schema does not know is not written down", async () => {
  const file = join(folder, "lab.jsonl");
  await appendRecord(file, { ...liveRecord(), strangeMs: Number.NaN } as MigrationRecord);
  expect(await readFile(file, "utf8")).toBe(`${JSON.stringify(liveRecord())}\n`);
});

test("an experiment's line that does not fit is refused, with what had been done", async () => {
  const file = new RunFile(folder, "run");
  const line: MoveLine = {
    schema: 1,
    kind: "move",
    cell: "a",
    repeat: 1,
    block: 1,
    order: 1,
    loadBefore: {},
    record: { ...liveRecord(), downtimeMs: Number.NaN },
  };
  await expect(file.append(line)).rejects.toThrow(/guest vm1's move to host2.*record\.downtimeMs/);
  expect(await file.read()).toBeUndefined();
});

test.each([{ a: [Number.NaN] }, { a: { b: Number.NEGATIVE_INFINITY } }, { a: [undefined] }])(
  "whatever the file: %j would be null in it, and is refused",
  async (value) => {
    await expect(appendLine(join(folder, "any.jsonl"), value)).rejects.toThrow("cannot hold");
  },
);
