import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cell, cellsOf } from "../../../experiments/cells.ts";
import { experimentSchema } from "../../../experiments/experiment.ts";
import { isMade, reasonToStop, remaining, type TurnLine } from "../../../experiments/remaining.ts";
import { schedule, type Turn } from "../../../experiments/schedule.ts";
import { inWords, timeLeftMs } from "../../../experiments/time-left.ts";
import type { MigrationRecord } from "../../../moves/record.ts";
import { liveRecord } from "../helpers/records.ts";

const cell = (id: string, guests: string[]): Cell => ({ id, guests, factors: {}, way: { mode: "live" } });

/** Some guests by themselves, or all of them together, in some ways. */
const cells = fc
  .record({
    guests: fc.integer({ min: 1, max: 4 }),
    ways: fc.integer({ min: 1, max: 4 }),
    together: fc.boolean(),
  })
  .map(({ guests, ways, together }) => {
    const names = Array.from({ length: guests }, (_, i) => `vm${i}`);
    const subjects = together ? [names] : names.map((name) => [name]);
    return subjects.flatMap((own) =>
      Array.from({ length: ways }, (_, i) => cell(`${own.join("+")}/${i}`, own)),
    );
  });
const design = fc.record({
  cells,
  repeats: fc.integer({ min: 1, max: 5 }),
  warmUps: fc.integer({ min: 0, max: 2 }),
  seed: fc.nat(),
});

const stop = experimentSchema.shape.stop.parse({});

/** The lines of a turn that went well. */
const linesOf = (turn: Turn, { guests }: Cell, totalMs = 1500): TurnLine[] =>
  guests.map((guest) => ({
    schema: 1,
    kind: "move",
    ...turn,
    loadBefore: {},
    record: liveRecord({ guest, totalMs }),
  }));

describe("the order of an experiment's moves", () => {
  it("has each cell once in each block, and each guest's warm-up before", () => {
    fc.assert(
      fc.property(design, (some) => {
        const turns = schedule(some);
        expect(turns.map(({ order }) => order)).toEqual(turns.map((_, index) => index + 1));
        const ids = some.cells.map(({ id }) => id).sort();
        for (let block = 1; block <= some.repeats; block++) {
          const own = turns.filter((turn) => turn.block === block && !turn.isWarmUp);
          expect(own.map((turn) => turn.cell).sort()).toEqual(ids);
          expect(own.every(({ repeat }) => repeat === block)).toBe(true);
        }
        const warm = turns.filter(({ isWarmUp }) => isWarmUp);
        expect(turns.slice(0, warm.length)).toEqual(warm);
        const subjects = new Set(some.cells.map(({ guests }) => guests.join()));
        expect(warm).toHaveLength(subjects.size * some.warmUps);
        const places = turns.map(({ cell, repeat, isWarmUp }) => `${cell} ${repeat} ${isWarmUp}`);
        expect(new Set(places).size).toBe(turns.length);
      }),
    );
  });

  it("is the same for the same seed, and another for another", () => {
    fc.assert(
      fc.property(design, (some) => {
        expect(schedule(some)).toEqual(schedule(some));
      }),
    );
    const some = {
      cells: Array.from({ length: 8 }, (_, i) => cell(`c${i}`, [`vm${i}`])),
      repeats: 4,
      warmUps: 0,
    };
    const orders = Array.from({ length: 20 }, (_, seed) =>
      schedule({ ...some, seed })
        .map((turn) => turn.cell)
        .join(),
    );
    expect(new Set(orders).size).toBe(20);
    // Written down once: a run is gone on with by a later version, too.
    expect(
      schedule({ ...some, repeats: 1, seed: 1 })
        .map((turn) => turn.cell)
        .join(" "),
    ).toMatchInlineSnapshot(`"c6 c0 c4 c1 c2 c3 c5 c7"`);
  });

  it("puts a cell at each place of a block alike often", () => {
    const some = {
      cells: ["a", "b", "c", "d"].map((id) => cell(id, ["vm1"])),
      repeats: 4000,
      warmUps: 0,
      seed: 7,
    };
    const firsts = schedule(some).filter(({ order }) => order % 4 === 1);
    for (const [, turns] of Map.groupBy(firsts, (turn) => turn.cell)) {
      expect(turns.length).toBeGreaterThan(900);
      expect(turns.length).toBeLessThan(1100);
    }
  });
});

