import { describe, expect, it } from "vitest";
import type { PowerRecord } from "../../../../moves/power-record.ts";
import { powerTable } from "../../../../report/tables/power-table.ts";
import { shownOf } from "../../../../report/text/table-model.ts";

const off: PowerRecord = {
  schema: 1,
  host: "host3",
  did: "off",
  at: "2026-03-01T12:00:00.000Z",
  tookMs: 4200,
  reason: "policy consolidate leaves it without guests",
  moves: [
    { guest: "vm1", to: "host1", totalMs: 1500, downtimeMs: 80 },
    { guest: "vm2", to: "host2", totalMs: 1700, downtimeMs: 120 },
  ],
  watts: [{ from: "declared", beforeW: 300, afterW: 215.4 }],
};
const rows = (...records: PowerRecord[]) =>
  powerTable(records)?.rows.map((row) => row.map((cell) => shownOf(cell)).join(" | "));

describe("the table of hosts that were switched", () => {
  it("has what it cost and gave, each kind of watts by itself", () => {
    expect(rows(off)).toEqual([
      "2026-03-01 12:00:00 | host3 | off | 4\u202f200 | policy consolidate leaves it without guests | 2 | 200 | 300 | 215 | – | –",
    ]);
    const measured = rows(
      { ...off, watts: [{ from: "rapl", beforeW: 31.4 }] },
      { ...off, watts: [{ from: "bmc", beforeW: 219.6 }] },
      { ...off, did: "on", watts: [{ from: "bmc", afterW: 184 }] },
    );
    expect(measured?.map((row) => row.split(" | ").slice(-4).join(" | "))).toEqual([
      "– | – | 31 | –",
      "– | – | – | 220",
      "– | – | – | 184",
    ]);
  });

  it("leaves open what is not known: a downtime, and moves of a host that was switched on", () => {
    const unmeasured = { ...off, moves: [{ guest: "vm1", to: "host1", totalMs: 1500 }] };
    expect(rows(unmeasured)?.[0]).toContain("| 1 | – | 300");
    const { reason: _, moves: __, ...on } = off;
    expect(rows({ ...on, did: "on", watts: [] })?.[0]).toMatch(
      /on \| 4\u202f200 \| – \| – \| – \| – \| – \| – \| –$/,
    );
  });

  it("is none where no host was", () => expect(powerTable([])).toBeUndefined());
});
