import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cellsOf } from "../../../experiments/cells.ts";
import { type ExperimentInput, experimentSchema } from "../../../experiments/experiment.ts";
import type { TurnLine } from "../../../experiments/remaining.ts";
import { type Ending, type Listener, Runner, type RunPlan } from "../../../experiments/run.ts";
import { schedule } from "../../../experiments/schedule.ts";
import { labOf } from "../../../experiments/stack-config.ts";
import {
  Fate,
  FatedFile,
  headFor,
  Killed,
  SimulatedTestbed,
  type Stage,
} from "../helpers/experiment-testbed.ts";

const memory = (name: string) => ({
  name,
  memoryMiB: 512,
  workload: { type: "memory" as const, mibPerSecond: 4, workingSetMiB: 64 },
});

function planOf(input: Partial<ExperimentInput> = {}): RunPlan {
  const experiment = experimentSchema.parse({
    title: "A test",
    guests: [memory("vm1"), { name: "vm2", memoryMiB: 384 }],
    ways: { live: { mode: "live" }, offline: { mode: "offline" } },
    repeats: 2,
    settleSeconds: 0,
    ...input,
  });
  const cells = cellsOf(experiment);
  const { repeats, warmUps } = experiment;
  return {
    experiment,
    machines: labOf(experiment),
    cells,
    turns: schedule({ cells, repeats, warmUps, seed: 1 }),
    version: "f00d",
  };
}

/** An experiment in which a policy decides. */
const decided: Partial<ExperimentInput> = {
  moves: "decided",
  hosts: [
    { name: "host1", cpus: 1 },
    { name: "host2", cpus: 1 },
  ],
  policy: { kind: "balance", restMinutes: 0 },
  ways: { live: { mode: "live" } },
  warmUps: 0,
};

/** A testbed whose policy moves a guest. */
function deciding(): SimulatedTestbed {
  const testbed = new SimulatedTestbed();
  testbed.decides = { vm1: "host2" };
  return testbed;
}

const quiet: Listener = { doing() {}, left() {}, made() {}, say() {} };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "experiment-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function empty(): Promise<void> {
  await rm(folder, { recursive: true });
  await mkdir(folder);
}

/** One run of the command. */
async function runOnce(
  plan: RunPlan,
  testbed: SimulatedTestbed,
  fate = new Fate(),
  interruption = new AbortController().signal,
  listener = quiet,
): Promise<Ending> {
  const file = new FatedFile(folder, "run");
  testbed.fate = fate;
  file.fate = fate;
  const runner = new Runner(plan, testbed, file, listener, interruption);
  const { cells, experiment } = plan;
  return runner.run(async () =>
    headFor(
      cells.map(({ id, factors }) => ({ id, factors })),
      experiment.repeats,
    ),
  );
}

const written = async (): Promise<TurnLine[]> => (await new FatedFile(folder, "run").read())?.lines ?? [];

/** Each turn has one undisturbed line for each of its guests, and no record has two lines. */
function expectEachOnce(plan: RunPlan, lines: readonly TurnLine[]): void {
  for (const turn of plan.turns) {
    const own = lines.filter(({ order, isInterrupted }) => order === turn.order && !isInterrupted);
    const cell = plan.cells.find(({ id }) => id === turn.cell);
    if (cell?.isDecided) expect(own.filter(({ kind }) => kind === "update")).toHaveLength(1);
    const guests = own.flatMap((line) =>
      line.kind === "move" ? line.record.guest : line.kind === "update" ? [] : "none",
    );
    const due = cell?.isDecided ? ["vm1"] : (cell?.guests ?? []);
    expect([turn.order, ...guests.sort()]).toEqual([turn.order, ...due].sort());
    for (const line of own)
      expect(line).toMatchObject({ cell: turn.cell, repeat: turn.repeat, block: turn.block });
  }
  const ids = lines.flatMap((line) =>
    line.kind === "move" ? `${line.record.uuid} ${line.record.startedAt}` : [],
  );
  expect(new Set(ids).size).toBe(ids.length);
}

