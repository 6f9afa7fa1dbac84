import { describe, expect, it } from "vitest";
import type { Dataset, Failure, Move } from "../../../../report/data/dataset.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { bestSettingTable, settingsTable } from "../../../../report/tables/tuning-table.ts";
import { shownOf, type TableModel } from "../../../../report/text/table-model.ts";
import { syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord } from "../../helpers/records.ts";

/** In times of the plain way. `refused` never moves, and `fails` fails once. */
const times = { live: 1, quick: 0.6, slow: 1.4, refused: 1, fails: 0.1 };
type WayName = keyof typeof times;
/** How slow all is in a block; and by how much moves differ, in turns. */
const blocks = [1, 1.02, 0.99, 1.01, 3, 1];
const uneven = [1, 1.01, 0.99, 1.02];

const file = "run.jsonl";

/** A run of one guest in all ways, over links of several rates; a warm-up that takes next to nothing comes first. */
function run(asked: Record<string, unknown>, links: (number | undefined)[] = [undefined]): Dataset {
  const cells = links.flatMap((linkMiBps) =>
    (Object.keys(times) as WayName[]).map((way) => ({
      id: `vm1/${way}@${linkMiBps}`,
      way,
      factors: { guest: "vm1", way, ...(linkMiBps !== undefined && { linkMiBps }) },
    })),
  );
  const [moves, failures]: [Move[], Failure[]] = [[], []];
  const make = (way: WayName, cell: (typeof cells)[number], block: number, isWarmUp: boolean) => {
    const order = moves.length + failures.length + 1;
    const place = { repeat: block, block, order, ...(isWarmUp && { isWarmUp }) };
    if (way === "refused") {
      const line = { ...place, schema: 1, kind: "failure", cell: cell.id } as const;
      failures.push({ ...line, file, at: "2026-01-01T00:00:00Z", error: "too old" });
      return;
    }
    const slow = isWarmUp ? 0.01 : (blocks[block - 1] as number) * (uneven[order % 4] as number);
    const outcome = way === "fails" && block === 2 ? "rolled-back" : "completed";
    moves.push({
      ...place,
      number: order,
      file,
      line: order + 1,
      cell: { id: cell.id, factors: cell.factors, place: cells.indexOf(cell) },
      faults: [],
      // The downtime is that of the block alone.
      record: liveRecord({ outcome, totalMs: 1000 * times[way] * slow, downtimeMs: 100 * slow }),
    });
  };
  const [plain] = cells as [(typeof cells)[number]];
  make("live", plain, 1, true);
  for (const [index] of blocks.entries()) for (const cell of cells) make(cell.way, cell, index + 1, false);
  const head = { ...syntheticRun(1).head, asked: { experiment: asked as never }, cells };
  return { sources: [{ file, head, moves: moves.length }], moves, failures, problems: [] };
}

const shown = (table: TableModel | undefined) => table?.rows.map((row) => row.map(shownOf).join(" | "));

describe("the best setting of a run", () => {
  it("is told of each figure, against the way that the file names, and is none where all are alike", () => {
    const rows = shown(bestSettingTable(run({ against: "live" })));
    expect(rows).toHaveLength(3);
    expect(rows?.[0]).toMatch(
      /^vm1 \| total time \| quick \| 606 \| live \| 1\u202f020 \| −40 % \| −42 % \| −38 % \| −40 %$/,
    );
    expect(rows?.[1]).toMatch(
      /^vm1 \| downtime \| none is better \| – \| live \| 102 \| – \| – \| – \| \+1\.2 %$/,
    );
    // No prober saw these moves.
    expect(rows?.[2]).toBe("vm1 | longest silence | – | – | live | – | – | – | – | –");
  });

  it("is none of those that were refused or failed, which are named", () => {
    const dataset = run({ against: "live" });
    expect(bestSettingTable(dataset)?.notes.at(-1)).toBe(
      "vm1: not completed were moves of refused (6 of 6), fails (1 of 6). A setting that fails is none to take, and is left out.",
    );
    expect(settingsTable(dataset)?.rows.map(([, of, way]) => `${of}: ${way}`)).toEqual([
      "total time: quick",
      "total time: slow",
      "downtime: quick",
      "downtime: slow",
    ]);
  });

  it("is told against a way that fails itself, by what was completed, and says so", () => {
    const table = bestSettingTable(run({ against: "fails" }));
    expect(shown(table)?.[0]).toMatch(/total time \| none is better \| – \| fails/);
    expect(table?.notes.at(-1)).toContain("left out; of fails those that were completed count.");
    expect(
      settingsTable(run({ against: "fails" }))
        ?.rows[0]?.map(shownOf)
        .at(-1),
    ).toBe("5");
  });

  it("is told of each rate of the link by itself", () => {
    const rows = shown(bestSettingTable(run({ against: "live" }, [32, 64])));
    expect(rows?.map((row) => row.split(" | ")[0])).toEqual([
      ...Array.from({ length: 3 }, () => "vm1, link 32 MiB/s"),
      ...Array.from({ length: 3 }, () => "vm1, link 64 MiB/s"),
    ]);
  });

  it("is looked for where the experiment says so, and nowhere else", () => {
    const sections = (asked: Record<string, unknown>) => reportOf(run(asked)).sections.map(({ id }) => id);
    expect(sections({ against: "live" })[0]).toBe("settings");
    expect(sections({})).not.toContain("settings");
    expect(bestSettingTable(run({ against: "live", moves: "all" }))).toBeUndefined();
  });
});
