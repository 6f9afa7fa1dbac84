import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askedOf, leftOf } from "../../experiments/choose-run.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { readRecords } from "../../moves/results.ts";
import { ExperimentCommand } from "./experiment-command.ts";
import { GuestUnderTest } from "./guest-under-test.ts";
import { TestProject } from "./project.ts";
import { LabStack } from "./stack.ts";
import { containerOf, killTree, signal, tracesOf } from "./traces.ts";

// One run of an experiment, which is killed while its testbed comes up, killed in the middle of a move (with all that it started, and
// alone), and interrupted on a terminal: the tests go on from one another.

const name = "exp-test";
const bridge = "lab-exp-test";
const network = "10.77.26";
const repeats = 2;
const turns = 2 * repeats;

let project: TestProject;
let command: ExperimentCommand;
let stack: LabStack;
let vm1: GuestUnderTest<LabStack>;

beforeAll(async () => {
  project = await TestProject.make();
  command = new ExperimentCommand(project, name);
  const lab = { network: `${network}.0/24`, bridge };
  await command.write("smoke", {
    lab,
    repeats,
    // A move takes some seconds, in which it can be struck.
    migration: { bandwidthMiBps: 24 },
  });
  stack = new LabStack(project, name, {
    lab,
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [],
    placement: {},
  });
  vm1 = new GuestUnderTest(stack, "vm1");
});

afterAll(async () => {
  await command.end();
  // Whatever a failed test left.
  await command.run("--down");
  await project.remove();
});

/**
 * Waits until a move is under way.
 *
 * @param sinceMs of a turn that was begun since then
 * @param after of a turn that comes after this one
 */
async function moving({ sinceMs = Date.now(), after = 0 } = {}): Promise<void> {
  while ((await command.begunTurn(sinceMs)) <= after) await sleep(200);
  await stack.until("storage", "ls /var/lib/kvm-migration-testbed/moves/export-testbed/*.json");
}

/** Nothing is counted twice, and all moves that count were made to their end. */
async function expectNothingTwice(): Promise<number> {
  const { lines } = await command.written();
  const counted = lines.filter(({ isInterrupted }) => !isInterrupted);
  expect(counted.map((line) => (line.kind === "move" ? line.record.outcome : line.kind))).toEqual(
    counted.map(() => "completed"),
  );
  const orders = counted.map(({ order }) => order);
  expect(orders).toEqual([...new Set(orders)]);
  const moves = lines.flatMap((line) => (line.kind === "move" ? [line.record.startedAt] : []));
  expect(moves).toEqual([...new Set(moves)]);
  return counted.length;
}

test("--dry-run says what would be done and how long it takes, and touches nothing", async () => {
  const { exitCode, text } = await command.run("--dry-run", "--seed", "5");
  expect({ exitCode, text }).toMatchObject({ exitCode: 0, text: expect.stringContaining(`${turns} turns`) });
  expect(text).toMatch(/Seed 5\. About \d+ (s|min)/);
  expect(await tracesOf(name, bridge, project.folder)).toEqual([]);
  expect(await command.files("")).toEqual([]);
});

test("killed with all that it started, while its testbed comes up, it leaves no run behind", async () => {
  const booting = () =>
    pRetry(() => containerIsThere("storage"), { retries: 3000, minTimeout: 100, factor: 1 });
  await command.strike(booting, killTree, "--seed", "5");
  expect(await command.files(".jsonl")).toEqual([]);
});

test("killed with all that it started, in the middle of its first move, it has written its head", async () => {
  await command.strike(() => moving(), killTree, "--seed", "5");
  expect(await stack.unfinished()).not.toEqual([]);
  const { head, lines } = await command.written();
  expect(lines).toEqual([]);
  expect(head).toMatchObject({ experiment: name, seed: 5, repeats });
});

test("killed alone, in the middle of another move, it goes on later", async () => {
  const { text } = await command.strike(
    () => moving({ after: 1 }),
    (pid) => signal(pid, "SIGKILL"),
  );
  expect(text).toMatch(new RegExp(`Going on with run \\w+ of exp-test, seed 5: ${turns} of ${turns} turns`));
  // The first turn was made again, unless its move had been over but for its line.
  expect(await expectNothingTwice()).toBeGreaterThanOrEqual(1);
});

