import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { turnsOf } from "../../../experiments/choose-run.ts";
import { experimentSchema, inSize, ownSize } from "../../../experiments/experiment.ts";
import { checkCells, experimentNames, loadExperiment, parseExperiment } from "../../../experiments/load.ts";
import { labOf, machinesOf, moveConfigs, restConfig } from "../../../experiments/stack-config.ts";
import { editorSchema } from "../../../stacks/schema.ts";

const guest = { name: "vm1", memoryMiB: 512 };
const ways = { live: { mode: "live" } };
const check = (changes: object) =>
  parseExperiment({ title: "A test", guests: [guest], ways, ...changes }, "a.yaml");

const names = [
  "applications",
  "dirty-rate",
  "downtime",
  "drain",
  "memory",
  "memory-in-use",
  "modes",
  "old-limit",
  "paper",
  "prediction",
  "smoke",
  "tuning",
  "versions",
];

describe("the experiments that come with the project", () => {
  it("are these", async () => {
    expect(await experimentNames()).toEqual(names);
  });

  const editor = z.fromJSONSchema(editorSchema(experimentSchema));
  it.each(names)("%s is accepted by the schema for editors, which it names", async (name) => {
    const text = await readFile(join("experiments", `${name}.yaml`), "utf8");
    expect(text).toMatch(/^# yaml-language-server: \$schema=experiment.schema.json\n/);
    expect(editor.safeParse(parse(text)).error).toBeUndefined();
    expect(editor.safeParse({ ...parse(text), repeat: 3 }).success).toBe(false);
  });

  it.each(names)("%s can be made, in all its sizes, with moves for each cell", async (name) => {
    const { experiment, file } = await loadExperiment(name);
    for (const size of [ownSize, ...Object.keys(experiment.sizes)]) {
      const sized = inSize(experiment, size);
      checkCells(sized, labOf(sized), name, file);
      const { cells, turns } = turnsOf({ experiment: sized, size }, 1);
      expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
      expect(turns.filter(({ isWarmUp }) => !isWarmUp)).toHaveLength(cells.length * sized.repeats);
    }
  });

  it("paper: six guests differ in memory alone, and five workloads have the memory of one of them", async () => {
    const { experiment } = await loadExperiment("paper");
    for (const size of [ownSize, "paper"]) {
      const { guests, ways } = inSize(experiment, size);
      expect(Object.values(ways).map(({ mode }) => mode)).toEqual(["offline", "live"]);
      const python = guests.filter(({ workload }) => workload.type === "python");
      expect(new Set(python.map(({ memoryMiB }) => memoryMiB)).size).toBe(6);
      const others = guests.filter(({ workload }) => workload.type !== "python");
      expect(others.map(({ workload }) => workload.type).sort()).toEqual([
        "idle",
        "memory",
        "mysql",
        "office",
      ]);
      const [memoryMiB] = new Set(others.map((other) => other.memoryMiB));
      expect(new Set(others.map((other) => other.memoryMiB)).size).toBe(1);
      expect(python.map((one) => one.memoryMiB)).toContain(memoryMiB);
    }
  });

  it("dirty-rate: from nothing to four times the link", async () => {
    const { guests, linksMiBps = [] } = (await loadExperiment("dirty-rate")).experiment;
    const [linkMiBps = Number.NaN] = linksMiBps;
    const rates = guests.map(({ workload }) => (workload.type === "memory" ? workload.mibPerSecond : 0));
    expect([Math.min(...rates), Math.max(...rates)]).toEqual([0, 4 * linkMiBps]);
  });
});

describe("a mistake in an experiment is said with its place and its fix, before anything is touched:", () => {
  it("what is no key, and what is no value", () => {
    expect(() => check({ repeat: 3, guests: [{ ...guest, memoryMib: 512 }], settleSeconds: "x" })).toThrow(
      /a\.yaml has 3 mistakes; nothing was touched:\n.*guests\[0\]\.memoryMib.*did you mean "memoryMiB"/s,
    );
  });

  it("an arrangement where guests move by themselves, and none where all move", () => {
    expect(() => check({ ways: { live: { arrangement: "at-once" } } })).toThrow(
      /ways\.live\.arrangement: guests move/,
    );
    expect(() => check({ moves: "all" })).toThrow(/ways\.live\.arrangement: is missing; give one-by-one/);
  });

  it("a direction where the way back is a move like any other", () => {
    expect(() => check({ ways: { live: { direction: "back" } }, back: "measured" })).toThrow(
      /ways\.live\.direction: guests go to whichever host they are not on.*back: unmeasured/,
    );
  });

  it("what a mode cannot do, once for all cells", () => {
    const experiment = check({
      guests: [guest, { ...guest, name: "vm2" }],
      ways: { offline: { mode: "offline", compression: "xbzrle" } },
    });
    expect(() => checkCells(experiment, labOf(experiment), "test", "a.yaml")).toThrow(
      /has a mistake.*cell vm1\/offline, .*compression: .*offline/s,
    );
  });

  it("a guest that is too small for its workload", () => {
    const experiment = check({ guests: [{ ...guest, workload: { type: "mysql", bufferPoolMiB: 2048 } }] });
    expect(() => checkCells(experiment, labOf(experiment), "test", "a.yaml")).toThrow(/does not fit/);
  });

  it("a size that there is not", () => {
    expect(() => inSize(check({ sizes: { big: { repeats: 9 } } }), "bigger")).toThrow(
      '--sizes: there is no "bigger"; sizes are lab, big.',
    );
  });

  it("a name that is no way's: what others are held against, and the ways of a size", () => {
    const ways = { live: { mode: "live" }, late: { mode: "postcopy" } } as const;
    expect(() => check({ ways, against: "life" })).toThrow(
      'against: there is no way "life"; give one of live and late',
    );
    const together = { live: { mode: "live", arrangement: "at-once" } } as const;
    expect(() => check({ ways: together, moves: "all", against: "live" })).toThrow(
      "against: is of guests that move by themselves; leave it out, or say moves: each",
    );
    expect(() => check({ ways, against: "live", sizes: { small: { ways: ["late", "lat"] } } })).toThrow(
      /2 mistakes.*sizes\.small\.ways: there is no way "lat".*lacks "live", which all others are held against/s,
    );
  });

  it("an experiment that there is not", async () => {
    await expect(loadExperiment("papper")).rejects.toThrow(
      /no experiments\/papper\.yaml.*paper, prediction, smoke, tuning and versions/,
    );
  });
});

it("versions: every way goes forth and back, between hosts of both releases, and in other sizes of one", async () => {
  const { experiment } = await loadExperiment("versions");
  const ways = Object.values(experiment.ways).map(({ direction = "forth", ...way }) => ({
    direction,
    way: JSON.stringify(way),
  }));
  const going = (wanted: string) =>
    ways.flatMap(({ direction, way }) => (direction === wanted ? [way] : [])).sort();
  expect(going("back")).toEqual(going("forth"));
  expect(new Set(Object.values(experiment.ways).map(({ mode }) => mode))).toEqual(
    new Set(["live", "postcopy", "hybrid", "offline", "cold"]),
  );
  const releases = (size: string) => labOf(inSize(experiment, size)).hosts.map(({ release }) => release);
  expect(releases(ownSize)).toEqual(["debian-12", "debian-13"]);
  expect(releases("both-12")).toEqual(["debian-12", "debian-12"]);
  expect(releases("both-13")).toEqual(["debian-13", "debian-13"]);
});

it("tuning: a size has some of the ways, as they are, in the order of the file", async () => {
  const { experiment } = await loadExperiment("tuning");
  const { ways, against } = inSize(experiment, "small");
  expect(against).toBe("live");
  expect(Object.keys(ways)).toHaveLength(10);
  expect(Object.keys(experiment.ways).filter((name) => name in ways)).toEqual(Object.keys(ways));
  for (const [name, way] of Object.entries(ways)) expect(way).toEqual(experiment.ways[name]);
  expect(inSize(experiment, ownSize).ways).toEqual(experiment.ways);
});

describe("the configs of a cell's updates", () => {
  const all = check({
    moves: "all",
    guests: [guest, { ...guest, name: "vm2" }],
    ways: {
      apart: { mode: "live", arrangement: "one-by-one" },
      together: { mode: "live", arrangement: "at-once" },
    },
    migration: { maxDowntimeMs: 100 },
  });
  const machines = labOf(all);
  const home = { vm1: "host1", vm2: "host1" };

  it("move guests one after the other with an update each", () => {
    const way = { mode: "live", arrangement: "one-by-one" } as const;
    const configs = moveConfigs(all, machines, { guests: ["vm1", "vm2"], way }, home);
    expect(configs.map(({ placement }) => placement)).toEqual([
      { vm1: "host2", vm2: "host1" },
      { vm1: "host2", vm2: "host2" },
    ]);
    const own = { mode: "live", maxDowntimeMs: 100, probeIntervalMs: 5 };
    expect(configs[0]?.guests).toMatchObject([{ migration: own }, { migration: own }]);
  });

  it("empty the host at once, as many at a time as there are", () => {
    const way = { mode: "live", arrangement: "at-once" } as const;
    expect(moveConfigs(all, machines, { guests: ["vm1", "vm2"], way }, home)).toMatchObject([
      { placement: home, drain: ["host1"], migration: { concurrentPerHost: 2 } },
    ]);
  });

  it("differ from the one at rest in the guest that moves alone", () => {
    const atRest = restConfig(all, machines, home);
    const [config] = moveConfigs(all, machines, { guests: ["vm1"], way: { mode: "live" } }, home);
    expect(config).toEqual({
      ...atRest,
      guests: [
        { ...atRest.guests[0], migration: expect.objectContaining({ maxDowntimeMs: 100 }) },
        atRest.guests[1],
      ],
      placement: { vm1: "host2", vm2: "host1" },
    });
  });

  it("leave out what is said for all ways and their own cannot do", () => {
    const held = check({ migration: { onTimeout: "suspend", timeoutMs: 9000 } });
    const [config] = moveConfigs(held, machines, { guests: ["vm1"], way: { mode: "offline" } }, home);
    expect(config?.guests[0]?.migration).toEqual({
      mode: "offline",
      timeoutMs: 9000,
      maxDowntimeMs: 300,
      probeIntervalMs: 5,
    });
  });

  it("bring guests back without measuring, on one's own machines as in a lab", () => {
    const own = machinesOf({ hosts: [{ name: "a", address: "192.0.2.1" }, { name: "b" }], guests: [] }, all);
    const config = restConfig(all, own, { vm1: "a", vm2: "a" });
    expect(config).toMatchObject({
      hosts: [{ name: "a" }, { name: "b" }],
      migration: { probeIntervalMs: 0 },
    });
    expect(config).not.toHaveProperty("lab");
  });
});
