import { describe, expect, it } from "vitest";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { partText, resultsOf, summaryText } from "../../../../report/results-text.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { moveTables } from "../../../../report/text/table.ts";
import { figure, text } from "../../../../report/text/table-model.ts";
import { terminalTable } from "../../../../report/text/terminal-table.ts";
import { terminalWidth, wrapped } from "../../../../report/text/terminal-width.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

const longest = (lines: string) => Math.max(...lines.split("\n").map(({ length }) => length));

describe("the width of the terminal", () => {
  it.each([
    { columns: 83, said: "200", width: 83 },
    { columns: undefined, said: "97", width: 97 },
    { columns: undefined, said: "wide", width: 120 },
    { columns: undefined, said: undefined, width: 120 },
    { columns: 0, said: undefined, width: 120 },
    { columns: 12, said: undefined, width: 40 },
  ])("is $width of a terminal of $columns with COLUMNS=$said", ({ columns, said, width }) => {
    expect(terminalWidth({ columns }, { COLUMNS: said })).toBe(width);
  });

  it("wraps texts between words, and breaks none", () => {
    expect(wrapped("one two three", 7)).toBe("one two\nthree");
    expect(wrapped("indivisible", 4)).toBe("indivisible");
  });
});

describe("in a narrow terminal", () => {
  const report = reportOf(datasetOf([{ file: "run.jsonl", text: fileOf(syntheticRun(5)) }]));
  const results = resultsOf("run", report, [], []);

  it.each([60, 80, 120, 200])("no table and no sentence is wider than it: %i", (width) => {
    for (const part of results.parts)
      expect(longest(partText(part, width)), part.id).toBeLessThanOrEqual(width);
    expect(longest(moveTables([liveRecord(), offlineRecord()], 1, width))).toBeLessThanOrEqual(width);
  });

  it("rows of sentences are lists, without what is absent", () => {
    const sentence = "many words that are not to stand below one another ".repeat(3).trim();
    const table = {
      ...{ id: "t", title: "T", notes: ["A note."] },
      columns: ["claim", "verdict", "effect", "remark"].map(text),
      rows: [[sentence, "reproduced", undefined, sentence]],
    };
    const drawn = terminalTable(table, 60);
    expect(drawn).not.toContain("│");
    expect(drawn.replaceAll(/\s+/g, " ")).toBe(`T ${sentence}: reproduced remark: ${sentence} A note.`);
    expect(longest(drawn)).toBeLessThanOrEqual(60);
  });

  it("columns that there is no room for are named, the first ones stay", () => {
    const table = {
      ...{ id: "t", title: "T", notes: [] },
      columns: [text("guest"), figure("total"), text("indivisible"), text("unbreakable")],
      rows: [["vm1", "1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]],
    };
    const drawn = terminalTable(table, 60);
    expect(drawn).toContain("aaaaaaaaaa");
    expect(drawn).not.toContain("bbbbbbbbbb");
    expect(drawn).toContain("Too narrow for: unbreakable.");
    expect(terminalTable(table, 120)).not.toContain("Too narrow");
  });
});

describe("the first words of npm run results", () => {
  const summaryOf = (file: string, content: string, width = 120) =>
    summaryText(resultsOf("run", reportOf(datasetOf([{ file, text: content }])), [], []), width);

  it("are about ten lines, whatever the run", () => {
    const lines = summaryOf("run.jsonl", fileOf(syntheticRun(12))).split("\n");
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines[0]).toMatch(/^run: \d+ moves of synthetic/);
    expect(lines[1]).toMatch(/^Measured on: /);
    expect(lines.join("\n")).toContain("Not counted: 10 warm-up.");
  });

  it("name every part there is", () => {
    const report = reportOf(datasetOf([{ file: "run.jsonl", text: fileOf(syntheticRun(5)) }]));
    const results = resultsOf("run", report, [], []);
    const said = summaryText(results, 120).replaceAll("\n", " ");
    expect(results.parts.length).toBeGreaterThan(5);
    for (const { id } of results.parts) expect(said).toContain(id);
  });

  it("show two moves themselves", () => {
    const records = [liveRecord(), offlineRecord()].map((record) => `${JSON.stringify(record)}\n`).join("");
    expect(summaryOf("lab.jsonl", records)).toContain("│ host1 → host2 │ live ");
    expect(summaryOf("lab.jsonl", records).split("\n").length).toBeLessThanOrEqual(14);
  });
});
