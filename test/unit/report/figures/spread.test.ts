import { describe, expect, test } from "vitest";
import { create } from "xmlbuilder2";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { spreadFigure } from "../../../../report/figures/spread.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

const datasetWith = (...records: MigrationRecord[]) =>
  datasetOf([{ file: "lab.jsonl", text: records.map((record) => `${JSON.stringify(record)}\n`).join("") }]);

const offlineFor = (downtimeMs: number, i: number) =>
  offlineRecord({ downtimeMs, startedAt: new Date(Date.UTC(2026, 2, 1, 12, i)).toISOString() });

/** Twenty of them, from 2000 ms on in steps of 10 ms, not in their order. */
const twenty = Array.from({ length: 20 }, (_, i) => offlineFor(2000 + ((i * 7) % 20) * 10, i));

describe("how downtimes are spread", () => {
  test("is the share of a mode's moves that had no longer one, of modes with enough moves", () => {
    const figure = spreadFigure(datasetWith(...twenty, liveRecord()));
    expect(figure?.table?.rows.map((row) => row.map(shownOf))).toEqual([
      ["offline", "20", "2\u202f000", "2\u202f010", "2\u202f090", "2\u202f170", "2\u202f190"],
    ]);
    const svg = figure?.draw(640) ?? "";
    expect(() => create(svg)).not.toThrow();
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.match(/data-move="\d+"/g)).toHaveLength(20);
    expect(spreadFigure(datasetWith(...twenty.slice(1), liveRecord()))).toBeUndefined();
  });

  test("marks a move that is far from its repeats", () => {
    const figure = spreadFigure(datasetWith(...twenty, offlineFor(3190, 20)));
    // As a move like all others, and once more.
    expect(figure?.draw(640).match(/data-move="21"/g)).toHaveLength(2);
    expect(figure?.draw(640).match(/data-move="\d+"/g)).toHaveLength(22);
    expect(figure?.caption.join(" ")).toContain("Marked: moves far from the repeats of their own cell");
  });
});
