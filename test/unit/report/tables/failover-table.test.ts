import { describe, expect, it } from "vitest";
import type { FailoverRecord } from "../../../../moves/failover-record.ts";
import { failoverTable } from "../../../../report/tables/failover-table.ts";
import { shownOf } from "../../../../report/text/table-model.ts";

const record: FailoverRecord = {
  ...{ schema: 1, guest: "vm2", from: "host2", to: "host1", proof: "power", at: "2026-03-01T12:00:00.000Z" },
  ...{ fencingMs: 5200, bootMs: 800, firstAnswerMs: 21_000 },
};
const rows = (...records: FailoverRecord[]) =>
  failoverTable(records)?.rows.map((row) => row.map((cell) => shownOf(cell)).join(" | "));

describe("the table of guests that were started elsewhere", () => {
  it("has how long each was away, by parts", () => {
    expect(rows(record)).toEqual([
      "2026-03-01 12:00:00 | vm2 | host2 | host1 | power | 5\u202f200 | 800 | 21\u202f000 | 27\u202f000",
    ]);
  });

  it("has no whole where a part is not known", () => {
    const { firstAnswerMs: _, ...unseen } = record;
    expect(rows(unseen)?.[0]).toMatch(/800 \| – \| –$/);
  });

  it("is none where no guest was", () => expect(failoverTable([])).toBeUndefined());
});
