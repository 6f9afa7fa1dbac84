import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

  it("says what there is to know of the only stack there is, and its tables when they are asked for", async () => {
    const file = resultsFile("lab", join(folder, "results"));
    await appendRecord(file, liveRecord());
    await appendRecord(file, offlineRecord({ downtimeMs: 4000 }));
    await appendFile(file, "{");
    const power: PowerRecord = {
      ...{ schema: 1, host: "host2", did: "on", at: "2026-03-01T12:00:00.000Z", tookMs: 9 },
      watts: [],
    };
    await appendPowerRecord(powerFile("lab", join(folder, "results")), power);
    const first = (await results()).stdout;
    expect(first.split("\n").length).toBeLessThanOrEqual(16);
    expect(first).toContain("host1 → host2");
    const { stdout } = await results("lab", "--all");
    expect(stdout).toContain("lab, 2 of 2 migrations");
    expect(stdout).toMatch(/Hosts that were switched off and on\n.*[\s\S]*host2 .*on/);
    for (const text of [first, stdout]) {
      expect(text).toContain("2 does not add up: downtime 4000 ms is longer than the total 3200 ms");
      expect(text).toContain("results/lab.jsonl:3 is passed over: it was never written to its end");
    }
    expect((await results("lab", "--last", "1", "--moves")).stdout).not.toContain("host1 → host2");
  });

  it("gives them to other programs: JSON, CSV and Markdown, into a file too", async () => {
    const file = resultsFile("lab", join(folder, "results"));
    await appendRecord(file, liveRecord());
    await appendRecord(file, offlineRecord());
    const json = JSON.parse((await results("lab", "--json")).stdout);
    expect(json.moves).toHaveLength(2);
    expect(json.moves[0]).toMatchObject({ guest: "vm1", mode: "live", total_ms: 1500 });
    expect(json.headline.says[0]).toContain("times as long");
    const [head, ...rows] = (await results("lab", "--csv")).stdout.trimEnd().split("\n");
    expect(head).toMatch(/^outcome,error,started_at,/);
    expect(rows).toHaveLength(2);
    const cells = (await results("lab", "--csv", "--part", "cells")).stdout.trimEnd().split("\n");
    expect(cells[0]).toBe("cell,workload,MiB,moves,total,downtime,client,passes,sent MiB,dirty MiB/s");
    expect((await results("lab", "--md", "--part", "all-cells")).stdout).toContain(
      "| cell | workload | MiB |",
    );
    const said = (await results("lab", "--csv", "--out", "lab.csv")).stdout;
    expect(said).toBe("lab.csv: 2 moves of lab.");
    expect((await readFile(join(folder, "lab.csv"), "utf8")).split("\n")[0]).toBe(head);
  });

  it("is as wide as its terminal", async () => {
    await appendRecord(resultsFile("lab", join(folder, "results")), liveRecord());
    const { stdout } = await execa(process.execPath, [cli, "--all"], { cwd: folder, env: { COLUMNS: "72" } });
    expect(Math.max(...stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(72);
  });

  it.each([
    { args: ["--csv", "--json"], says: "'--csv' cannot be used with option '--json'", exitCode: 2 },
    { args: ["--moves", "--all"], says: "'--moves' cannot be used with option '--all'", exitCode: 2 },
    { args: ["--part", "nothing"], says: "--part nothing: there is no such part here" },
    { args: ["--part", "timelines", "--csv"], says: "--csv is one table" },
    { args: ["--csv", "--out", "no/such/folder/x.csv"], says: "cannot be written to no/such/folder/x.csv" },
  ])("refuses $args", async ({ args, says, exitCode = 1 }) => {
    const file = resultsFile("lab", join(folder, "results"));
    for (let minute = 0; minute < 5; minute++)
      for (const record of [liveRecord(), offlineRecord()])
        await appendRecord(file, {
          ...record,
          startedAt: record.startedAt.replace(/:\d\d:/, `:0${minute}:`),
        });
    await expect(results("lab", ...args)).rejects.toMatchObject({
      exitCode,
      stderr: expect.stringContaining(says),
    });
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
      stderr: "error: Which results? There are those of one, two.",
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
    expect((await results()).stdout).toMatch(/^lab: 1 move on /);
  });
});
