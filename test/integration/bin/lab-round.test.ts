import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { checkStack, modeOf, modeToKeep, roundOf } from "../../../bin/lab-round.ts";

/** As `pulumi config --json` prints it. */
const printed = (config: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`testbed:${key}`, { value: JSON.stringify(value) }]),
  );
const hosts = [{ name: "host1" }, { name: "host2" }];
const placement = { vm1: "host2", vm2: "host1" };

describe("what moves, and between which hosts,", () => {
  test("is in the stack's config", () => {
    expect(roundOf(printed({ hosts, placement }), "lab", "vm1")).toEqual({
      first: "host1",
      second: "host2",
      placed: "host2",
    });
  });

  test.each([
    [{}, /Pulumi\.mine\.yaml has no hosts: name two/],
    [{ hosts: hosts.slice(1), placement }, /Pulumi\.mine\.yaml has one host: name two/],
    [{ hosts }, /places no guest vm3: .*those that you name under testbed:placement/],
    [{ hosts, placement }, /places no guest vm3: choose with --guest among vm1 and vm2/],
  ])("is said to be missing: %j", (config, why) => {
    expect(() => roundOf(printed(config), "mine", "vm3")).toThrow(why);
  });
});

describe("a stack without a file", () => {
  const files = ["Pulumi.lab.yaml", "Pulumi.metal.yaml", "config.ts"];

  test("is refused, and those that have one are named", () => {
    expect(() => checkStack("lab", files)).not.toThrow();
    expect(() => checkStack("labb", files)).toThrow(
      'there is no stacks/Pulumi.labb.yaml (did you mean "lab"?): choose with --stack among lab and metal',
    );
  });

  test("is refused before Pulumi is called", async () => {
    const lab = join(import.meta.dirname, "../../../bin/lab.ts");
    const { exitCode, all } = await execa(process.execPath, [lab, "up", "--stack", "no-such"], {
      reject: false,
      all: true,
    });
    expect(all).toMatch(
      /^error: there is no stacks\/Pulumi\.no-such\.yaml: choose with --stack among [^\n]*$/,
    );
    expect(exitCode).toBe(2);
  });
});

describe("the mode that the config has after the moves", () => {
  test("is the one that it had", () => {
    expect(modeToKeep(modeOf(printed({ migration: { mode: "postcopy" } })), undefined)).toBe("postcopy");
    expect(modeToKeep(modeOf(printed({ migration: { maxDowntimeMs: 300 } })), undefined)).toBeUndefined();
    expect(modeToKeep(modeOf({}), undefined)).toBeUndefined();
  });

  test("is the one from before a run that was interrupted", () => {
    expect(modeToKeep("offline", "live")).toBe("live");
    expect(modeToKeep("live", "postcopy")).toBe("postcopy");
    expect(modeToKeep("offline", "")).toBeUndefined();
  });

  test("is what a person has chosen since", () => {
    expect(modeToKeep("cold", "live")).toBe("cold");
  });
});