describe("what is left of a run", () => {
  it("is the same set after any beginning: what is made and what is left are the whole, once", () => {
    fc.assert(
      fc.property(design, fc.nat(), (some, at) => {
        const turns = schedule(some);
        const byId = new Map(some.cells.map((one) => [one.id, one]));
        const count = at % (turns.length + 1);
        const lines = turns.slice(0, count).flatMap((turn) => linesOf(turn, byId.get(turn.cell) as Cell));
        expect(remaining(turns, some.cells, lines, stop)).toEqual(turns.slice(count));
        // A torn or lost line in the middle has its turn made again, and no other.
        const lost = lines.filter(({ order }) => order !== 1);
        const left = remaining(turns, some.cells, lost, stop).map(({ order }) => order);
        expect(left).toEqual([...(count > 0 ? [1] : []), ...turns.slice(count).map(({ order }) => order)]);
      }),
    );
  });

  it("has a turn in which the run was interrupted, and one whose guests have not all moved", () => {
    const both = cell("all/live", ["vm1", "vm2"]);
    const [turn] = schedule({ cells: [both], repeats: 1, warmUps: 0, seed: 1 }) as [Turn];
    const lines = linesOf(turn, both);
    expect(isMade(turn, both, lines)).toBe(true);
    expect(isMade(turn, both, lines.slice(1))).toBe(false);
    expect(
      isMade(
        turn,
        both,
        lines.map((line) => ({ ...line, isInterrupted: true })),
      ),
    ).toBe(false);
    const failure = { schema: 1, kind: "failure", ...turn, at: "2026-01-01T12:00:00Z", error: "no" } as const;
    expect(isMade(turn, both, [failure])).toBe(true);
  });

  it("leaves out cells whose medians are known well enough, but not before they have enough moves", () => {
    const [steady, wild] = [cell("steady", ["vm1"]), cell("wild", ["vm2"])];
    const turns = schedule({ cells: [steady, wild], repeats: 12, warmUps: 0, seed: 1 });
    const made = (blocks: number) =>
      turns
        .filter(({ block }) => block <= blocks)
        .flatMap((turn) =>
          turn.cell === "steady"
            ? linesOf(turn, steady, 1500 + turn.block)
            : linesOf(turn, wild, 1000 + ((turn.block * 7919) % 13) * 300),
        );
    const precise = { ...stop, halfWidthPercent: 2, atLeast: 5 };
    const cellsLeft = (blocks: number) =>
      new Set(remaining(turns, [steady, wild], made(blocks), precise).map((turn) => turn.cell));
    expect(cellsLeft(4)).toEqual(new Set(["steady", "wild"]));
    expect(cellsLeft(5)).toEqual(new Set(["wild"]));
    expect(remaining(turns, [steady, wild], made(5), stop)).toHaveLength(14);
  });
});

describe("a run ends early", () => {
  const one = cell("a", ["vm1"]);
  const turn = { order: 1, block: 1, cell: "a", repeat: 1, isWarmUp: false };
  const ended = (
    outcome: "completed" | "failed" | "rolled-back",
    error?: string,
    options: MigrationRecord["options"] = {},
  ): TurnLine => ({
    ...(linesOf(turn, one)[0] as TurnLine & { kind: "move" }),
    record: liveRecord({ outcome, options, ...(error !== undefined && { error }) }),
  });

  it("when its time is over", () => {
    expect(reasonToStop({ ...stop, minutes: 30 }, 29 * 60_000, [])).toBeUndefined();
    expect(reasonToStop({ ...stop, minutes: 30 }, 30 * 60_000, [])).toBe("its 30 minutes are over");
  });

  it("when so many moves failed in a row; one that was given up when its time was over is a result", () => {
    const good = ended("completed");
    const bad = ended("failed", "its memory was lost");
    const back = ended("rolled-back", "connection refused");
    const givenUp = ended("rolled-back", "it did not converge", { timeoutMs: liveRecord().totalMs });
    expect(reasonToStop(stop, 0, [bad, bad, good, bad, bad])).toBeUndefined();
    expect(reasonToStop(stop, 0, [givenUp, givenUp, givenUp, givenUp])).toBeUndefined();
    expect(reasonToStop(stop, 0, [good, bad, bad, bad])).toMatch(/3 moves in a row failed.*lost/);
    expect(reasonToStop(stop, 0, [good, back, back, back])).toMatch(/3 moves in a row failed.*refused/);
  });
});

describe("the cells of an experiment", () => {
  it("are all guests in all ways at all rates of the link, with what they differ in", () => {
    const experiment = experimentSchema.parse({
      title: "Some",
      guests: [
        { name: "vm1", memoryMiB: 512 },
        { name: "vm2", memoryMiB: 768, workload: { type: "memory", mibPerSecond: 20, workingSetMiB: 64 } },
      ],
      ways: { live: { mode: "live", autoConverge: {} }, offline: { mode: "offline" } },
      linksMiBps: [16, 64],
      migration: { maxDowntimeMs: 100 },
    });
    const made = cellsOf(experiment);
    expect(made.map(({ id }) => id)).toEqual([
      "vm1/live@16",
      "vm1/live@64",
      "vm1/offline@16",
      "vm1/offline@64",
      "vm2/live@16",
      "vm2/live@64",
      "vm2/offline@16",
      "vm2/offline@64",
    ]);
    expect(made[4]?.factors).toEqual({
      guest: "vm2",
      memoryMiB: 768,
      redo: "shared",
      vcpus: 1,
      workload: "memory",
      workloadMibPerSecond: 20,
      workloadWorkingSetMiB: 64,
      way: "live",
      mode: "live",
      autoConverge: true,
      maxDowntimeMs: 100,
      linkMiBps: 16,
    });
  });
});

describe("the time left", () => {
  it("is that of each cell's own moves, or of all where it had none yet", () => {
    expect(timeLeftMs([], [{ cell: "a" }])).toBeUndefined();
    const made = [
      { cell: "a", tookMs: 10_000 },
      { cell: "a", tookMs: 20_000 },
      { cell: "b", tookMs: 60_000 },
    ];
    expect(timeLeftMs(made, [{ cell: "a" }, { cell: "b" }, { cell: "c" }])).toBe(15_000 + 60_000 + 30_000);
    expect(timeLeftMs(made, [])).toBe(0);
  });

  it("is told in words", () => {
    expect([12_400, 240_000, 7_500_000].map(inWords)).toEqual(["12 s", "4 min", "2 h 05 min"]);
  });
});
