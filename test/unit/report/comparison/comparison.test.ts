import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareFiles } from "../../../../experiments/compare.ts";
import { compareRuns, isDifferent } from "../../../../report/comparison/compare-runs.ts";
import { randomOf } from "../../../../report/data/statistics.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";
import { type Cell, normalOf, studyOf } from "../claims/studies.ts";

const cells: readonly Cell[] = [0, 1, 2, 3, 4, 5].flatMap((index) =>
  (["offline", "live"] as const).map((mode) => ({
    guest: {
      name: `g${index}`,
      memoryMiB: 512 + index * 128,
      workingSetMiB: 100 + index * 10,
      mibPerSecond: 5,
    },
    mode,
  })),
);

const run = (seed: number, factorOf: (cell: Cell) => number = () => 1, some = cells) => {
  const normal = normalOf(randomOf(seed));
  return studyOf(some, 12, (cell) => {
    const totalMs = (6000 + cell.guest.memoryMiB) * factorOf(cell) * Math.exp(0.02 * normal());
    return { totalMs, downtimeMs: totalMs / (cell.mode === "live" ? 30 : 1.1) };
  });
};

/** What is judged of it is judged once. */
const first = run(1);

describe("two runs", () => {
  it("of the same are equal, cell by cell and claim by claim", () => {
    const compared = compareRuns(first, run(2), 0.1);
    expect(compared.cells).toHaveLength(24);
    expect(new Set(compared.cells.map(({ likeness }) => likeness))).toEqual(new Set(["equal"]));
    expect(compared.claims.map(({ likeness }) => likeness)).not.toContain("different");
    expect(compared.claims.filter(({ ratio }) => ratio).map(({ likeness }) => likeness)).toEqual([
      "equal",
      "equal",
      "equal",
    ]);
    expect(isDifferent(compared)).toBe(false);
  });

  it("differ where one cell takes a quarter longer, and there alone", () => {
    const slower = ({ guest, mode }: Cell) => (guest.name === "g2" && mode === "live" ? 1.25 : 1);
    const compared = compareRuns(first, run(2, slower), 0.1);
    const different = compared.cells.filter(({ likeness }) => likeness === "different");
    expect(different.map(({ cell, what }) => [cell, what])).toEqual([
      ["g2/live/300", "total"],
      ["g2/live/300", "downtime"],
    ]);
    expect(different[0]?.ratio.value).toBeCloseTo(1.25, 1);
    expect(isDifferent(compared)).toBe(true);
  });

  it("differ in a claim where all guests do, although each is as long live as before", () => {
    const compared = compareRuns(
      first,
      run(2, ({ mode }) => (mode === "offline" ? 1.5 : 1)),
      0.1,
    );
    const total = compared.claims.find(({ says }) => says.includes("total time is longer"));
    expect(total).toMatchObject({ likeness: "different" });
    expect(total?.ratio?.value).toBeCloseTo(1 / 1.5, 1);
  });

  it("cannot be told apart by few moves, or at a tolerance that is finer than they are", () => {
    expect(compareRuns(first, run(2), 0.001).cells.map(({ likeness }) => likeness)).not.toContain("equal");
    const short = studyOf(cells, 2, () => ({ totalMs: 9000, downtimeMs: 900 }));
    expect(new Set(compareRuns(short, short, 0.1).cells.map(({ likeness }) => likeness))).toEqual(
      new Set(["can't tell"]),
    );
  });

  it("say which cells only one of them has", () => {
    const compared = compareRuns(
      first,
      run(2, () => 1, cells.slice(2)),
      0.1,
    );
    expect(compared.onlyIn).toEqual([["g0/offline/300", "g0/live/300"], []]);
  });
});

describe("npm run experiment -- --compare", () => {
  let folder: string;
  const file = (name: string) => join(folder, `${name}.jsonl`);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "compare-"));
    await writeFile(file("one"), fileOf(syntheticRun(6, 1)));
    await writeFile(file("other"), fileOf(syntheticRun(6, 2)));
    const { head, moves } = syntheticRun(6, 3);
    const stranger = moves.map((move) => ({ ...move, cell: `x-${move.cell}` }));
    const renamed = { ...head, cells: head.cells.map((cell) => ({ ...cell, id: `x-${cell.id}` })) };
    await writeFile(file("stranger"), fileOf({ head: renamed, moves: stranger, failures: [] }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const said = async (words: string[], tolerance = 0.1) => {
    const lines: string[] = [];
    const code = await compareFiles({ words, tolerance }, (line) => lines.push(line));
    return { code, text: lines.join("\n") };
  };

  it("prints both, how much of it is equal, and how many repeats a precision takes", async () => {
    const { code, text } = await said([file("one"), file("other")], 0.5);
    expect(code).toBe(0);
    expect(text).toContain("Claims: one and other");
    expect(text).toMatch(/\d+ of \d+ equal within 50 %, 0 different/);
    expect(text).toMatch(/Repeats that a precision takes, as moves differ in one/);
  });

  it("of one run says how many repeats a precision takes, and of two strangers that there is nothing", async () => {
    const { code, text } = await said([file("one")]);
    expect(code).toBe(0);
    expect(text).not.toContain("Claims:");
    expect(text).toContain("for ±5 %");
    await expect(said([file("one"), file("stranger")])).rejects.toThrow("have no cell in common");
  });
});
