import { expect, test } from "vitest";
import type { StackInput } from "../../stacks/config.ts";
import { parseStackConfig } from "../../stacks/parse.ts";
import type { Past } from "../../stacks/past.ts";
import { planStack } from "../../stacks/plan.ts";
import { checkWorkloads } from "../../stacks/workload-changes.ts";
import { labInput } from "./config-stack.ts";

type Said = NonNullable<StackInput["guests"][number]["workload"]>;

const changes = (before: unknown, now: Said) => {
  const past: Past = {
    guests: [{ name: "vm2", uuid: "u", host: "host1", programs: [], workload: before }],
    hosts: {},
  };
  const input = labInput({ guests: [{ name: "vm1" }, { name: "vm2", workload: now }] });
  return checkWorkloads(past, planStack(parseStackConfig(input, "lab"), "lab"));
};

test("a guest keeps the workload that it was made with", () => {
  const disk = { type: "disk", mibPerSecond: 1 } as const;
  expect(changes(disk, disk)).toEqual([]);
  expect(changes({ type: "python", workingSetMiB: 64 }, { type: "python" })).toEqual([]);
  expect(changes({ type: "python" }, { type: "python", workingSetMiB: 64 })).toEqual([]);
  const [mistake] = changes({ type: "idle" }, disk);
  expect(mistake).toMatchObject({
    path: "testbed:guests[1].workload",
    problem: "vm2 was made with {type: idle}, and a guest gets its workload at its first boot",
  });
  expect(changes(disk, { ...disk, mibPerSecond: 2 })).toHaveLength(1);
});

test("what is not known of a guest's past is not held against it", () => {
  expect(changes(undefined, { type: "cpu" })).toEqual([]);
});