test("while it is under way no other run is let in; Ctrl-C takes the move back and ends it", async () => {
  const before = await expectNothingTwice();
  const { exitCode, text } = await command.strike(
    async () => {
      const sinceMs = Date.now();
      await moving({ sinceMs });
      const second = await command.run();
      expect(second).toMatchObject({
        exitCode: 1,
        text: expect.stringMatching(/An experiment runs already on these machines, in process \d+/),
      });
      // The move that was looked at may be over by now.
      await moving({ sinceMs });
    },
    // On a terminal all processes of the group get it.
    (pid) => process.kill(-pid, "SIGINT"),
  );
  expect({ exitCode, text }).toMatchObject({ exitCode: 130, text: expect.stringContaining("Interrupted") });
  expect(text).toContain("The same command goes on");
  expect(await expectNothingTwice()).toBeGreaterThanOrEqual(before);
  // What the interruption cut short is taken back already, by the run itself.
  await vm1.expectOneCopyAt(await vm1.host());
  expect(await command.files(".csv")).toHaveLength(1);
});

test("the next run makes what is left; each turn is there once, with its conditions and what the guest did", async () => {
  const before = (await command.written()).lines;
  const { exitCode, text } = await command.run("--keep");
  expect({ exitCode, text }).toMatchObject({
    exitCode: 0,
    text: expect.stringContaining(`${turns} of ${turns} turns`),
  });
  expect(await expectNothingTwice()).toBe(turns);

  const { head, lines, unreadable } = await command.written();
  expect(unreadable).toEqual([]);
  expect(leftOf(head, lines, askedOf(head).experiment.stop)).toEqual([]);
  // What was there stays as it was.
  expect(lines.slice(0, before.length)).toEqual(before);
  const { hosts, controller, versions } = head.conditions;
  expect(Object.keys(hosts)).toEqual(["host1", "host2"]);
  expect(controller.cores).toBeGreaterThan(0);
  expect(Object.keys(versions)).toEqual(["project", "pulumi", "node"]);

  const { records } = await readRecords(project.path("results", `${name}.jsonl`));
  for (const line of lines) {
    if (line.kind !== "move") throw new Error(`no move: ${line.kind}`);
    expect(records).toContainEqual(line.record);
    expect(line.record).toMatchObject({ guest: "vm1", from: "host1", to: "host2" });
    expect(line.record.mode).toBe(line.cell.split("/")[1]);
    if (!line.isInterrupted) expect(inconsistencies(line.record)).toEqual([]);
    expect(Object.keys(line.loadBefore).sort()).toEqual(["controller", "host1", "host2", "storage"]);
  }
  // The last turns, which nobody disturbed: the workload did what it was asked for before, and stood still in between.
  const last = lines.slice(before.length).flatMap((line) => (line.kind === "move" ? [line] : []));
  expect(last.length).toBeGreaterThan(0);
  for (const { progress, updateMs, record } of last) {
    expect(updateMs).toBeGreaterThan(record.totalMs);
    expect(progress?.unit).toBe("MiB");
    expect(progress?.beforePerSecond).toBeGreaterThan(0);
    expect(progress?.beforePerSecond).toBeLessThan(5);
    if (record.mode === "offline") expect(progress?.slowestPerSecond).toBe(0);
  }
  await vm1.expectOneCopyAt(await vm1.host());

  const [csv] = await command.files(".csv");
  const rows = (await readFile(command.path(csv ?? "none"), "utf8")).trimEnd().split("\n");
  expect(rows).toHaveLength(1 + lines.length);
  expect(rows[0]).toMatch(
    /^experiment,run,cell,block,repeat,order,.*,total_ms,downtime_ms,.*,load_controller/,
  );
});

test("a run that is complete is not gone on with, and --down leaves nothing of its testbed, but its results", async () => {
  const { exitCode, text } = await command.run("--resume");
  expect({ exitCode, text }).toMatchObject({ exitCode: 1, text: expect.stringContaining("is complete") });
  expect(await command.run("--down")).toMatchObject({ exitCode: 0 });
  const traces = () => tracesOf(name, bridge, project.folder);
  await expect.poll(traces, { timeout: 30_000 }).toEqual([]);
  expect(await expectNothingTwice()).toBe(turns);
  expect((await command.files("")).map((file) => file.replace(/^[^.]*/, "")).sort()).toEqual([
    ".csv",
    ".jsonl",
    ".log",
  ]);
});

async function containerIsThere(host: string): Promise<void> {
  const { init } = await containerOf(name, host);
  if (!(init > 0)) throw new Error(`${host} has not been started yet`);
}
