import { describe, expect, it } from "vitest";
import { declaredWatts } from "../../../stacks/watts.ts";

const hosts = [
  { name: "h1", watts: { idleW: 100, peakW: 200 } },
  { name: "h2", watts: { idleW: 80 } },
  { name: "h3", watts: { idleW: 50, peakW: 90 } },
];
const use = (cpu: number) => ({ memory: 0.5, vcpus: 1, cpu });
const before = { hosts: { h1: use(0.2), h2: use(0.5), h3: use(0.25) } };
const after = { hosts: { h1: use(0.6), h2: use(0.5), h3: use(0) } };

describe("what hosts draw by what is declared", () => {
  it("is their idle watts and the busy share of the rest, of those that are on", () => {
    expect(declaredWatts(hosts, { before, after }, [], ["h3"])).toEqual({
      beforeW: 100 + 20 + 80 + 50 + 10,
      afterW: 100 + 60 + 80,
    });
    expect(declaredWatts(hosts, { before, after }, ["h3"], [])).toEqual({
      beforeW: 100 + 20 + 80,
      afterW: 100 + 60 + 80 + 50,
    });
  });

  it("is their idle watts where no load is known, and never more than the peak", () => {
    const none = { hosts: {} };
    expect(declaredWatts(hosts, { before: none, after: none }, [], [])?.beforeW).toBe(230);
    const full = { hosts: { h1: use(1.5) } };
    expect(declaredWatts(hosts, { before: full, after: none }, ["h2", "h3"], [])?.beforeW).toBe(200);
  });

  it("is not known where nothing is declared of a host that is on", () => {
    const some = [...hosts, { name: "h4" }];
    expect(declaredWatts(some, { before, after }, [], [])).toBeUndefined();
    expect(declaredWatts(some, { before, after }, ["h4"], ["h4"])).toBeDefined();
    expect(declaredWatts(some, { before, after }, ["h4"], [])).toBeUndefined();
  });
});
