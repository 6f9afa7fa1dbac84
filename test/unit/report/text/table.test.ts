import { describe, expect, it } from "vitest";
import { downtimeTable, migrationTable, phaseTable } from "../../../../report/text/table.ts";
import { coldRecord, liveRecord, offlineRecord } from "../../helpers/records.ts";

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
    const client = {
      prober: "storage",
      protocols: [],
      unansweredMs: 99_999.9,
      usualSilenceMs: 7000,
      proberLateMs: 0,
    };
    const guest = { guestDowntimeMs: 99_999.9, guestClockResolutionMs: 17.1 };
    const all = { ...guest, client, clientDowntimeMs: 99_999.9, clientProbeIntervalMs: 5 };
    for (const text of [migrationTable(records), downtimeTable([coldRecord(all)]), phaseTable(records)]) {
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
      expect(text).not.toContain("\u001b");
    }
  });

  it("shows the copy of an overlay where there was one, and fits still", () => {
    const live = liveRecord({
      phases: [
        { name: "preparation", startMs: 0, endMs: 100 },
        { name: "storage", startMs: 100, endMs: 150 },
        ...liveRecord().phases.slice(1),
      ],
    });
    const [, head = "", , row = "", shared = ""] = phaseTable([live, liveRecord()]).split("\n").slice(1);
    const cells = (line: string) => line.split("│").map((cell) => cell.trim());
    expect(cells(head).slice(3, 6)).toEqual(["preparation", "storage", "iterations (TI)"]);
    expect(cells(row).slice(3, 6)).toEqual(["100", "50", "1120"]);
    expect(cells(shared)[4]).toBe("–");
    expect(head.length).toBeLessThanOrEqual(110);
    expect(phaseTable([liveRecord()])).not.toContain("storage");
  });

  it("says so when there is nothing", () => {
    expect(migrationTable([])).toBe("No migrations yet.");
    expect(phaseTable([])).toBe("");
  });
});

describe("the table of downtimes", () => {
  const seen = {
    clientDowntimeMs: 84.2,
    clientProbeIntervalMs: 5,
    client: { prober: "storage", protocols: [], unansweredMs: 82.5, usualSilenceMs: 7.2, proberLateMs: 0.1 },
  };

  it("has what each saw, side by side, of the moves that others than the hypervisor saw", () => {
    const looked = [
      liveRecord({ ...seen, guestDowntimeMs: 80.9, guestClockResolutionMs: 0.4 }),
      liveRecord(),
      coldRecord(seen),
    ];
    expect(downtimeTable(looked)).toMatchInlineSnapshot(`
      "Downtimes, ms
      ┌───┬───────┬──────┬────────────┬─────────┬────────────┬────────┬───────────────┬───────────────┐
      │ # │ guest │ mode │ hypervisor │ libvirt │ unanswered │ client │ silent before │ guest's clock │
      ├───┼───────┼──────┼────────────┼─────────┼────────────┼────────┼───────────────┼───────────────┤
      │ 1 │ vm1   │ live │ 80.5 ± 0.2 │      82 │       82.5 │   84.2 │           7.2 │    80.9 ± 0.4 │
      │ 3 │ vm1   │ cold │    81000.0 │       – │       82.5 │   84.2 │           7.2 │             – │
      └───┴───────┴──────┴────────────┴─────────┴────────────┴────────┴───────────────┴───────────────┘
      hypervisor: STOP to RESUME; libvirt: its own figure; unanswered: how long another machine asked in vain;
      client: how long it heard nothing; silent before: how long at most before the stop, when nothing had happened;
      guest's clock: what that missed.
      –: not measured, or none in this mode."
    `);
  });

  it("is none when nobody else looked", () => {
    expect(downtimeTable(records)).toBe("");
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
