import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appendPowerRecord, type PowerRecord, powerFile } from "../../../moves/power-record.ts";
import { appendRecord, resultsFile } from "../../../moves/results.ts";
import { liveRecord, offlineRecord } from "../../unit/helpers/records.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("npm run results", () => {
  const cli = join(import.meta.dirname, "../../../report/results-cli.ts");
  const results = (...args: string[]) => execa(process.execPath, [cli, ...args], { cwd: folder });

  it("prints the tables of the only stack there is, and what does not add up", async () => {
    const file = resultsFile("lab", join(folder, "results"));
    await appendRecord(file, liveRecord());
    await appendRecord(file, offlineRecord({ downtimeMs: 4000 }));
    await appendFile(file, "{");
    const power: PowerRecord = {
      ...{ schema: 1, host: "host2", did: "on", at: "2026-03-01T12:00:00.000Z", tookMs: 9 },
      watts: [],
    };
    await appendPowerRecord(powerFile("lab", join(folder, "results")), power);
    const { stdout } = await results();
    expect(stdout).toContain("lab, 2 of 2 migrations");
    expect(stdout).toMatch(/Hosts that were switched off and on\n.*[\s\S]*host2 .*on/);
    expect(stdout).toContain("host1 → host2");
    expect(stdout).toContain("2 does not add up: downtime 4000 ms is longer than the total 3200 ms");
    expect(stdout).toContain("results/lab.jsonl:3 is passed over: it was never written to its end");
    expect((await results("lab", "--last", "1", "--moves")).stdout).not.toContain("host1 → host2");
  });

  it("says what it needs", async () => {
    await expect(results()).rejects.toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("No results yet"),
    });
    await appendRecord(resultsFile("one", join(folder, "results")), liveRecord());
    await appendRecord(resultsFile("two", join(folder, "results")), liveRecord());
    await expect(results()).rejects.toMatchObject({
      exitCode: 1,
      stderr: "Which results? There are those of one, two.",
    });
    await expect(results("three")).rejects.toMatchObject({
      stderr: expect.stringContaining("those of one, two"),
    });
    await expect(results("one", "--last", "x")).rejects.toMatchObject({
      stderr: expect.stringContaining("--last"),
    });
  });

  it("does not take a file for a record", async () => {
    await appendRecord(resultsFile("lab", join(folder, "results")), liveRecord());
    await writeFile(join(folder, "results", "notes.txt"), "mine");
    expect((await results()).stdout).toContain("lab, 1 of 1 migrations");
  });
});
