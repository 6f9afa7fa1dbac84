import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  appendRecord,
  parseRecords,
  readRecords,
  recordsSince,
  resultsFile,
  stacksWithResults,
} from "../../../moves/results.ts";
import { liveRecord, offlineRecord } from "../helpers/records.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("a stack's results", () => {
  it("are every record, oldest first, one a line", async () => {
    const file = resultsFile("lab", join(folder, "results"));
    await appendRecord(file, liveRecord());
    await appendRecord(file, offlineRecord({ error: "two\nlines", outcome: "failed" }));
    expect((await readFile(file, "utf8")).split("\n")).toHaveLength(3);
    expect(await readRecords(file)).toEqual({
      records: [liveRecord(), offlineRecord({ error: "two\nlines", outcome: "failed" })],
      unreadable: [],
    });
    for (const other of ["decisions", "failovers", "keep", "power"])
      await writeFile(join(folder, "results", `lab.${other}.jsonl`), "{}\n");
    expect(await stacksWithResults(join(folder, "results"))).toEqual(["lab"]);
  });

  it("keep their lines apart when several are written at once", async () => {
    const file = resultsFile("lab", folder);
    const guests = Array.from({ length: 40 }, (_, index) => `vm${index}`);
    await Promise.all(guests.map((guest) => appendRecord(file, liveRecord({ guest }))));
    const { records, unreadable } = await readRecords(file);
    expect(unreadable).toEqual([]);
    expect(new Set(records.map(({ guest }) => guest))).toEqual(new Set(guests));
  });

  it("survive a crash in the middle of a line: it is passed over, and the next record has its own", async () => {
    const file = resultsFile("lab", folder);
    await appendRecord(file, liveRecord());
    await appendFile(file, JSON.stringify(offlineRecord()).slice(0, 100));
    expect(await readRecords(file)).toEqual({
      records: [liveRecord()],
      unreadable: [{ line: 2, problem: "it is not JSON", isTorn: true }],
    });
    await appendRecord(file, liveRecord({ guest: "vm2" }));
    const { records, unreadable } = await readRecords(file);
    expect(records.map(({ guest }) => guest)).toEqual(["vm1", "vm2"]);
    expect(unreadable).toEqual([{ line: 2, problem: "it is not JSON", isTorn: false }]);
  });

  it("since some moment are all that were written then, however many, and after a torn line", async () => {
    const file = resultsFile("lab", folder);
    const fromNothing = await recordsSince(file);
    expect(await fromNothing()).toEqual([]);
    await appendRecord(file, liveRecord());
    await appendFile(file, JSON.stringify(offlineRecord()).slice(0, 100));
    const later = await recordsSince(file);
    // More than the tail that latestRecords looks at.
    const written = Array.from({ length: 600 }, (_, index) => liveRecord({ guest: `vm${index}` }));
    for (const record of written) await appendRecord(file, record);
    expect((await readFile(file)).length).toBeGreaterThan(512 * 1024);
    expect(await later()).toEqual(written);
    expect((await fromNothing()).length).toBe(601);
  });

  it("name what is no record in one line, and keep the rest", () => {
    const other = JSON.stringify({ ...liveRecord(), schema: 7 });
    const { records, unreadable } = parseRecords(`${other}\n\n${JSON.stringify(liveRecord())}\n`);
    expect(records).toHaveLength(1);
    expect(unreadable).toEqual([
      { line: 1, problem: expect.stringMatching(/expected 1.*schema/), isTorn: false },
    ]);
  });

  it("are none where nothing has moved yet", async () => {
    expect(await stacksWithResults(join(folder, "nowhere"))).toEqual([]);
    await expect(readRecords(resultsFile("lab", folder))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
