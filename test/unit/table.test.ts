import { describe, expect, it } from "vitest";
import { migrationTable, phaseTable } from "../../report/table.ts";
import { coldRecord, liveRecord, offlineRecord } from "./records.ts";

const records = [
  liveRecord(),
  offlineRecord(),
  coldRecord({ outcome: "rolled-back", error: "host1 has no room", downtimeMs: undefined }),
];

describe("the table of migrations", () => {
  it("has a line for each, figures that were not measured as a dash, and says so", () => {
    expect(migrationTable(records)).toMatchInlineSnapshot(`
      "┌───┬───────┬─────┬───────────────┬───────────────────┬────────┬────────┬───────────┬────────┬──────────┐
      │ # │ guest │ MiB │ from → to     │ mode              │ TMT ms │ TDT ms │ client ms │ passes │ sent MiB │
      ├───┼───────┼─────┼───────────────┼───────────────────┼────────┼────────┼───────────┼────────┼──────────┤
      │ 1 │ vm1   │ 768 │ host1 → host2 │ live              │   1500 │   80.5 │         – │      2 │      138 │
      │ 2 │ vm1   │ 768 │ host2 → host1 │ offline           │   3200 │   3150 │         – │      – │        – │
      │ 3 │ vm1   │ 768 │ host2 → host1 │ cold, rolled-back │  90000 │      – │         – │      – │        – │
      └───┴───────┴─────┴───────────────┴───────────────────┴────────┴────────┴───────────┴────────┴──────────┘
      TMT: total migration time. TDT: downtime, as the hypervisor has it; client: as another machine saw it.
      3 rolled-back: host1 has no room
      –: not measured, or none in this mode."
    `);
  });

  it("never shows zero for what was not measured, nor a dash for zero", () => {
    const line = migrationTable([liveRecord({ downtimeMs: 0 })]).split("\n")[3] ?? "";
    expect(line.split("│").map((cell) => cell.trim())[7]).toBe("0");
    const unmeasured = migrationTable([offlineRecord({ downtimeMs: undefined })]).split("\n")[3] ?? "";
    expect(
      unmeasured
        .split("│")
        .map((cell) => cell.trim())
        .slice(7, 11),
    ).toEqual(["–", "–", "–", "–"]);
  });

  it("has no footnote when all was measured", () => {
    const all = liveRecord({ clientDowntimeMs: 98, clientProbeIntervalMs: 5 });
    expect(migrationTable([all])).not.toContain("not measured");
  });

  it("fits an ordinary terminal and has no colours", () => {
    for (const text of [migrationTable(records), phaseTable(records)]) {
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
      expect(text).not.toContain("\u001b");
    }
  });

  it("says so when there is nothing", () => {
    expect(migrationTable([])).toBe("No migrations yet.");
    expect(phaseTable([])).toBe("");
  });
});

describe("the table of phases", () => {
  it("is one for each mode there is, numbered like the migrations", () => {
    expect(phaseTable(records)).toMatchInlineSnapshot(`
      "Phases of live moves, ms
      ┌───┬───────┬─────────────┬─────────────────┬────────────────────┬───────────────────┬────────────┐
      │ # │ guest │ preparation │ iterations (TI) │ stop-and-copy (DM) │ device-state (VS) │ completion │
      ├───┼───────┼─────────────┼─────────────────┼────────────────────┼───────────────────┼────────────┤
      │ 1 │ vm1   │         150 │            1120 │                 72 │               8.5 │        150 │
      └───┴───────┴─────────────┴─────────────────┴────────────────────┴───────────────────┴────────────┘

      Phases of offline moves, ms
      ┌───┬───────┬─────────┬──────┬────────┐
      │ # │ guest │ suspend │ copy │ resume │
      ├───┼───────┼─────────┼──────┼────────┤
      │ 2 │ vm1   │     500 │ 1300 │   1400 │
      └───┴───────┴─────────┴──────┴────────┘

      Phases of cold moves, ms
      ┌───┬───────┬──────────┬────────┬───────┐
      │ # │ guest │ shutdown │ define │ start │
      ├───┼───────┼──────────┼────────┼───────┤
      │ 3 │ vm1   │     9000 │    300 │ 80700 │
      └───┴───────┴──────────┴────────┴───────┘"
    `);
  });

  it("shows how far a failed move came", () => {
    const failed = liveRecord({ outcome: "failed", error: "gone", phases: liveRecord().phases.slice(0, 2) });
    expect(phaseTable([failed]).split("\n")[4]).toMatch(/150 │ +1120 │ +– │ +– │ +– │$/);
  });
});