describe("a run", () => {
  it("makes each turn in its order, from the first host, with that guest's workload alone at work", async () => {
    const plan = planOf({ linksMiBps: [24] });
    const testbed = new SimulatedTestbed();
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    const lines = await written();
    expectEachOnce(plan, lines);
    expect(lines.map(({ order }) => order)).toEqual(plan.turns.map(({ order }) => order));
    expect(new Set(lines.map(({ version }) => version))).toEqual(new Set(["f00d"]));
    for (const line of lines) {
      expect(line).toMatchObject({ kind: "move", record: { from: "host1", to: "host2" }, updateMs: 5 });
      if (line.kind !== "move") continue;
      expect(line.record.mode).toBe(line.cell.split("/")[1]);
      expect(line.progress !== undefined).toBe(line.record.guest === "vm1");
    }
    for (const { guest, working, shapedTo } of testbed.seen) {
      expect(working).toEqual(guest === "vm1" ? ["vm1"] : []);
      expect(shapedTo).toBe(24);
    }
    expect(testbed.backShapedTo).toEqual(plan.turns.slice(1).map(() => 24));
    expect(testbed.shapedTo).toBeUndefined();
    expect(testbed.working.size).toBe(0);
  });

  it("has the guests that move looked at alone, but for the first update and the one after a failure", async () => {
    const plan = planOf({ guests: [memory("vm1")], ways: { live: { mode: "live" } } });
    const testbed = new SimulatedTestbed();
    const faults = ["no record" as const];
    testbed.fault = () => faults.pop();
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    // The testbed; a move that fails; back, whatever that left; a move; back; a move.
    expect(testbed.asked).toEqual([undefined, ["vm1"], undefined, ["vm1"], ["vm1"], ["vm1"]]);
  });

  it.each([{ transport: "tls" as const }, { port: 50_000 }])(
    "has everything looked at where moves need something of the hosts: %o",
    async (way) => {
      const plan = planOf({ guests: [memory("vm1")], ways: { own: { mode: "live", ...way } }, repeats: 2 });
      const testbed = new SimulatedTestbed();
      expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
      expect(testbed.asked).toEqual([undefined, undefined, ["vm1"], undefined, ["vm1"], undefined]);
    },
  );

  it("measures the way back, too, when it is asked to", async () => {
    const plan = planOf({ back: "measured" });
    const testbed = new SimulatedTestbed();
    await runOnce(plan, testbed);
    expectEachOnce(plan, await written());
    expect(testbed.made).toHaveLength(plan.turns.length);
  });

  it("begins at the second host where a way goes back, and measures that", async () => {
    const plan = planOf({
      ways: { forth: { mode: "live" }, back: { mode: "offline", direction: "back" } },
    });
    const testbed = new SimulatedTestbed();
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    const lines = await written();
    expectEachOnce(plan, lines);
    const [there, home] = [
      { from: "host1", to: "host2", mode: "live" },
      { from: "host2", to: "host1", mode: "offline" },
    ];
    for (const line of lines)
      expect(line).toMatchObject({ kind: "move", record: line.cell.endsWith("/back") ? home : there });
    expect(new Set(lines.map(({ cell }) => cell))).toHaveLength(4);
  });

  it("lets a policy decide, and writes down what it decided, what came of it, and its moves", async () => {
    const plan = planOf(decided);
    const testbed = deciding();
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    const lines = await written();
    expectEachOnce(plan, lines);
    expect(lines.map(({ kind }) => kind)).toEqual(["update", "move", "update", "move"]);
    expect(lines[0]).toMatchObject({
      cell: "balance/live",
      update: {
        policy: "balance",
        decided: [{ guest: "vm1", from: "host1", to: "host2", reason: "evens out hosts" }],
        hosts: {
          host1: { cpus: 1, before: { guests: ["vm1", "vm2"], guestCpus: 0.5 }, after: { guests: ["vm2"] } },
          host2: { before: { guests: [] }, after: { state: "on", guests: ["vm1"] } },
        },
        guests: { vm1: { from: "host1", to: "host2", unit: "MiB", beforePerSecond: 4, afterPerSecond: 4 } },
      },
    });
    expect(testbed.cuts).toEqual([]);
    // All is looked at in each update, as hosts may be off.
    expect(new Set(testbed.asked)).toEqual(new Set([undefined]));
  });

  it("cuts the power of the host that is to be lost, in each turn, right before the policy decides", async () => {
    const plan = planOf({ ...decided, lose: "host1" });
    const testbed = deciding();
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    expect(testbed.cuts).toEqual(["host1", "host1"]);
    const [line] = await written();
    expect(line).toMatchObject({
      cell: "host1 lost/live",
      update: { lost: { host: "host1" }, hosts: { host1: { after: { state: "lost" } } } },
    });
  });

  it("makes a turn again in which it was interrupted while it looked at what a policy did", async () => {
    const plan = planOf(decided);
    const testbed = deciding();
    const controller = new AbortController();
    const listener = {
      ...quiet,
      doing: (what: string) => void (/after it/.test(what) && controller.abort()),
    };
    expect(await runOnce(plan, testbed, new Fate(), controller.signal, listener)).toEqual({
      kind: "interrupted",
    });
    expect(await written()).toMatchObject([{ kind: "move", isInterrupted: true, order: 1 }]);
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    expectEachOnce(plan, await written());
  });

  it("moves all guests in one turn, one by one or at once", async () => {
    const plan = planOf({
      moves: "all",
      ways: { apart: { arrangement: "one-by-one" }, "at once": { arrangement: "at-once" } },
    });
    await runOnce(plan, new SimulatedTestbed());
    expectEachOnce(plan, await written());
  });

  it("writes down what failed, goes on, and ends when all fails", async () => {
    const plan = planOf({ warmUps: 0 });
    const testbed = new SimulatedTestbed();
    let moves = 0;
    testbed.fault = () => [undefined, "failed", "no record", undefined][moves++] as "failed" | undefined;
    await runOnce(plan, testbed);
    const lines = await written();
    expectCount(lines, plan.turns.length);
    expect(
      lines
        .slice(0, 4)
        .map((line) => (line.kind === "move" ? line.record.outcome : line.kind === "failure" && line.error)),
    ).toEqual(["completed", "failed", expect.stringMatching(/vm\d did not move/), "completed"]);

    const hopeless = new SimulatedTestbed();
    hopeless.fault = () => "failed";
    await empty();
    expect(await runOnce(plan, hopeless)).toMatchObject({
      kind: "stopped",
      why: expect.stringMatching(/3 moves in a row failed.*QEMU said no/),
    });
    expectCount(await written(), 3);
  });

  it("ends after the turn that is under way when it is interrupted, and goes on from there", async () => {
    const plan = planOf();
    const testbed = new SimulatedTestbed();
    const controller = new AbortController();
    const listener = { ...quiet, made: () => controller.abort() };
    expect(await runOnce(plan, testbed, new Fate(), controller.signal, listener)).toEqual({
      kind: "interrupted",
    });
    expectCount(await written(), 1);
    expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
    expectEachOnce(plan, await written());
  });

  it("makes a turn again whose move an interruption took back, and keeps its line apart", async () => {
    const plan = planOf({ warmUps: 0 });
    const testbed = new SimulatedTestbed();
    const controller = new AbortController();
    testbed.fault = () => {
      controller.abort();
      return "failed";
    };
    expect(await runOnce(plan, testbed, new Fate(), controller.signal)).toEqual({ kind: "interrupted" });
    expect(await written()).toMatchObject([{ order: 1, isInterrupted: true, record: { outcome: "failed" } }]);
    testbed.fault = undefined;
    await runOnce(plan, testbed);
    expectEachOnce(plan, await written());
  });
});

