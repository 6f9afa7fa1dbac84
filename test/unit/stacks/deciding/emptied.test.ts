import { describe, expect, it } from "vitest";
import { decide } from "../../../../placement/decision.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../../stacks/config.ts";
import { emptiedBy } from "../../../../stacks/deciding/emptied.ts";
import { inputsOf } from "../../../../stacks/deciding/inputs-of.ts";
import type { PastStack } from "../../../../stacks/past.ts";
import { planStack } from "../../../../stacks/plan.ts";
import { labInput, metalInput } from "../../helpers/config-stack.ts";

const names = ["host1", "host2", "host3"];
const guests = [{ name: "vm1", memoryMiB: 512 }];
const now = Date.parse("2026-03-01T12:00:00.000Z");

/** Hosts that go off, or stay so, where one small guest is on host1. */
function goingOff(
  input: StackInput,
  areOff: readonly string[] = [],
  switchings: PastStack["switchings"] = {},
): string[] {
  const config = parseStackConfig(input, "lab");
  const { policy } = config;
  if (policy === undefined) throw new Error("it has one");
  const inputs = inputsOf(
    config,
    policy,
    planStack(config, "lab"),
    { guests: [], switchings },
    {
      memoryMiB: Object.fromEntries(names.map((name) => [name, 8192])),
      homes: { vm1: "host1" },
      records: [],
      ms: now,
    },
  );
  const off = emptiedBy({ inputs, outcome: decide(inputs) }, config, areOff);
  return off.map(({ host }) => host);
}
const lab = (policy: StackInput["policy"], more: Partial<StackInput> = {}) =>
  labInput({ hosts: names.map((name) => ({ name })), guests, placement: {}, policy, ...more });
const consolidate = { kind: "consolidate" } as const;

describe("hosts that consolidate leaves without guests", () => {
  it("go off, and no others do", () => {
    expect(goingOff(lab(consolidate))).toEqual(["host2", "host3"]);
    expect(goingOff(lab({ kind: "balance" }))).toEqual([]);
  });

  it("stay on as far as so many are to, those first that are on", () => {
    const two = { ...consolidate, consolidate: { keepOn: 2 } };
    expect(goingOff(lab(two))).toEqual(["host2"]);
    expect(goingOff(lab(two), ["host3"])).toEqual(["host3"]);
    expect(goingOff(lab({ ...consolidate, consolidate: { keepOn: 3 } }))).toEqual([]);
  });

  it("stay on where they were switched on a short while ago", () => {
    const on = (minutesAgo: number) => ({
      host3: { desired: "on" as const, since: new Date(now - minutesAgo * 60_000).toISOString() },
    });
    expect(goingOff(lab(consolidate), [], on(14))).toEqual(["host2"]);
    expect(goingOff(lab(consolidate), [], on(15))).toEqual(["host2", "host3"]);
    expect(goingOff(lab({ ...consolidate, restMinutes: 0 }), [], on(1))).toEqual(["host2", "host3"]);
    // It is one of those that are to stay on anyway.
    expect(goingOff(lab({ ...consolidate, consolidate: { keepOn: 2 } }), [], on(1))).toEqual(["host2"]);
  });

  it("stay off where they are, resting or not", () => {
    const since = new Date(now - 60_000).toISOString();
    const off = {
      host2: { desired: "off" as const, since, reason: "policy consolidate leaves it without guests" },
    };
    expect(goingOff(lab(consolidate), ["host2"], off)).toEqual(["host2", "host3"]);
    expect(goingOff(lab({ kind: "balance" }), ["host2"], off)).toEqual([]);
  });

  it("stay as they are where somebody drained them, or they are lost", () => {
    expect(goingOff(lab(consolidate, { drain: ["host2"] }))).toEqual(["host3"]);
    expect(goingOff(lab(consolidate, { lost: ["host3"] }))).toEqual(["host2"]);
  });

  it("stay on where nothing is declared that switches them off and on again", () => {
    const machine = (name: string, at: number, power = {}) => ({ name, address: `192.0.2.${at}`, ...power });
    const both = { power: { off: "poweroff", on: "wake" } };
    const metal = metalInput({
      hosts: [
        machine("host1", 11),
        machine("host2", 12, both),
        machine("host3", 13, { power: { idleW: 90 } }),
      ],
      guests,
      placement: {},
      policy: consolidate,
    });
    expect(goingOff(metal)).toEqual(["host2"]);
  });
});
