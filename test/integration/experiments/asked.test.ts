import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { experimentCommand, type Options } from "../../../experiments/arguments.ts";
import { keptOf, leftOf, type RunArguments, resumes, turnsOf } from "../../../experiments/choose-run.ts";
import { expectedTime, turnTimes } from "../../../experiments/expected-time.ts";
import { experimentSchema } from "../../../experiments/experiment.ts";
import { lock } from "../../../experiments/lock.ts";
import { outline } from "../../../experiments/outline.ts";
import type { TurnLine } from "../../../experiments/remaining.ts";
import { headFor } from "../../unit/helpers/experiment-testbed.ts";
import { liveRecord } from "../../unit/helpers/records.ts";

const asked: RunArguments = {
  experiment: experimentSchema.parse({
    title: "A test",
    guests: [{ name: "vm1", memoryMiB: 512 }],
    ways: { live: { mode: "live" }, offline: { mode: "offline" } },
    repeats: 3,
    warmUps: 0,
  }),
  size: "lab",
};
const { cells, turns } = turnsOf(asked, 1);

/** The latest run, with so many of its turns made, one every 40 s. */
function latest(made: number, isOpen = true) {
  const head = { ...headFor(cells, 3), asked: keptOf(asked), seed: 1 };
  const lines = turns.slice(0, made).map(
    (turn): TurnLine => ({
      schema: 1,
      kind: "move",
      ...turn,
      loadBefore: {},
      record: liveRecord({ startedAt: new Date(1.8e12 + turn.order * 40_000).toISOString() }),
    }),
  );
  return { head, lines, isOpen };
}

/** What a command line asks for. */
async function optionsOf(argv: readonly string[]): Promise<Options | undefined> {
  let options: Options | undefined;
  const command = experimentCommand(async (asked) => {
    options = asked;
  });
  await command.configureOutput({ writeErr: () => {} }).parseAsync(argv, { from: "user" });
  return options;
}

describe("the command line", () => {
  it("names an experiment, and says what is asked for otherwise", async () => {
    expect(
      await optionsOf(["paper", "--sizes", "paper", "--repeats", "9", "--seed", "4", "--limit", "90s"]),
    ).toMatchObject({
      experiment: "paper",
      size: "paper",
      repeats: 9,
      seed: 4,
      limitMinutes: 1.5,
      choice: "either",
    });
    expect((await optionsOf(["--compare", "a", "b"]))?.compare).toEqual({
      words: ["a", "b"],
      tolerance: 0.1,
    });
    expect((await optionsOf(["--compare", "a", "--tolerance", "2.5"]))?.compare).toEqual({
      words: ["a"],
      tolerance: 0.025,
    });
    expect((await optionsOf(["paper"]))?.compare).toBeUndefined();
    expect(await optionsOf(["--list"])).toMatchObject({ list: true, experiment: "" });
    expect(await optionsOf(["paper"])).toMatchObject({ size: "lab", dryRun: false, keep: false });
  });

  it.each<[string[], RegExp]>([
    [[], /Which experiment\?/],
    [["paper", "modes"], /One experiment at a time/],
    [
      ["paper", "--repeats", "0"],
      /--repeats <n>' argument '0' is invalid. It takes a whole number, 1 or more/,
    ],
    [["paper", "--limit", "30"], /'30' is invalid. It takes a time/],
    [["paper", "--new", "--resume"], /'--new' cannot be used with option '--resume'/],
    [["--compare"], /--compare takes two runs, or one/],
    [["--compare", "a", "b", "c"], /--compare takes two runs, or one/],
    [["--compare", "a", "b", "--tolerance", "much"], /'much' is invalid. It takes percent/],
    [["paper", "--tolerance", "5"], /--tolerance is of --compare/],
  ])("%j is refused", async (argv, message) => {
    await expect(optionsOf(argv)).rejects.toThrow(message);
  });
});

