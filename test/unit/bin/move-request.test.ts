import { describe, expect, it } from "vitest";
import { settingsFor } from "../../../bin/move-request.ts";
import type { PrintedConfig } from "../../../bin/printed-config.ts";

const printed = (config: Record<string, unknown>): PrintedConfig =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`testbed:${key}`, { value: JSON.stringify(value) }]),
  );

const config = printed({
  hosts: [{ name: "host1" }, { name: "host2" }, { name: "host3" }],
  guests: [{ name: "vm1" }, { name: "vm2", migration: { mode: "cold" } }],
  placement: { vm1: "host1", vm2: "host2" },
});
const settings = (words: string, mode?: string) =>
  settingsFor(words.split(" ").filter(Boolean), mode, config);

describe("a move that is asked for", () => {
  it("is a line of the config", () => {
    expect(settings("vm1 host2")).toEqual([{ path: "placement.vm1", value: "host2", before: "host1" }]);
  });

  it("is one for each guest, and another for how it moves", () => {
    expect(settings("vm1 host2 vm2 host3", "cold")).toEqual([
      { path: "placement.vm1", value: "host2", before: "host1" },
      { path: "guests[0].migration.mode", value: "cold" },
      { path: "placement.vm2", value: "host3", before: "host2" },
    ]);
  });

  it("changes nothing that is so already", () => {
    expect(settings("vm1 host1 vm2 host2", undefined)).toEqual([]);
    expect(settings("vm2 host2", "cold")).toEqual([]);
  });

  it.each([
    ["", undefined, "name a guest and the host that it is to run on"],
    ["vm1", undefined, "name a guest and the host that it is to run on"],
    ["vm1 host2 vm2", undefined, "name a guest and the host that it is to run on"],
    ["vm3 host2", undefined, "there is no guest vm3"],
    ["host2 vm1", undefined, "there is no guest host2"],
    ["vm1 hosst2", undefined, "there is no host hosst2"],
    ["vm1 __proto__", undefined, "there is no host __proto__"],
    ["constructor host1", undefined, "there is no guest constructor"],
    ["vm1 host2", "lively", "there is no mode lively"],
    ["vm1 host2 vm1 host3", undefined, "vm1 cannot go to two hosts"],
  ])("is refused where it cannot be meant: %s (%s)", (words, mode, problem) => {
    expect(() => settings(words, mode)).toThrow(problem);
  });
});
