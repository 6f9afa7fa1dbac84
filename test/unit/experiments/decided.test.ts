import { describe, expect, it } from "vitest";
import { hostLoad } from "../../../experiments/decided-turn.ts";
import { ExperimentError, parseExperiment } from "../../../experiments/load.ts";
import { throughputSince } from "../../../experiments/progress-log.ts";
import { decidedConfig, labOf, restConfig, startOf } from "../../../experiments/stack-config.ts";

const given = {
  title: "A test",
  moves: "decided",
  guests: [
    { name: "vm1", memoryMiB: 512 },
    { name: "vm2", memoryMiB: 512 },
  ],
  hosts: [{ name: "host1", cpus: 0.5 }, { name: "host2" }, { name: "host3" }],
  placement: { vm2: "host3" },
  policy: { kind: "consolidate", restMinutes: 0 },
};
const check = (changes: object = {}) => parseExperiment({ ...given, ...changes }, "a.yaml");

function mistakesIn(changes: object): string[] {
  try {
    check(changes);
    return [];
  } catch (error) {
    if (!(error instanceof ExperimentError)) throw error;
    return error.mistakes.map(({ path }) => path);
  }
}

describe("an experiment in which a policy decides", () => {
  it("begins where its file says, with all hosts on and guests pinned, and then leaves all to the policy", () => {
    const experiment = check();
    const machines = labOf(experiment);
    expect(machines.hosts.map(({ name, cpus }) => [name, cpus])).toEqual([
      ["host1", 0.5],
      ["host2", undefined],
      ["host3", undefined],
    ]);
    const start = startOf(experiment, machines);
    expect(start).toEqual({ vm1: "host1", vm2: "host3" });
    expect(restConfig(experiment, machines, start)).toMatchObject({
      placement: start,
      policy: { kind: "balance" },
    });
    const config = decidedConfig(experiment, machines, { way: { mode: "live" } });
    expect(config).toMatchObject({
      policy: { kind: "consolidate" },
      guests: [{ migration: { mode: "live" } }, {}],
    });
    expect(config).not.toHaveProperty("placement");
    expect(config).not.toHaveProperty("lost");
  });

  it("says which host is lost", () => {
    const experiment = check({ lose: "host2" });
    expect(decidedConfig(experiment, labOf(experiment), { way: {} })).toMatchObject({ lost: ["host2"] });
  });

  it.each([
    [{ policy: undefined }, ["policy"]],
    [{ policy: { kind: "pinned" } }, ["policy"]],
    [{ policy: { kind: "balance" } }, ["policy.restMinutes"]],
    [{ lose: "host4" }, ["lose"]],
    [{ placement: { vm3: "host1" } }, ["placement.vm3"]],
    [{ back: "measured" }, ["back"]],
    [{ ways: { live: { arrangement: "at-once" } } }, ["ways.live.arrangement"]],
    [{ ways: { live: { direction: "back" } } }, ["ways.live.direction"]],
    [{ moves: "each", lose: "host2" }, ["hosts", "placement", "policy", "lose"]],
  ])("is refused with %o", (changes, paths) => expect(mistakesIn(changes)).toEqual(paths));
});

describe("how busy a host is with its guests", () => {
  const load = {
    guests: {
      a: { meanCpus: 0.25, p95Cpus: 0.5, coveredSeconds: 120 },
      b: { meanCpus: 0.5, p95Cpus: 0.5, coveredSeconds: 120 },
    },
    hosts: {
      host1: { cpus: 2, baseCpus: 0.1, coveredSeconds: 120 },
      host2: { cpus: 2, coveredSeconds: 120 },
    },
    silent: {},
  };

  it("is the sum of theirs, beside its own", () =>
    expect(hostLoad(["a", "b"], load, "host1")).toEqual({ guestCpus: 0.75, ownCpus: 0.1 }));
  it("is nothing without guests, where its own may be unknown", () =>
    expect(hostLoad([], load, "host2")).toEqual({ guestCpus: 0 }));
  it("is not known where a guest's is not, or the host said nothing", () => {
    expect(hostLoad(["a", "c"], load, "host1")).toEqual({ ownCpus: 0.1 });
    expect(hostLoad([], load, "host3")).toEqual({});
  });
});

describe("what a workload got done since a moment", () => {
  const lines = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((second) => ({
    at: 1000 + second,
    operations: second < 3 ? 1 : 10,
    unit: "rounds",
  }));

  it("leaves out what was before", () =>
    expect(throughputSince(lines, 1_002_500)).toEqual({ unit: "rounds", perSecond: 10 }));
  it("is not known of a few seconds", () => expect(throughputSince(lines, 1_005_500)).toBeUndefined());
  it("is nothing where nothing was done", () =>
    expect(
      throughputSince(
        lines.map((line) => ({ ...line, operations: 0 })),
        0,
      ),
    ).toMatchObject({ perSecond: 0 }));
});
