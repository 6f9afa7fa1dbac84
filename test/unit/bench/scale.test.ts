import { expect, test } from "vitest";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import { planStack } from "../../../stacks/plan.ts";
import { defaultSizes, phases, type ScaleSample, scaleConfig } from "../../bench/scale.ts";
import { scaleTables } from "../../bench/scale-tables.ts";

const run = (wallMs: number) => ({
  ...{ wallMs, cpuMs: wallMs, peakMiB: 100 },
  ...{ sshProcesses: 5, connections: 3, commands: 7 },
});
const sample = (hosts: number, guests: number, wallMs: number): ScaleSample => ({
  hosts,
  guests,
  resources: guests * 4,
  stateBytes: guests * 10_000,
  phases: Object.fromEntries(phases.map((phase) => [phase, run(wallMs)])) as ScaleSample["phases"],
  asMany: run(wallMs / 2),
  load: 0.1,
});
const line = (text: string, start: string) =>
  text
    .split("\n")
    .filter((each) => each.includes(start))
    .map((each) => each.split("│").map((cell) => cell.trim()));

test("a line through the sizes says what a hundred guests more take", () => {
  const text = scaleTables([sample(2, 10, 11_000), sample(5, 50, 15_000), sample(10, 100, 20_000)]);
  expect(line(text, "up unchanged")[0]).toEqual(["", "up unchanged", "11.0", "15.0", "20.0", "10.0", ""]);
  expect(line(text, "state, kB")[0]).toEqual(["", "state, kB", "100", "500", "1000", "1000.0", ""]);
  expect(line(text, "unchanged / as many")[0]?.slice(2, 5)).toEqual(["2.00", "2.00", "2.00"]);
});

test("one size has no slope, and a phase that was not reached no figure", () => {
  const { destroy: _, ...reached } = sample(2, 10, 11_000).phases;
  const text = scaleTables([{ ...sample(2, 10, 11_000), phases: reached as ScaleSample["phases"] }]);
  expect(line(text, "up unchanged")[0]).toEqual(["", "up unchanged", "11.0", "–", ""]);
  expect(line(text, "destroy")[0]).toEqual(["", "destroy", "–", "–", ""]);
});

test.each(defaultSizes)("a lab of $hosts hosts and $guests guests is one that can be declared", (size) => {
  const { hosts, guests } = planStack(parseStackConfig(scaleConfig(size), "scale"), "scale");
  expect([hosts.length, guests.length]).toEqual([size.hosts, size.guests]);
  expect(guests.filter(({ network }) => network)).toEqual([]);
});
