import { describe, expect, it } from "vitest";
import type { FailureLine } from "../../../../moves/experiment-run.ts";
import type { MigrationRecord } from "../../../../moves/record.ts";
import type { Prediction } from "../../../../prediction/predict.ts";
import { type Dataset, datasetOf } from "../../../../report/data/dataset.ts";
import { groupsOf } from "../../../../report/data/groups.ts";
import { dirtyMiBps, isLive, isOffline, phaseMs, workloadOf } from "../../../../report/data/measures.ts";
import { cellsTable } from "../../../../report/tables/cells-table.ts";
import { checksTable } from "../../../../report/tables/checks-table.ts";
import { faultsTable } from "../../../../report/tables/faults-table.ts";
import { outliersTable } from "../../../../report/tables/outliers-table.ts";
import { paperTable } from "../../../../report/tables/paper-table.ts";
import { convergenceTable, predictionTable } from "../../../../report/tables/prediction-table.ts";
import { progressTable } from "../../../../report/tables/progress-table.ts";
import { togetherTable } from "../../../../report/tables/together-table.ts";
import { shownOf, type TableModel } from "../../../../report/text/table-model.ts";
import { fileOf, type SyntheticRun, syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

const ofRecords = (...records: MigrationRecord[]): Dataset =>
  datasetOf([{ file: "lab.jsonl", text: records.map((record) => `${JSON.stringify(record)}\n`).join("") }]);
const shownIn = (table: TableModel | undefined): string[][] | undefined =>
  table?.rows.map((row) => row.map((cell) => shownOf(cell).replaceAll("\u202f", "")));
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

describe("cells", () => {
  const read = (run: SyntheticRun) => datasetOf([{ file: "run.jsonl", text: fileOf(run) }]);

  it("stand in the experiment's order, whichever was drawn first", () => {
    const run = syntheticRun(3);
    run.moves.reverse();
    const shown = shownIn(cellsTable(read(run)))?.map(([cell]) => cell);
    expect(shown).toEqual(run.head.cells.map(({ id }) => id));
  });

  it("have their guests by name", () => {
    const { head, moves, failures } = syntheticRun(1);
    const [cell, guests] = [{ id: "all/at once", factors: { guests: 2 } }, ["vm10", "vm2"]];
    const both = guests.flatMap((guest, index) => {
      const move = moves[index];
      return move ? [{ ...move, cell: cell.id, record: { ...move.record, guest } }] : [];
    });
    const { moves: known } = read({ head: { ...head, cells: [cell] }, moves: both, failures });
    expect(groupsOf(known).map(({ label }) => label)).toEqual(["all/at once, vm2", "all/at once, vm10"]);
  });

  it("of a stack are called by what they differ in, and by no more", () => {
    const python = (workingSetMiB: number) => ({ type: "python", workingSetMiB });
    const labels = (...records: MigrationRecord[]) =>
      groupsOf(ofRecords(...records).moves).map(({ label, moves }) => [label, moves.length]);
    const options = { maxDowntimeMs: 300, timeoutMs: 600_000 };
    const slower = { ...options, bandwidthMiBps: 8, autoConverge: {} };
    expect(
      labels(
        liveRecord({ guest: "a", options }),
        liveRecord({ guest: "b", options }),
        liveRecord({ guest: "a", options: slower }),
        liveRecord({ guest: "a", options: { ...slower, maxDowntimeMs: 50, autoConverge: { initial: 30 } } }),
        offlineRecord({ options }),
      ),
    ).toEqual([
      ["768 MiB, idle, live, maxDowntimeMs 300", 2],
      ["768 MiB, idle, live, maxDowntimeMs 300, bandwidthMiBps 8, autoConverge", 1],
      ["768 MiB, idle, live, maxDowntimeMs 50, bandwidthMiBps 8, autoConverge.initial 30", 1],
      ["768 MiB, idle, offline", 1],
    ]);
    expect(
      labels(
        liveRecord({ workload: python(128), options }),
        liveRecord({ workload: python(256), options }),
        liveRecord({ workload: python(256), options, accelerator: "kvm", redo: "local" }),
      ),
    ).toEqual([
      ["768 MiB, python, live, accelerator tcg, workload.workingSetMiB 128", 1],
      ["768 MiB, python, live, accelerator tcg, workload.workingSetMiB 256", 1],
      ["768 MiB, python, live, accelerator kvm, redo local, workload.workingSetMiB 256", 1],
    ]);
    expect(labels(liveRecord({ options: {} }), liveRecord())).toEqual([
      ["768 MiB, idle, live", 1],
      ["768 MiB, idle, live, options not recorded", 1],
    ]);
  });

  it("of two runs of one experiment are called by their runs", () => {
    const run = syntheticRun(1);
    const again = syntheticRun(1, 2);
    const { moves } = datasetOf([
      { file: "experiments/a.jsonl", text: fileOf(run) },
      { file: "experiments/b.jsonl", text: fileOf(again) },
    ]);
    const labels = groupsOf(moves).map(({ label }) => label);
    expect(new Set(labels).size).toBe(2 * run.head.cells.length);
    expect(labels[0]).toBe("python-1/offline (a)");
    expect(labels.at(-1)).toBe("writer-10/live (b)");
  });
});

describe("what is read of a record", () => {
  it("is the rate at which memory got dirty over all passes, each for as long as it lasted", () => {
    const pass = (pass: number, atMs: number, dirtyPagesPerSecond?: number) => ({
      pass,
      atMs,
      transferredMiB: 0,
      remainingMiB: 1,
      ...(dirtyPagesPerSecond !== undefined && { dirtyPagesPerSecond }),
    });
    // 2560 pages of 4 KiB are 10 MiB: for 3 s, then four times as many for 1 s.
    const passes = [pass(1, 0), pass(2, 3000, 2560), pass(3, 4000, 4 * 2560)];
    expect(dirtyMiBps({ passes })).toBeCloseTo((3 * 10 + 1 * 40) / 4, 9);
    expect(dirtyMiBps({ passes: [pass(1, 0, 99)] })).toBeUndefined();
    expect(dirtyMiBps({ passes: [pass(1, 0), pass(2, 10)] })).toBeUndefined();
    expect(dirtyMiBps({ passes: [pass(1, 0), pass(2, 1000, 0)] })).toBe(0);
  });

  it("is a phase's length, and what the workload is called", () => {
    expect(phaseMs(offlineRecord(), "copy")).toBe(1300);
    expect(phaseMs(liveRecord(), "copy")).toBeUndefined();
    expect(
      [undefined, { type: "mysql", clients: 2 }, "python", 7].map((workload) => workloadOf({ workload })),
    ).toEqual(["idle", "mysql", "python", "other"]);
  });

  it("is whether the paper would call it live, or offline", () => {
    const { moves } = ofRecords(
      liveRecord(),
      liveRecord({
        phases: [
          { name: "preparation", startMs: 0, endMs: 100 },
          { name: "iterations", startMs: 100, endMs: 200 },
          { name: "device-state", startMs: 200, endMs: 300 },
          { name: "post-copy", startMs: 300, endMs: 400 },
          { name: "completion", startMs: 400, endMs: 1500 },
        ],
      }),
      liveRecord({ mode: "hybrid" }),
      offlineRecord(),
    );
    expect(moves.map(isLive)).toEqual([true, false, false, false]);
    expect(moves.map(isOffline)).toEqual([false, false, false, true]);
  });
});

describe("the table of moves of several guests", () => {
  it("has chains of moves that overlapped, from one host, with the most that did at once", () => {
    const move = (guest: string, second: number, totalMs: number, waitedMs?: number) => {
      const phases = liveRecord().phases.map((phase, index) =>
        index === 4 ? { ...phase, endMs: totalMs } : phase,
      );
      const equations = {
        ...(liveRecord().equations as NonNullable<MigrationRecord["equations"]>),
        ovMs: totalMs - 1120,
      };
      return liveRecord({
        guest,
        startedAt: at(second),
        totalMs,
        phases,
        equations,
        ...(waitedMs !== undefined && { waitedMs }),
      });
    };
    const together = togetherTable(
      ofRecords(
        move("a", 0, 4000),
        move("b", 1, 4000),
        move("c", 4.5, 2000, 3500),
        // Alone, later, and elsewhere.
        move("a", 60, 2000),
        { ...move("d", 0.5, 3000), from: "host2", to: "host1" },
      ),
    );
    expect(shownIn(together)).toEqual([
      ["from host1, 2026-01-01T00:00:00", "3", "3", "2", "6500", "4000", "80.5", "242", "1, 2, 3"],
    ]);
  });

  it("has an experiment's turns with several guests, by cell and repeat", () => {
    const run = syntheticRun(1);
    const live = run.moves.filter(({ isWarmUp, record }) => !isWarmUp && record.mode === "live").slice(0, 4);
    const moves = live.map((move, index) => ({
      ...move,
      cell: "python-1/live",
      repeat: 3,
      order: index < 3 ? 9 : 10,
    }));
    const together = togetherTable(datasetOf([{ file: "run.jsonl", text: fileOf({ ...run, moves }) }]));
    // Three guests in one turn; the fourth is a turn of its own.
    expect(shownIn(together)?.map(([label, guests]) => [label, guests])).toEqual([
      ["python-1/live, repeat 3", "3"],
    ]);
  });

  it("says nothing of downtimes that are not all known", () => {
    const records = ["a", "b"].map((guest) =>
      liveRecord({ guest, outcome: "failed", error: "gone", downtimeMs: undefined }),
    );
    expect(shownIn(togetherTable(ofRecords(...records)))?.[0]?.slice(1, 8)).toEqual([
      "2",
      "0",
      "2",
      "1500",
      "1500",
      "–",
      "–",
    ]);
    expect(togetherTable(ofRecords(liveRecord()))).toBeUndefined();
  });
});

describe("the table of faults", () => {
  it("groups what did not come to its end by mode, outcome and reason; failures of an experiment besides", () => {
    const failed = (guest: string, error: string) => liveRecord({ guest, outcome: "failed", error });
    const { head } = syntheticRun(1);
    const failure: FailureLine = {
      schema: 1,
      kind: "failure",
      cell: "python-1/live",
      repeat: 1,
      block: 1,
      order: 5,
      at: at(0),
      error: "no\nroom",
    };
    const lines = [
      head,
      ...[
        failed("a", "gone"),
        failed("b", "gone"),
        failed("c", "other"),
        liveRecord({ outcome: "recovered" }),
      ].map((record, index) => ({
        schema: 1,
        kind: "move",
        cell: "python-1/live",
        repeat: index + 1,
        block: 1,
        order: index + 1,
        loadBefore: {},
        record,
      })),
      failure,
    ];
    const dataset = datasetOf([
      { file: "run.jsonl", text: lines.map((line) => `${JSON.stringify(line)}\n`).join("") },
    ]);
    expect(dataset.problems).toEqual([]);
    expect(shownIn(faultsTable(dataset))).toEqual([
      ["live", "failed", "2", "1, 2", "gone"],
      ["live", "failed", "1", "3", "other"],
      ["live", "recovered", "1", "4", ""],
      ["python-1/live", "no move was begun", "1", "turn 5", "no room"],
    ]);
    expect(faultsTable(ofRecords(liveRecord()))).toBeUndefined();
  });
});

describe("the table of predictions", () => {
  const predicted = (totalMs: number, converges = true) => ({
    totalMs,
    downtimeMs: 80.5,
    passes: 2,
    converges,
  });

  it("has errors by the way of the move, as parts of what was measured", () => {
    const range = (least: number, most: number): Prediction["range"] => ({
      totalMs: [least, most],
      downtimeMs: [60, 90],
      passes: [2, 2],
    });
    const records = [
      { ...predicted(1500), range: range(1400, 1600) },
      predicted(1650),
      predicted(1200),
      { ...predicted(3000), range: range(2000, 4000) },
    ].map((predicted, index) => liveRecord({ guest: `vm${index}`, predicted }));
    const [row] = shownIn(predictionTable(ofRecords(...records, liveRecord()), "totalMs")) ?? [];
    // Errors of 0, 10, -20 and 100 %.
    expect(row).toEqual(["pre-copy", "4", "15 %", "76 %", "100 %", "+5.0 %", "1 of 2", "4 of 4"]);
  });

  it("judges convergence by what became of live moves", () => {
    const rolledBack = {
      outcome: "rolled-back",
      error: "not done in time",
      phases: [],
      passes: [],
      equations: undefined,
      downtimeMs: undefined,
      totalMs: 600_100,
    } satisfies Partial<MigrationRecord>;
    const table = convergenceTable(
      ofRecords(
        liveRecord({ guest: "a", predicted: predicted(1, true) }),
        liveRecord({ guest: "b", predicted: predicted(1, false) }),
        liveRecord({ guest: "c", predicted: predicted(1, false), ...rolledBack }),
        liveRecord({ guest: "d", predicted: predicted(1, true), ...rolledBack }),
        liveRecord({ guest: "e", predicted: predicted(1, true), ...rolledBack }),
        liveRecord({ guest: "f" }),
        // It failed, but not for want of time.
        liveRecord({ guest: "g", predicted: predicted(1, true), ...rolledBack, totalMs: 2000 }),
        offlineRecord({ predicted: predicted(1) }),
      ),
    );
    expect(shownIn(table)).toEqual([
      ["converges", "1", "2"],
      ["does not", "1", "1"],
    ]);
    expect(table?.notes[0]).toBe("Right in 2 of 5.");
    expect(convergenceTable(ofRecords(liveRecord()))).toBeUndefined();
  });
});

/** An offline move of so long, all of which is downtime. */
const inPhases = (totalMs: number): Partial<MigrationRecord> => ({
  totalMs,
  downtimeMs: totalMs,
  phases: [
    { name: "suspend", startMs: 0, endMs: totalMs / 4 },
    { name: "copy", startMs: totalMs / 4, endMs: totalMs / 2 },
    { name: "resume", startMs: totalMs / 2, endMs: totalMs },
  ],
});

describe("other tables", () => {
  it("put the paper's seconds beside the medians here", () => {
    const rows =
      shownIn(paperTable(ofRecords(offlineRecord(), offlineRecord({ guest: "vm2" }), liveRecord()))) ?? [];
    expect(rows.find(([what]) => what === "offline: copy")).toEqual([
      "offline: copy",
      "7.3",
      "1.30",
      "1.30",
      "1.30",
      "1",
    ]);
    expect(rows.find(([what]) => what === "live: downtime (TDT)")?.[2]).toBe("0.081");
    expect(paperTable(ofRecords())).toBeUndefined();
  });

  it("name moves that are far from their repeats, and no others", () => {
    const { head, moves } = syntheticRun(6);
    const totals = new Map<string, number>();
    const even = moves.map((move) => {
      const { record } = move;
      const number = totals.get(move.cell) ?? 0;
      totals.set(move.cell, number + 1);
      // Repeats differ by a percent, and one of one cell takes twice as long.
      const isFar = move.cell === "mysql-8/offline" && number === 3;
      const totalMs = (9000 + record.memoryMiB) * (1 + number / 100) * (isFar ? 2 : 1);
      return record.mode === "offline"
        ? { ...move, record: { ...record, ...inPhases(totalMs) } }
        : { ...move, isWarmUp: true };
    });
    const dataset = datasetOf([{ file: "run.jsonl", text: fileOf({ head, moves: even, failures: [] }) }]);
    const rows = shownIn(outliersTable(dataset)) ?? [];
    expect(rows.map(([, cell, what]) => [cell, what])).toEqual([
      ["mysql-8/offline", "total"],
      ["mysql-8/offline", "downtime"],
    ]);
    expect(Number(rows[0]?.[5])).toBeGreaterThan(1.9);
    const without = datasetOf([
      {
        file: "run.jsonl",
        text: fileOf({
          head,
          moves: even.filter(({ cell }) => !cell.startsWith("mysql")),
          failures: [],
        }),
      },
    ]);
    expect(outliersTable(without)).toBeUndefined();
  });

  it("hold instruments against each other that nothing makes agree", () => {
    const records = [0, 4].map((off) =>
      liveRecord({ hypervisorTotalMs: 1200.5 - off, hypervisorDowntimeMs: 80.5 + off }),
    );
    const rows = shownIn(checksTable(ofRecords(...records))) ?? [];
    // TI + DM + VS is 1200.5.
    expect(rows[0]).toEqual(["QEMU's own total − (TI + DM + VS)", "live", "2", "−2.0", "2.8", "−7.5", "3.5"]);
    expect(rows[1]?.slice(0, 4)).toEqual(["libvirt's downtime − downtime", "live", "2", "2.0"]);
    expect(checksTable(ofRecords())).toBeUndefined();
  });

  it("tell what programs got done, and what part of it they kept up", () => {
    const dataset = datasetOf([{ file: "run.jsonl", text: fileOf(syntheticRun(1)) }]);
    const moves = dataset.moves.map((move) => ({
      ...move,
      ...(move.record.guest === "mysql-8" && {
        progress: { unit: "queries", beforePerSecond: 400, duringPerSecond: 100, slowestPerSecond: 0 },
      }),
    }));
    const rows = shownIn(progressTable({ ...dataset, moves })) ?? [];
    expect(rows.find(([cell]) => cell === "mysql-8/live")).toEqual([
      "mysql-8/live",
      "1",
      "queries",
      "400",
      "100",
      "0",
      "25 %",
    ]);
    expect(rows.map(([cell]) => cell)).not.toContain("idle-7/live");
    expect(progressTable(ofRecords(liveRecord()))).toBeUndefined();
  });
});
