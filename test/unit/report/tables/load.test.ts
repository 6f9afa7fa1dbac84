import { describe, expect, it } from "vitest";
import { loadTable } from "../../../../report/tables/load-table.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { designed, shipped } from "../claims/design.ts";

describe("heavy loads against light ones", () => {
  it("are compared application by application, in each mode", async () => {
    const dataset = designed(await shipped("applications"), 6, ({ name }, { mode }, repeat) => ({
      totalMs: (mode === "live" && name.endsWith("heavy") ? 9000 : 6000) * (1 + repeat / 1000),
      downtimeMs: 200,
    }));
    const rows = loadTable(dataset)?.rows.map((row) => row.map(shownOf)) ?? [];
    expect(rows.map(([heavy, light, , total]) => [heavy, light, total?.slice(0, 5)])).toEqual(
      ["python", "mysql", "writer", "disk"].flatMap((application) => [
        [`${application}-heavy/offline`, `${application}-light/offline`, "1.00,"],
        [`${application}-heavy/live`, `${application}-light/live`, "1.50,"],
      ]),
    );
    expect(rows.map(([, , asked]) => asked)).toContain("clients 1 → clients 8");
    expect(rows[1]?.[3]).toMatch(/^1\.50, 1\.\d\d to 1\.\d\d \(95\.9 %\)$/);
  });

  it("are not compared where anything else differs", async () => {
    const { ...paper } = await shipped("paper");
    const dataset = designed(paper, 5, () => ({ totalMs: 6000, downtimeMs: 200 }));
    expect(loadTable(dataset)).toBeUndefined();
  });
});
