import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseRun } from "../../../../experiments/run-file.ts";
import { readDataset } from "../../../../report/data/dataset.ts";
import { runCsv } from "../../../../report/export/moves-csv.ts";
import { partsOf, withParts } from "../../../../report/published/parts.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { writeReport } from "../../../../report/write-report.ts";

const project = join(import.meta.dirname, "../../../..");
const folder = join(project, "docs", "paper");
const results = join(folder, "20261123T230634Z.jsonl");
const read = (file: string) => readFileSync(join(folder, file), "utf8");
/** The formatter aligns tables. */
const even = (text: string) =>
  text
    .replaceAll(/-{2,}/g, "--")
    .replaceAll(/[^\S\n\u202f]+/g, " ")
    .replaceAll(/\n{2,}/g, "\n");

describe("docs/paper", () => {
  it("has the tables that follow from its results: npm run published", async () => {
    const made = withParts(read("README.md"), partsOf(await readDataset([results])));
    expect(even(read("README.md"))).toBe(even(made));
    expect(made.match(/made by npm run published/g)).toHaveLength(3);
  });

  it("has the page and the figures that follow from its results", async () => {
    const made = await mkdtemp(join(tmpdir(), "published-"));
    try {
      // Named as the command names it: tests run in the project's folder, too.
      const dataset = await readDataset([relative(process.cwd(), results)]);
      const { figures } = await writeReport(reportOf(dataset), made);
      expect(readFileSync(join(made, "index.html"), "utf8") === read("index.html")).toBe(true);
      expect(read("index.html")).toContain("20 cells, 5 of 6 repeats each");
      expect(readdirSync(join(folder, "figures")).sort()).toEqual(
        figures.map((file) => basename(file)).sort(),
      );
    } finally {
      await rm(made, { recursive: true });
    }
  });

  it("has the CSV that follows from its results", () => {
    const { head, lines } = parseRun(readFileSync(results, "utf8")) as NonNullable<
      ReturnType<typeof parseRun>
    >;
    expect(read("20261123T230634Z.csv") === runCsv(head, lines)).toBe(true);
  });

  it("says that a mark has no part, and leaves text without marks as it is", () => {
    expect(withParts("no marks", {})).toBe("no marks");
    const mark = "<!-- made by npm run published: other --> x <!-- until here -->";
    expect(() => withParts(mark, { claims: "" })).toThrow("README has a mark of other; there are claims");
    expect(withParts(mark, { other: "| $1 |" })).toContain("| $1 |");
  });
});

describe("docs/tuning", () => {
  it("has the tables that follow from its results", async () => {
    const tuning = join(project, "docs", "tuning");
    const [run] = readdirSync(tuning).filter((file) => file.endsWith(".jsonl"));
    const readme = readFileSync(join(tuning, "README.md"), "utf8");
    const made = withParts(readme, partsOf(await readDataset([join(tuning, run as string)])));
    expect(even(readme)).toBe(even(made));
    expect(made.match(/made by npm run published/g)).toHaveLength(3);
  });
});

describe("CITATION.cff", () => {
  it("has what the format demands, and the project's version and license", () => {
    const cff = parse(readFileSync(join(project, "CITATION.cff"), "utf8"));
    const { version, license } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    expect(cff).toMatchObject({ "cff-version": "1.2.0", version, license, title: "kvm-migration-testbed" });
    expect(cff.message).toBeTruthy();
    expect(cff.authors.length).toBeGreaterThan(0);
  });
});
