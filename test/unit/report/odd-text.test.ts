import { describe, expect, it } from "vitest";
import { convert } from "xmlbuilder2";
import { datasetOf } from "../../../report/data/dataset.ts";
import { runCsv } from "../../../report/export/moves-csv.ts";
import { seriesOf } from "../../../report/figures/figure.ts";
import { pageOf } from "../../../report/page/page.ts";
import { svgFile } from "../../../report/page/svg-file.ts";
import { reportOf } from "../../../report/sections/report.ts";
import { downtimeTable, migrationTable, phaseTable } from "../../../report/text/table.ts";
import { terminalTable } from "../../../report/text/terminal-table.ts";
import { visible } from "../../../report/text/visible.ts";
import { syntheticRun } from "../../report/synthetic.ts";
import { liveRecord } from "../helpers/records.ts";

/** Rings, sets the window's title, clears a line, turns letters around, ends lines, is no XML. */
const odd =
  "a\u0007\u001b]0;mine\u001b\\\u009b2K\u0000\u0085\u2028\u2029\u202e\u2066\u200b\ufeff\uffff\ud800b&<\"'";
const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\p{Surrogate}/u;

/** A run in which everything that has a name is called so. */
function called(name: string, repeats = 2) {
  const run = syntheticRun(repeats);
  const { head } = run;
  const cells = head.cells.map((cell) => ({ ...cell, id: `${name}${cell.id}` }));
  const named = {
    ...head,
    title: name,
    experiment: name,
    cells: cells.map((cell) => ({ ...cell, factors: { ...cell.factors, [`f${name}`]: name } })),
  };
  const moves = run.moves.map((move) => ({
    ...move,
    cell: `${name}${move.cell}`,
    record: { ...move.record, guest: name, from: name, to: `${name}2`, workload: { type: name } },
  }));
  const text = [named, ...moves].map((line) => JSON.stringify(line)).join("\n");
  return { head: named, moves, dataset: datasetOf([{ file: `${name}.jsonl`, text: `${text}\n` }]) };
}

describe("what records say, whatever it is", () => {
  it("is shown, and nothing in it is obeyed", () => {
    expect(visible("\u001b[1m\n\u202eb")).toBe("\\u{1b}[1m\\n\\u{202e}b");
    expect(visible("Größe → 5 µs, 日本 🙂")).toBe("Größe → 5 µs, 日本 🙂");
    const { dataset } = called(odd, 5);
    const report = reportOf(dataset);
    const records = dataset.moves.map(({ record }) => ({ ...record, error: odd }));
    const tables = report.sections.flatMap(({ tables, figures }) => [
      ...tables,
      ...figures.flatMap(({ table }) => table ?? []),
    ]);
    expect(dataset.moves.length).toBeGreaterThan(10);
    for (const text of [
      ...tables.map((table) => terminalTable(table)),
      migrationTable(records),
      phaseTable(records),
      downtimeTable(records),
      pageOf(report),
    ]) {
      expect(obeyed.exec(text)?.[0].codePointAt(0)).toBeUndefined();
    }
    expect(migrationTable(records)).toContain("\\u{1b}]0;mine");
  });

  it("leaves every figure well-formed", () => {
    const figures = reportOf(called(odd).dataset).sections.flatMap((section) => section.figures);
    expect(figures.length).toBeGreaterThan(5);
    for (const figure of figures) {
      const svg = svgFile(figure);
      expect(obeyed.exec(svg)?.[0].codePointAt(0)).toBeUndefined();
      expect(() => convert(svg, { format: "object" })).not.toThrow();
    }
  });

  it("makes no line as long as the longest name", () => {
    const guest = "x".repeat(400);
    const { dataset } = called(guest);
    const longest = (text: string) => Math.max(...text.split("\n").map(({ length }) => length));
    const table = migrationTable([liveRecord({ guest })]);
    expect(longest(table)).toBeLessThan(200);
    const cells = reportOf(dataset).sections.flatMap(({ tables }) => tables);
    for (const one of cells) {
      const lines = terminalTable({ ...one, title: "", notes: [] });
      expect(longest(lines)).toBeLessThan(300);
    }
  });

  it.each(["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"])(
    "may be the name of something in every object: %s",
    (name) => {
      expect(seriesOf(name)).toEqual(seriesOf("something else"));
      const { dataset, head, moves } = called(name);
      expect(dataset.problems).toEqual([]);
      const report = reportOf(dataset);
      expect(pageOf(report)).toContain(name);
      expect(report.sections.flatMap(({ figures }) => figures.map(svgFile)).join()).toContain(name);
      for (const { tables } of report.sections) for (const table of tables) terminalTable(table);
      expect(runCsv(head, moves).split("\n")).toHaveLength(moves.length + 2);
    },
  );

  it("is no formula to a spreadsheet, and figures stay figures", () => {
    const { head, moves } = called("vm");
    const [move] = moves as [(typeof moves)[0]];
    const error = '=HYPERLINK("http://example.com")';
    const record = { ...move.record, guest: "@guest", error, clock: { offsetMs: -0.4, uncertaintyMs: 0.1 } };
    const csv = runCsv(head, [{ ...move, record }]);
    expect(csv).toContain(`"'=HYPERLINK(""http://example.com"")"`);
    expect(csv).toContain(",'@guest,");
    expect(csv).toContain(",-0.4,0.1,");
  });
});