const expectCount = (lines: readonly TurnLine[], count: number) => expect(lines).toHaveLength(count);

const shapes: [string, Partial<ExperimentInput>][] = [
  ["guests by themselves", { guests: [memory("vm1")], repeats: 1, warmUps: 0 }],
  ["both ways measured", { guests: [memory("vm1")], repeats: 1, warmUps: 0, back: "measured" }],
  ["updates in which a policy decides", decided],
  [
    "guests together",
    {
      repeats: 1,
      warmUps: 0,
      moves: "all",
      ways: { apart: { arrangement: "one-by-one" }, "at once": { arrangement: "at-once" } },
    },
  ],
];

describe.each(shapes)("a run of %s that is killed", (_name, input) => {
  it.each<Stage>(["before", "half", "after"])(
    "%s any of its steps goes on and has each turn once",
    async (stage) => {
      const plan = planOf(input);
      const whole = new Fate();
      await runOnce(plan, deciding(), whole);
      for (let dieAt = 1; dieAt <= whole.steps; dieAt++) {
        await empty();
        const testbed = deciding();
        // Killed when all is written, it is done all the same.
        await runOnce(plan, testbed, new Fate(dieAt, stage)).catch((error) =>
          expect(error).toBeInstanceOf(Killed),
        );
        expect(testbed.fate.isDead).toBe(true);
        // And once more, somewhere else.
        await runOnce(plan, testbed, new Fate(7 + (dieAt % 11), stage)).catch(() => {});
        expect(await runOnce(plan, testbed)).toEqual({ kind: "done" });
        const lines = await written();
        expectEachOnce(plan, lines);
        for (const line of lines) {
          if (line.kind === "move" && !line.isInterrupted) expect(line.record.outcome).toBe("completed");
        }
        // A move that was over when it was killed is not made again.
        if (stage !== "half" && !input.moves) expect(testbed.seen).toHaveLength(plan.turns.length);
      }
    },
  );
});
