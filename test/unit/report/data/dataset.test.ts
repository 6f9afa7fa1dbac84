import { describe, expect, it } from "vitest";
import { countedMoves, datasetOf } from "../../../../report/data/dataset.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

const lines = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
const only = (text: string) => datasetOf([{ file: "some.jsonl", text }]);

describe("results files, read together", () => {
  it("are every move, numbered over all of them, with the cell that an experiment made it for", () => {
    const run = syntheticRun(2);
    const dataset = datasetOf([
      { file: "lab.jsonl", text: lines(liveRecord(), offlineRecord()) },
      { file: "run.jsonl", text: fileOf(run) },
    ]);
    expect(dataset.problems).toEqual([]);
    expect(dataset.moves).toHaveLength(2 + run.moves.length);
    expect(dataset.moves.map(({ number }) => number)).toEqual(dataset.moves.map((_, index) => index + 1));
    expect(dataset.moves[0]).toMatchObject({ file: "lab.jsonl", line: 1, record: liveRecord(), faults: [] });
    expect(dataset.moves[2]).toMatchObject({
      file: "run.jsonl",
      line: 2,
      isWarmUp: true,
      cell: { id: "python-1/live", factors: { memoryMiB: 384, workload: "python", mode: "live" } },
    });
    expect(dataset.sources.map(({ file, head, moves }) => [file, head?.experiment, moves])).toEqual([
      ["lab.jsonl", undefined, 2],
      ["run.jsonl", "synthetic", run.moves.length],
    ]);
  });

  it.each([{ files: ["run.jsonl", "stack.jsonl"] }, { files: ["stack.jsonl", "run.jsonl"] }])(
    "count a move once, as the experiment has it, that its stack wrote down too: $files",
    ({ files }) => {
      const run = syntheticRun(6);
      const records = run.moves.map(({ record }) => record);
      const back = offlineRecord();
      const texts: Record<string, string> = {
        "run.jsonl": fileOf(run),
        "stack.jsonl": lines(back, ...records),
      };
      const dataset = datasetOf(files.map((file) => ({ file, text: texts[file] as string })));
      expect(dataset.moves.map(({ number }) => number)).toEqual(dataset.moves.map((_, index) => index + 1));
      expect(Object.fromEntries(dataset.sources.map(({ file, moves }) => [file, moves]))).toEqual({
        "run.jsonl": run.moves.length,
        "stack.jsonl": 1,
      });
      const ofRun = dataset.moves.filter(({ file }) => file === "run.jsonl");
      expect(ofRun.map(({ cell, isWarmUp, progress }) => [cell?.id, isWarmUp, progress])).toEqual(
        run.moves.map(({ cell, isWarmUp, progress }) => [cell, isWarmUp, progress]),
      );
      expect(countedMoves(dataset)).toHaveLength(run.moves.filter(({ isWarmUp }) => !isWarmUp).length + 1);
      expect(dataset.problems).toHaveLength(records.length);
      expect(dataset.problems[0]).toEqual({
        file: "stack.jsonl",
        line: 2,
        problem: "the move is in run.jsonl:2 already: it counts once",
      });
    },
  );

  it("count the first of two lines that are alike", () => {
    const { moves, problems } = only(lines(liveRecord(), liveRecord()));
    expect(moves.map(({ line }) => line)).toEqual([1]);
    expect(problems).toEqual([
      {
        file: "some.jsonl",
        line: 2,
        problem: "the move is in some.jsonl:1 already: it counts once",
      },
    ]);
  });

  it("name what they cannot read, and read the rest", () => {
    const dataset = only(
      `${lines({ ...liveRecord(), schema: 0 }, { old: true }, [1], { ...liveRecord(), totalMs: "long" })}not JSON\n${lines(liveRecord())}{"schema":1,"gue`,
    );
    expect(dataset.moves.map(({ line }) => line)).toEqual([6]);
    expect(dataset.problems.map(({ line, problem }) => [line, problem])).toEqual([
      [1, "it is of schema 0; what is read here is schema 1"],
      [2, "it is of no schema that is said; what is read here is schema 1"],
      [3, "it is of no schema that is said; what is read here is schema 1"],
      [4, expect.stringMatching(/expected number.*totalMs/)],
      [5, "it is not JSON"],
      [7, "it was never written to its end"],
    ]);
  });

  it("read records that have fewer fields than today's, and keep what is absent absent", () => {
    const { guestDowntimeMs: _g, clock: _c, iterations: _i, ...older } = liveRecord();
    const { moves } = only(lines({ ...older, anotherField: 1 }));
    expect(moves[0]?.record).not.toHaveProperty("iterations");
    expect(moves[0]?.faults).toEqual(
      expect.arrayContaining([expect.stringContaining("iterations is missing")]),
    );
  });

  it("say when they are empty, or when a move's cell is unknown", () => {
    expect(only("\n").problems).toEqual([{ file: "some.jsonl", problem: "it is empty" }]);
    const run = syntheticRun(1);
    const [move] = run.moves;
    const { moves, problems } = only(
      fileOf({ ...run, moves: [{ ...(move as (typeof run.moves)[0]), cell: "gone" }] as never }),
    );
    expect(moves).toHaveLength(1);
    expect(problems[0]?.problem).toContain("its cell gone is not in the file's head");
  });
});

describe("the moves that count", () => {
  it("were completed, add up, and are neither warm-up nor disturbed", () => {
    const run = syntheticRun(1);
    const [first, second, third, fourth, ...rest] = run.moves.filter(({ isWarmUp }) => !isWarmUp);
    const changed = [
      { ...first, isInterrupted: true },
      { ...second, record: { ...second?.record, outcome: "rolled-back", error: "no room" } },
      { ...third, record: { ...third?.record, downtimeMs: 1e9 } },
      fourth,
    ];
    const dataset = only(lines(run.head, ...changed));
    expect(dataset.moves).toHaveLength(4);
    expect(countedMoves(dataset).map(({ cell }) => cell?.id)).toEqual([fourth?.cell]);
    expect(rest.length).toBeGreaterThan(0);
  });
});