describe("whether a run is gone on with", () => {
  it("is when it has turns left, and was asked for in the same way", () => {
    expect(resumes("either", "test", asked, undefined)).toBe(false);
    expect(resumes("either", "test", asked, latest(2))).toBe(true);
    expect(leftOf(latest(2).head, latest(2).lines, asked.experiment.stop)).toEqual(turns.slice(2));
    // When it ends early can be said anew.
    const { experiment } = asked;
    const sooner = { ...asked, experiment: { ...experiment, stop: { ...experiment.stop, minutes: 5 } } };
    expect(resumes("either", "test", sooner, latest(2))).toBe(true);
  });

  it("depends on what is precise enough now, not on what was when it began", () => {
    const { experiment } = asked;
    const long = { ...asked, experiment: { ...experiment, repeats: 6 } };
    const stop = { ...experiment.stop, halfWidthPercent: 5, atLeast: 3 };
    const precise = { ...long, experiment: { ...long.experiment, stop } };
    const run = (as: RunArguments) => {
      const { head, lines } = latest(turns.length, false);
      return { head: { ...head, asked: keptOf(as) }, lines, isOpen: false };
    };
    expect(resumes("either", "test", precise, run(long))).toBe(false);
    expect(resumes("either", "test", long, run(precise))).toBe(true);
  });

  it("is resumed whatever its report is to tell: that changes nothing of what is done", () => {
    const telling = { ...asked, experiment: { ...asked.experiment, claims: true } };
    expect(resumes("either", "test", telling, latest(2))).toBe(true);
  });

  it("is not for the program to decide when it was asked for otherwise", () => {
    const more = { ...asked, experiment: { ...asked.experiment, repeats: 9 } };
    expect(() => resumes("either", "test", more, latest(2))).toThrow(/4 moves left.*--resume.*--new/);
    expect(() => resumes("either", "test", { ...asked, seed: 8 }, latest(2))).toThrow(/asked for otherwise/);
    expect(resumes("resume", "test", more, latest(2))).toBe(true);
    expect(resumes("new", "test", asked, latest(2))).toBe(false);
  });

  it("is not when it is complete; one that was killed before its testbed was taken down is ended first", () => {
    expect(resumes("either", "test", asked, latest(6, false))).toBe(false);
    expect(() => resumes("resume", "test", asked, latest(6, false))).toThrow(/the latest is complete/);
    expect(resumes("either", "test", asked, latest(6))).toBe(true);
    expect(resumes("new", "test", asked, latest(6))).toBe(false);
  });
});

describe("how long it takes", () => {
  it("is what the turns of the latest run took, and what the testbed needs to come up", () => {
    const { lines } = latest(6);
    expect(turnTimes(lines).map(({ tookMs }) => tookMs)).toEqual(Array(5).fill(40_000));
    const two = expectedTime(asked.experiment, cells, turns.slice(0, 2), lines);
    const four = expectedTime(asked.experiment, cells, turns.slice(0, 4), lines);
    expect(two.from).toBe("measured");
    expect(four.ms - two.ms).toBe(80_000);
  });

  it("leaves out the time for which nobody went on", () => {
    const { lines } = latest(6);
    const interrupted = lines.map((line) => (line.order === 3 ? { ...line, isInterrupted: true } : line));
    expect(turnTimes(interrupted)).toHaveLength(3);
    expect(turnTimes(lines.filter(({ order }) => order !== 3))).toHaveLength(3);
  });

  it("is reckoned where there is no run yet: more repeats take longer, and more memory does", () => {
    const reckoned = (memoryMiB: number, count: number) => {
      const experiment = {
        ...asked.experiment,
        guests: [{ ...asked.experiment.guests[0], memoryMiB }],
      } as never;
      return expectedTime(experiment, cells, turns.slice(0, count), []);
    };
    expect(reckoned(512, 6).from).toBe("reckoned");
    expect(reckoned(512, 6).ms).toBeGreaterThan(reckoned(512, 3).ms);
    expect(reckoned(4096, 6).ms).toBeGreaterThan(reckoned(512, 6).ms);
    expect(outline(asked, 7)).toMatch(/6 turns.*Seed 7\. About \d+ (s|min).*reckoned.*vm1\/live/s);
    expect(outline(asked, 7, { ...latest(6), unreadable: [] })).toContain(
      "as the turns of the latest run took",
    );
  });
});

describe("the lock", () => {
  const busy = (pid: string) => `process ${pid} has it`;

  it("lets one in at a time, and the next when that is done", async () => {
    const key = `a test ${process.pid} ${Math.random()}`;
    const unlock = await lock(key, busy);
    await expect(lock(key, busy)).rejects.toThrow(`process ${process.pid} has it`);
    await (await lock(`${key} of another`, busy))();
    await unlock();
    await (await lock(key, busy))();
  });

  it("is free as soon as whoever had it is killed", async () => {
    const key = `a test ${process.pid} ${Math.random()}`;
    const file = new URL("../../../experiments/lock.ts", import.meta.url);
    const script = `const { lock } = await import(${JSON.stringify(file.href)});
      await lock(${JSON.stringify(key)}, String); console.log("locked"); setInterval(() => {}, 1000);`;
    const holder = execa(process.execPath, ["--input-type=module", "--eval", script], { reject: false });
    await new Promise((resolve) => holder.stdout.once("data", resolve));
    await expect(lock(key, busy)).rejects.toThrow(`process ${holder.pid} has it`);
    holder.kill("SIGKILL");
    await holder;
    await (await lock(key, busy))();
  });
});
