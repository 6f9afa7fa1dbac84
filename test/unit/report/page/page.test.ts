import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appendRecord, resultsFile } from "../../../../moves/results.ts";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { askedSources } from "../../../../report/data/sources.ts";
import { html } from "../../../../report/page/html.ts";
import { pageOf } from "../../../../report/page/page.ts";
import type { EmbeddedRuns } from "../../../../report/page/runs.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { terminalTable } from "../../../../report/text/terminal-table.ts";
import { writeReport } from "../../../../report/write-report.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord } from "../../helpers/records.ts";

const pageWith = (text: string) => pageOf(reportOf(datasetOf([{ file: "some.jsonl", text }])));
const documentOf = (page: string) => parseHTML(page).document;

describe("the page", () => {
  it("needs nothing but itself", () => {
    const page = pageWith(fileOf(syntheticRun(1)));
    const document = documentOf(page);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    expect([...document.querySelectorAll("[src]")]).toEqual([]);
    expect([...document.querySelectorAll("link")].map((link) => link.getAttribute("href"))).toEqual([
      "data:,",
    ]);
    expect(document.querySelector("meta[http-equiv]")?.getAttribute("content")).toContain(
      "default-src 'none'",
    );
  });

  it("has every move for its script, as the records have it", () => {
    const run = syntheticRun(1);
    const document = documentOf(pageWith(fileOf(run)));
    const { columns, rows, words } = JSON.parse(
      document.getElementById("runs")?.textContent ?? "",
    ) as EmbeddedRuns;
    expect(rows).toHaveLength(run.moves.length);
    const at = (name: string) => columns.findIndex((column) => column.name === name);
    for (const [index, { record }] of run.moves.entries()) {
      const row = rows[index] as (number | null)[];
      expect(words[row[at("guest")] as number]).toBe(record.guest);
      expect(row[at("total ms")]).toBe(record.totalMs);
      expect(row[at("passes")]).toBe(record.iterations ?? null);
    }
  });

  it("shows what names say, whatever they say", () => {
    const guest = `</script><img src=x onerror="alert(1)">&amp;`;
    const page = pageWith(
      `${JSON.stringify(liveRecord({ guest, outcome: "failed", error: `<b>"${guest}` }))}\n`,
    );
    expect(page).not.toContain("<img");
    expect(page).not.toContain("<b>");
    const { words } = JSON.parse(documentOf(page).getElementById("runs")?.textContent ?? "") as EmbeddedRuns;
    expect(words).toContain(guest);
    expect(html`<p title="${'"'}">${"<&>"}${undefined}${[html`<i></i>`, 3]}</p>`.text).toBe(
      '<p title="&quot;">&lt;&amp;&gt;<i></i>3</p>',
    );
  });

  it("has unique ids, and its headings in their order", () => {
    const document = documentOf(pageWith(fileOf(syntheticRun(5))));
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    const levels = [...document.querySelectorAll("h1, h2, h3")].map(({ tagName }) => Number(tagName[1]));
    expect(levels[0]).toBe(1);
    for (const [index, level] of levels.entries())
      expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1);
  });

  it("can be made of nothing", () => {
    const document = documentOf(pageWith(""));
    expect(document.querySelector("#claims")).toBeNull();
    expect(document.querySelector("#says")?.textContent).toBe("No move was measured yet.");
    expect(document.querySelectorAll("figure")).toHaveLength(0);
    expect(document.querySelector("#problems tbody")?.textContent).toContain("it is empty");
  });
});

describe("tables in the terminal", () => {
  it("fit it, and say the same", () => {
    const { sections } = reportOf(datasetOf([{ file: "some.jsonl", text: fileOf(syntheticRun(5)) }]));
    for (const table of sections.flatMap(({ tables }) => tables)) {
      const text = terminalTable(table);
      const drawn = text.split("\n").filter((line) => /^[│┌├└]/.test(line));
      expect(Math.max(...drawn.map(({ length }) => length))).toBeLessThanOrEqual(120);
      expect(text).toContain(table.title);
      for (const note of table.notes) expect(text.replaceAll("\n", " ")).toContain(note);
    }
  });
});

describe("what is written, and of what", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is a page and its figures, those of an older report gone", async () => {
    const of = (text: string) => reportOf(datasetOf([{ file: "some.jsonl", text }]));
    await writeReport(of(fileOf(syntheticRun(1))), folder);
    expect(await readdir(join(folder, "figures"))).toContain("figure-4.svg");
    const { page, pageBytes } = await writeReport(of(`${JSON.stringify(liveRecord())}\n`), folder);
    expect((await readFile(page)).length).toBe(pageBytes);
    expect(await readdir(join(folder, "figures"))).not.toContain("figure-4.svg");
    expect(await readdir(folder)).toEqual(["figures", "index.html"]);
  });

  it("is asked for by the name of a stack, of an experiment, of a run, or of a file", async () => {
    const write = (...path: string[]) => appendRecord(join(folder, ...path), liveRecord());
    await appendRecord(resultsFile("lab", folder), liveRecord());
    expect(await askedSources([], folder)).toEqual({ name: "lab", files: [join(folder, "lab.jsonl")] });
    await write("experiments", "paper", "20260101T000000Z.jsonl");
    await write("experiments", "paper", "20260102T000000Z.jsonl");
    const paper = (run: string) => join(folder, "experiments", "paper", `${run}.jsonl`);
    // The stack that an experiment is made on has its name.
    await appendRecord(resultsFile("paper", folder), liveRecord());
    expect((await askedSources(["paper"], folder)).files).toEqual([paper("20260102T000000Z")]);
    expect((await askedSources(["paper/20260101T000000Z", "lab"], folder)).files).toEqual([
      paper("20260101T000000Z"),
      join(folder, "lab.jsonl"),
    ]);
    expect((await askedSources([paper("20260101T000000Z")], folder)).name).toBe("20260101T000000Z");
    await expect(askedSources([], folder)).rejects.toThrow("Which results? There are those of paper, lab.");
    await expect(askedSources(["none"], folder)).rejects.toThrow("there are those of paper, lab");
    await expect(askedSources(["paper/never"], folder)).rejects.toThrow("No run never of paper");
    await expect(askedSources([join(folder, "no.jsonl")], folder)).rejects.toThrow("There is no file");
  });
});
