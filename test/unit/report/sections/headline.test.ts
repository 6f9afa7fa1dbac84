import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { askedClaims } from "../../../../report/claims/asked-claims.ts";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { fileOf, type SyntheticRun, syntheticRun } from "../../../report/synthetic.ts";
import { coldRecord, liveRecord, offlineRecord } from "../../helpers/records.ts";

const ofRecords = (...records: MigrationRecord[]) =>
  datasetOf([{ file: "lab.jsonl", text: records.map((record) => `${JSON.stringify(record)}\n`).join("") }]);
const ofRun = (run: SyntheticRun, file = "run.jsonl") => datasetOf([{ file, text: fileOf(run) }]);
const asking = (run: SyntheticRun): SyntheticRun => ({
  ...run,
  head: { ...run.head, asked: { experiment: { claims: true } } },
});
const idsOf = (dataset: Parameters<typeof reportOf>[0]) => reportOf(dataset).sections.map(({ id }) => id);

describe("a report's first words", () => {
  it("say of a guest that was moved both ways how its two moves compare", () => {
    const { says, moves } = reportOf(ofRecords(liveRecord(), offlineRecord())).headline;
    const times = (offlineRecord().downtimeMs as number) / (liveRecord().downtimeMs as number);
    expect(says).toHaveLength(1);
    expect(says[0]).toContain(`${Math.round(times)} times as long`);
    expect(says[0]).toContain("53 % less time");
    expect(moves).toMatch(/^2 moves on 2026-/);
  });

  it("compare nothing that was moved under other conditions", () => {
    const other = offlineRecord({ memoryMiB: 4096 });
    const { says } = reportOf(ofRecords(liveRecord(), other, coldRecord())).headline;
    expect(says.join()).not.toContain("times as long");
    for (const mode of ["live", "offline", "cold"]) expect(says[0]).toContain(mode);
  });

  it("say on what it was measured: accelerator, machines, link, limit", () => {
    const paper = join(import.meta.dirname, "../../../../docs/paper/20261123T230634Z.jsonl");
    const { measuredOn } = reportOf(datasetOf([{ file: paper, text: readFileSync(paper, "utf8") }])).headline;
    for (const fact of [
      "emulated guests (TCG)",
      "containers on one machine with 2 cores",
      "link 112 MiB/s",
      "downtime limit 300 ms",
    ])
      expect(measuredOn).toContain(fact);
  });

  it("say what there is of moves that do not count", () => {
    const failed = liveRecord({ outcome: "failed", error: "gone" });
    expect(reportOf(ofRecords(failed)).headline.says).toEqual([expect.stringContaining("No move counts")]);
    expect(reportOf(ofRecords()).headline.says).toEqual(["No move was measured yet."]);
  });
});

describe("the paper's claims", () => {
  it("are not in a report of moves that tell nothing of them", () => {
    expect(idsOf(ofRecords(liveRecord(), offlineRecord()))).not.toContain("the-paper");
  });

  it("are all there where the experiment asks for them, with why they can't be told", () => {
    const run = asking(syntheticRun(1));
    const some = ofRun({ ...run, moves: run.moves.slice(0, 12) });
    const { shown, isAsked } = askedClaims(some);
    expect(isAsked).toBe(true);
    expect(shown).toHaveLength(7);
    expect(shown.some(({ finding }) => finding.verdict === "can't tell")).toBe(true);
    const { sections, headline } = reportOf(some);
    expect(sections[0]?.id).toBe("the-paper");
    expect(headline.says.at(-1)).toMatch(/^Of the paper's 7 claims/);
  });

  it("are those that can be told where it does not, and are no news then", () => {
    const run = syntheticRun(7);
    const offline = ofRun({ ...run, moves: run.moves.filter(({ record }) => record.mode === "offline") });
    const { shown, isAsked } = askedClaims(offline);
    expect(isAsked).toBe(false);
    expect(shown.length).toBeGreaterThan(0);
    expect(shown.every(({ finding }) => finding.verdict !== "can't tell")).toBe(true);
    const { sections, headline } = reportOf(offline);
    expect(headline.says.join()).not.toContain("claims");
    const ids = sections.map(({ id }) => id);
    expect(ids.indexOf("the-paper")).toBeGreaterThan(ids.indexOf("timelines"));
  });
});

describe("a report of two runs", () => {
  const later = syntheticRun(7, 2);
  const second = {
    ...later,
    head: { ...later.head, run: "20270101T000000Z" },
    moves: later.moves.map((move) => ({
      ...move,
      record: { ...move.record, startedAt: move.record.startedAt.replace(/^\d{4}/, "2027") },
    })),
  };
  const text = (run: SyntheticRun) => fileOf(run);

  it("opens with how they differ, cell by cell", () => {
    const { picture, headline, sections } = reportOf(
      datasetOf([
        { file: "A.jsonl", text: text(syntheticRun(7)) },
        { file: "B.jsonl", text: text(second) },
      ]),
    );
    expect(picture.map(({ id }) => id)).toEqual(["compared-total", "compared-downtime"]);
    expect(headline.says[0]).toMatch(/^B against A: of 40 medians of 20 common cells \d+ are equal/);
    expect(sections[0]?.tables.map(({ id }) => id)).toEqual(["compared-claims", "compared-cells"]);
  });

  it("compares nothing where they have no cell in common", () => {
    const dataset = datasetOf([
      { file: "A.jsonl", text: text(syntheticRun(7)) },
      { file: "lab.jsonl", text: `${JSON.stringify(liveRecord())}\n` },
    ]);
    expect(idsOf(dataset)).not.toContain("comparison");
  });
});
