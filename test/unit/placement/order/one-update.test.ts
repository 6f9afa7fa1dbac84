import { describe, expect, it } from "vitest";
import { oneUpdate } from "../../../../placement/order/one-update.ts";
import { balance } from "../../../../placement/policies/balance.ts";
import type { Proposal, ProposedStep } from "../../../../placement/terms/policy.ts";
import { leftText } from "../../../../placement/terms/reason.ts";

const { before, after } = balance()({
  hosts: [{ name: "a", memoryMiB: 4096, isDrained: false }],
  guests: [],
}) as Proposal;
const amounts = { memory: 0, vcpus: 0, cpu: 0 };
const step = (
  guest: string,
  from: string,
  to: string,
  waits: number[] = [],
  isDetour = false,
): ProposedStep => ({
  guest,
  from,
  to,
  after: waits,
  isDetour,
  reason: { kind: "balanced", host: from },
  gain: {
    imbalance: { before: 0, after: 0 },
    from: { before: amounts, after: amounts },
    to: { before: amounts, after: amounts },
  },
});
const proposal = (moves: ProposedStep[], places: Record<string, string>): Proposal => ({
  isFeasible: true,
  places: Object.fromEntries(Object.entries(places).map(([guest, host]) => [guest, { host }])),
  moves,
  left: [],
  before,
  after,
});

describe("what one update can do", () => {
  it("is all, if each guest moves once", () => {
    const all = proposal([step("x", "a", "b"), step("y", "b", "c", [0])], { x: "b", y: "c" });
    expect(oneUpdate(all)).toBe(all);
  });

  it("takes a guest that goes round to the third host, and leaves what waits for the rest of its way", () => {
    const all = proposal(
      [
        step("x", "a", "c", [], true),
        step("y", "b", "a", [0]),
        step("x", "c", "b", [0, 1]),
        step("z", "d", "c", [2]),
        step("w", "d", "e"),
      ],
      { x: "b", y: "a", z: "c", w: "e", v: "d" },
    );
    const { moves, places, left } = oneUpdate(all);
    expect(moves.map(({ guest, to, after: waits }) => [guest, to, waits])).toEqual([
      ["x", "c", []],
      ["y", "a", [0]],
      ["w", "e", []],
    ]);
    expect(Object.fromEntries(Object.entries(places).map(([guest, { host }]) => [guest, host]))).toEqual({
      x: "c",
      y: "a",
      z: "d",
      w: "e",
      v: "d",
    });
    expect(left.map(leftText)).toEqual([
      "x (goes on from c to b with the next update)",
      "z (has room on c once x has gone on, with the next update)",
    ]);
  });
});
