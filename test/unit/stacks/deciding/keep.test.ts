import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balance } from "../../../../placement/policies/balance.ts";
import type { Proposal } from "../../../../placement/terms/policy.ts";
import { actOf, type KeeperLook, silencesAfter } from "../../../../stacks/deciding/keep.ts";

const host = (name: string) => ({ name, memoryMiB: 16_384, isDrained: false });
const crowded = balance()({
  hosts: [host("h1"), host("h2")],
  guests: ["a", "b"].map((name) => ({ name, host: "h1", memoryMiB: 4096 })),
});
const even = balance()({ hosts: [host("h1"), host("h2")], guests: [] });
const look = (more: Partial<KeeperLook> = {}): KeeperLook => ({
  silent: [],
  outcome: even,
  toSwitch: [],
  ...more,
});

describe("a keeper", () => {
  it("does nothing while nothing is to be done", () => {
    expect(actOf(look(), {}, 3)).toEqual({ do: "nothing", why: "imbalance 0.000" });
  });

  it("runs an update when the policy wants guests elsewhere", () => {
    expect(actOf(look({ outcome: crowded }), {}, 3)).toEqual({
      do: "up",
      why: "a h1 → h2; imbalance 0.250 → 0.000",
    });
  });

  it("runs an update when hosts are to be switched", () => {
    expect(actOf(look({ toSwitch: ["h2"] }), {}, 3)).toEqual({ do: "up", why: "h2 is to be switched" });
  });

  it("does nothing about guests that can't be where they must, and says so", () => {
    const problems = [{ kind: "unmeasured" as const, host: "h1" }];
    expect(actOf(look({ outcome: { isFeasible: false, problems } }), {}, 3)).toMatchObject({
      do: "nothing",
      why: expect.stringContaining("memory of h1 is not known"),
    });
  });

  it("takes a host for lost once it was silent so often in a row, and decides nothing else meanwhile", () => {
    const { outcome: _, ...blind } = look({ silent: ["h2"] });
    let silences: Record<string, number> = {};
    const acts = [1, 2, 3].map(() => {
      silences = silencesAfter(silences, ["h2"]);
      return actOf(blind, silences, 3);
    });
    expect(acts).toEqual([
      { do: "nothing", why: "h2 does not answer (1 of 3)" },
      { do: "nothing", why: "h2 does not answer (2 of 3)" },
      { do: "lose", hosts: ["h2"], why: "h2 does not answer (3 of 3)" },
    ]);
  });

  it("never takes a host for lost that answered within so many looks", () => {
    const looks = fc.array(fc.subarray(["h1", "h2", "h3"]), { maxLength: 30 });
    fc.assert(
      fc.property(looks, fc.integer({ min: 1, max: 4 }), (all, most) => {
        let silences: Record<string, number> = {};
        for (const [at, silent] of all.entries()) {
          silences = silencesAfter(silences, silent);
          const act = actOf({ silent, outcome: crowded as Proposal, toSwitch: [] }, silences, most);
          const gone = ["h1", "h2", "h3"].filter(
            (name) => at + 1 >= most && all.slice(at + 1 - most, at + 1).every((each) => each.includes(name)),
          );
          expect(act.do === "lose" ? act.hosts : []).toEqual(gone);
          if (silent.length > 0) expect(act.do).not.toBe("up");
        }
      }),
    );
  });
});
