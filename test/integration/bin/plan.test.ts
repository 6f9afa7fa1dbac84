import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { clusterFrom } from "../../../bin/plan-data.ts";
import { balance } from "../../../placement/policies/balance.ts";
import { consolidate } from "../../../placement/policies/consolidate.ts";
import { proposalText } from "../../../placement/proposal-text.ts";

const host = (name: string, gib: number) => ({ name, memoryMiB: gib * 1024, reserveMiB: 0 });
const guest = (name: string, host: string, gib: number) => ({ name, host, memoryMiB: gib * 1024 });
const uneven = JSON.stringify({
  hosts: [host("h1", 16), host("h2", 16)],
  guests: [guest("a", "h1", 4), guest("b", "h1", 4), guest("c", "h1", 2)],
});

describe("a plan's data", () => {
  it("is a cluster, whose hosts are in use if nothing else is said", () => {
    const { hosts, guests } = clusterFrom(uneven, "file");
    expect(hosts[0]).toEqual({ ...host("h1", 16), isDrained: false });
    expect(guests).toHaveLength(3);
  });

  it("is refused with all its mistakes at once", () => {
    const text = JSON.stringify({
      hosts: [host("h1", 0), { ...host("h1", 8), cpu: 4 }],
      guests: [{ name: "a", host: "h1", memoryMiB: "much" }],
      rules: [{ name: "r", kind: "apart", guests: [] }],
    });
    const mistakes = [
      /^file does not say a cluster/,
      /hosts\[0\]\.memoryMiB: /,
      /hosts\[1\]: .*"cpu"/,
      /hosts\[1\]\.name: h1 is there twice/,
      /guests\[0\]\.memoryMiB: /,
      /rules\[0\]\.isFirm: /,
      /rules\[0\]\.guests: /,
    ];
    for (const mistake of mistakes) expect(() => clusterFrom(text, "file")).toThrow(mistake);
    expect(() => clusterFrom("{", "file")).toThrow(/^file is not JSON: /);
  });
});

describe("a plan in words", () => {
  it("says each move, why, and what it gains", () => {
    const cluster = clusterFrom(uneven, "file");
    expect(proposalText("balance", cluster, balance()(cluster))).toBe(
      [
        "policy balance: 1 move, 4 GiB; imbalance 0.313, would be 0.063; one host may be lost: yes → yes",
        "  a  h1 → h2  4 GiB  evens out hosts: h1 has more to do than others; h1: memory 63 % → 38 %; imbalance 0.313 → 0.063",
      ].join("\n"),
    );
    expect(proposalText("consolidate", cluster, consolidate()(cluster))).toMatch(/without guests then: h2$/);
  });

  it("says why a cluster can't be as it must", () => {
    const text = JSON.stringify({ hosts: [host("h1", 16)], guests: [guest("a", "h7", 4)] });
    const cluster = clusterFrom(text, "file");
    expect(proposalText("balance", cluster, balance()(cluster))).toContain("placement of a names host h7");
  });
});

describe("npm run plan", () => {
  const plan = (args: readonly string[], input: string) =>
    execa(process.execPath, ["bin/plan.ts", ...args], { input, reject: false });

  it("leaves a host that is to be drained, and says so in JSON", async () => {
    const { stdout, exitCode } = await plan(
      ["--data", "-", "--policy", "evacuate", "--drain", "h1", "--json"],
      uneven,
    );
    expect(exitCode).toBe(0);
    const { places } = JSON.parse(stdout) as { places: Record<string, { host: string }> };
    expect(Object.values(places).map(({ host }) => host)).toEqual(["h2", "h2", "h2"]);
  });

  it.each([
    [["--data", "-", "--policy", "best"], 2, "Allowed choices are balance, consolidate, evacuate"],
    [["--data", "-", "--max-moves", "few"], 2, "It takes a whole number"],
    [["--data", "-", "--policy", "evacuate", "--max-gib", "3"], 2, "are for the policy balance"],
    [["--data", "-", "lab"], 2, "Say one stack, or --data"],
    [["--data", "-", "--drain", "h7"], 1, "there is no host h7"],
  ])("refuses %j", async (args, code, message) => {
    const { stderr, stdout, exitCode } = await plan(args, uneven);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: code });
    expect(stderr).toContain(message);
  });

  it("fails where guests find no place", async () => {
    const { stdout, exitCode } = await plan(["--data", "-", "--drain", "h1,h2"], uneven);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("no place for a");
  });
});
