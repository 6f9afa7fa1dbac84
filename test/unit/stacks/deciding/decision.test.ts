import { describe, expect, it } from "vitest";
import { type DecisionInputs, decide, type PlacementDecision } from "../../../../placement/decision.ts";
import type { Proposal } from "../../../../placement/terms/policy.ts";
import { leftText, problemText, reasonText } from "../../../../placement/terms/reason.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import {
  closedOf,
  clusterOf,
  newcomersOf,
  policyOf,
  policySettings,
  type Situation,
} from "../../../../stacks/cluster-of.ts";
import type { StackInput } from "../../../../stacks/config.ts";
import { digestOf } from "../../../../stacks/deciding/digest.ts";
import { placesOf, problemsOf } from "../../../../stacks/deciding/places.ts";
import { whyStale } from "../../../../stacks/deciding/stale.ts";
import { labInput } from "../../helpers/config-stack.ts";

const gib = 1024;
const three = ["host1", "host2", "host3"];
const sized = (...each: number[]) =>
  Object.fromEntries(three.map((name, at) => [name, (each[at] ?? 16) * gib]));

function config(guests: Record<string, number>, more: Partial<StackInput> = {}) {
  const input = labInput({
    hosts: three.map((name) => ({ name })),
    guests: Object.entries(guests).map(([name, size]) => ({ name, memoryMiB: size * gib })),
    placement: {},
    policy: { kind: "balance" },
    ...more,
  });
  return parseStackConfig(input, "lab");
}

function inputsOf(
  stack: ReturnType<typeof config>,
  situation: Situation,
  more: Partial<DecisionInputs> = {},
): DecisionInputs {
  const policy = policyOf(stack);
  if (policy === undefined) throw new Error("no policy");
  return {
    kind: policy.kind,
    cluster: clusterOf(stack, { memoryMiB: sized(), ...situation }),
    newcomers: newcomersOf(stack, situation),
    assumed: [],
    closed: {},
    overSlo: {},
    rests: {},
    hostRests: {},
    settings: policySettings(policy),
    perHost: 2,
    maxMs: policy.maxMinutes * 60_000,
    ...more,
  };
}

function proposed(inputs: DecisionInputs): Proposal {
  const outcome = decide(inputs);
  if (!outcome.isFeasible) throw new Error(outcome.problems.map(problemText).join("\n"));
  return outcome;
}
const movesOf = (outcome: Proposal) => outcome.moves.map(({ guest, to }) => `${guest} > ${to}`);
const crowded = { a: 4, b: 4, c: 2, d: 2 };
const atHost1 = { a: "host1", b: "host1", c: "host1", d: "host1" };

describe("a decision", () => {
  it("moves guests that have no placement, and no others", () => {
    const free = proposed(inputsOf(config(crowded), { homes: atHost1 }));
    expect(free.moves.length).toBeGreaterThan(1);
    const { a: _, b: __, ...others } = atHost1;
    const pinned = config(crowded, { placement: { a: "host1", b: "host1" } });
    expect(movesOf(proposed(inputsOf(pinned, { homes: others })))).toEqual(["c > host2", "d > host3"]);
    const fixed = config(crowded);
    for (const guest of fixed.guests) guest.fixed = true;
    expect(movesOf(proposed(inputsOf(fixed, { homes: atHost1 })))).toEqual([]);
  });

  it("finds hosts for guests that are not there yet, without moving others for them", () => {
    const outcome = proposed(inputsOf(config(crowded), { homes: {} }));
    expect(outcome.moves).toEqual([]);
    const hosts = Object.values(outcome.places);
    expect(new Set(hosts.map(({ host }) => host))).toEqual(new Set(three));
    expect(hosts.map(({ reason }) => reason && reasonText(reason))).toEqual(["new", "new", "new", "new"]);
    const one = proposed(
      inputsOf(
        config(
          { ...crowded, e: 8 },
          { policy: { kind: "pinned" }, placement: atHost1Placed({ e: "host1" }) },
        ),
        {},
      ),
    );
    expect(one.places.e).toEqual({ host: "host1" });
  });

  it("says who has no room, with what there is", () => {
    const outcome = decide(
      inputsOf(config({ ...crowded, e: 14 }), { memoryMiB: sized(14, 10, 8), homes: atHost1 }),
    );
    expect(problemsOf(outcome)).toEqual([
      {
        path: "testbed:policy",
        problem:
          "no place for e (14336 MiB): host1 has 1536 MiB left, host2 has 9728 MiB left, host3 has 7680 MiB left",
        fix: "free 4608 MiB on host2, or give it less memory",
      },
    ]);
  });

  it("leaves guests where they are that were moved a short while ago, unless they must move", () => {
    const rests = Object.fromEntries(
      ["a", "b", "c", "d"].map((name) => [name, { movedMinutesAgo: 3, until: "2026-03-01T12:12Z" }]),
    );
    const stack = config(crowded);
    const calm = proposed(inputsOf(stack, { homes: atHost1 }, { rests }));
    expect(movesOf(calm)).toEqual([]);
    expect(calm.left.map(leftText)).toContain("a (moved 3 minutes ago, rests until 2026-03-01T12:12Z)");
    const ruled = config(crowded, { affinity: [{ name: "two", apart: ["a", "b"] }] });
    expect(proposed(inputsOf(ruled, { homes: atHost1 }, { rests })).moves.length).toBeGreaterThan(0);
    const drained = config(crowded, { drain: ["host1"] });
    expect(proposed(inputsOf(drained, { homes: atHost1 }, { rests })).moves).toHaveLength(4);
    const full = inputsOf(stack, { homes: atHost1, memoryMiB: sized(12) }, { rests });
    expect(proposed(full).moves.length).toBeGreaterThan(0);
  });

  describe("with hosts that were switched a short while ago", () => {
    const until = "2026-03-01T12:12Z";
    const policy = { kind: "consolidate" as const };
    const off = { hostRests: { host3: { state: "off" as const, until } } };

    it("leaves one off, and says so", () => {
      // Two of them could be apart on host3 alone.
      const stack = config(
        { a: 4, b: 4 },
        { policy, affinity: [{ name: "two", apart: ["a", "b"], firm: false }] },
      );
      const situation = { homes: { a: "host1", b: "host1" }, memoryMiB: sized(16, 4, 16) };
      const hostsOf = (more: Partial<DecisionInputs>) =>
        Object.values(proposed(inputsOf(stack, situation, more)).places).map(({ host }) => host);
      expect(hostsOf({})).toContain("host3");
      expect(hostsOf(off)).toEqual(["host1", "host1"]);
      expect(proposed(inputsOf(stack, situation, off)).left.map(leftText)).toEqual([
        `host3 (was switched off, and stays so until ${until})`,
      ]);
    });

    it("places no new guest there", () => {
      const stack = config({ a: 4, b: 4, n: 4 }, { policy });
      const situation = { homes: { a: "host1", b: "host2" }, memoryMiB: sized(16, 16, 64) };
      expect(proposed(inputsOf(stack, situation)).places.n).toMatchObject({ host: "host3" });
      expect(proposed(inputsOf(stack, situation, off)).places.n?.host).not.toBe("host3");
    });

    it("needs one all the same where a guest has no other place, or a firm rule none", () => {
      const stack = config({ a: 12, b: 12, n: 12 }, { policy });
      const full = inputsOf(stack, { homes: { a: "host1", b: "host2" } }, off);
      expect(proposed(full).places.n).toMatchObject({ host: "host3" });
      expect(proposed(full).left).toEqual([]);
      const ruled = config(
        { a: 4, b: 4 },
        { policy, affinity: [{ name: "x", guests: ["a"], on: ["host3"] }] },
      );
      const { places } = proposed(inputsOf(ruled, { homes: { a: "host1", b: "host1" } }, off));
      expect(places.a).toMatchObject({ host: "host3" });
    });

    it("counts on one where a guest is, or is placed", () => {
      const stack = config({ a: 4, b: 4 }, { policy, placement: { b: "host3" } });
      const { places, left } = proposed(inputsOf(stack, { homes: { a: "host3" } }, off));
      expect(places).toEqual({ a: { host: "host3" }, b: { host: "host3" } });
      expect(left).toEqual([]);
    });

    it("empties none that was switched on, and says so", () => {
      const stack = config({ a: 4, b: 4 }, { policy });
      const homes = { a: "host1", b: "host2" };
      expect(proposed(inputsOf(stack, { homes })).moves).toHaveLength(1);
      const hostRests = Object.fromEntries(
        ["host1", "host2"].map((host) => [host, { state: "on" as const, until }]),
      );
      const rested = proposed(inputsOf(stack, { homes }, { hostRests }));
      expect(rested.moves).toEqual([]);
      expect(rested.left.map(leftText)).toContain(`host2 (was switched on, and stays so until ${until})`);
    });
  });

  it("leaves a guest whose move would cost more than it may, unless its host is drained, where the move is refused", () => {
    const overSlo = { a: "a downtime of 900 ms (migration.slo.maxDowntimeMs is 300)" };
    const { moves, left } = proposed(inputsOf(config(crowded), { homes: atHost1 }, { overSlo }));
    expect(moves.map(({ guest }) => guest)).not.toContain("a");
    expect(left.map(leftText)).toEqual([
      "a (its move would take a downtime of 900 ms (migration.slo.maxDowntimeMs is 300))",
    ]);
    const drained = proposed(
      inputsOf(config(crowded, { drain: ["host1"] }), { homes: atHost1 }, { overSlo }),
    );
    expect(drained.moves.map(({ guest }) => guest)).toContain("a");
    expect(drained.left).toEqual([]);
  });

  it("says of a host that is lost, or is to be off, that it is", () => {
    for (const [kind, text] of [
      ["lost", "host1 is lost"],
      ["off", "host1 is to be off"],
    ] as const) {
      const stack = config(crowded, { [kind]: ["host1"] });
      const outcome = proposed(inputsOf(stack, { homes: atHost1 }, { closed: closedOf(stack) }));
      expect(new Set(outcome.moves.map(({ reason }) => reasonText(reason)))).toEqual(new Set([text]));
      expect(outcome.places.a?.reason).toEqual({ kind, host: "host1" });
    }
  });

  it("makes no more moves than are over in time, but those that must be", () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`g${at}`, 1]));
    const homes = Object.fromEntries(Object.keys(many).map((name) => [name, "host1"]));
    const costs = Object.fromEntries(
      Object.keys(many).map((name) => [name, { totalMs: 60_000, downtimeMs: 100, converges: true }]),
    );
    const count = (maxMinutes: number, more: Partial<StackInput> = {}) =>
      proposed(inputsOf(config(many, { policy: { kind: "balance", maxMinutes }, ...more }), { homes, costs }))
        .moves.length;
    expect(count(60)).toBe(8);
    expect(count(2)).toBeLessThanOrEqual(4);
    expect(count(2)).toBeGreaterThan(0);
    expect(count(2, { drain: ["host1"] })).toBe(12);
  });

  it("is the same for the same inputs, and moves nothing once it is carried out", () => {
    const inputs = inputsOf(config(crowded), { homes: atHost1 });
    const first = proposed(inputs);
    expect(decide(structuredClone(inputs))).toEqual(first);
    const homes = Object.fromEntries(Object.entries(first.places).map(([name, { host }]) => [name, host]));
    expect(movesOf(proposed(inputsOf(config(crowded), { homes })))).toEqual([]);
  });

  it("says after whose moves a guest gets to its place", () => {
    const affinity = [
      { name: "x", guests: ["a"], on: ["host2"] },
      { name: "y", guests: ["b"], on: ["host3"] },
    ];
    const situation = { homes: { a: "host1", b: "host2" }, memoryMiB: sized(16, 14, 12) };
    const places = placesOf(proposed(inputsOf(config({ a: 10, b: 10 }, { affinity }), situation)));
    expect(places.a).toMatchObject({ host: "host2", after: ["b"], turn: 1 });
    expect(places.b).toMatchObject({ host: "host3", turn: 0 });
    expect(places.b).not.toHaveProperty("after");
  });
});

const atHost1Placed = (more: Record<string, string>) => ({ ...atHost1, ...more });

describe("a decision of a preview", () => {
  const stack = config(crowded);
  const at = "2026-03-01T12:00:00.000Z";
  const inputs = inputsOf(stack, { homes: atHost1 });
  const kept = JSON.parse(
    JSON.stringify({
      schema: 1,
      at,
      digest: digestOf(stack),
      inputs,
      outcome: decide(inputs),
    } satisfies PlacementDecision),
  ) as PlacementDecision;
  const now = { digest: digestOf(stack), homes: atHost1, ms: Date.parse(at) + 60_000, validMinutes: 10 };

  it("is good for the update", () => expect(whyStale(kept, now)).toBeUndefined());

  it("is not, once the config was changed", () => {
    expect(whyStale(kept, { ...now, digest: digestOf(config(crowded, { drain: ["host2"] })) })).toBe(
      "the stack's config was changed",
    );
  });

  it("is not, once a host is lost, is to be off, or has another size", () => {
    const lab = ["host1", "host2", "host3"].map((name) => ({ name }));
    const changes: Partial<StackInput>[] = [
      { lost: ["host2"] },
      { off: ["host2"] },
      { hosts: lab.map((host) => ({ ...host, memoryMiB: 4096 })) },
      { hosts: lab.map((host) => ({ ...host, reserveMiB: 1024 })) },
    ];
    for (const change of changes) expect(digestOf(config(crowded, change))).not.toBe(digestOf(stack));
  });

  it("is not, once a guest is elsewhere or came", () => {
    expect(whyStale(kept, { ...now, homes: { ...atHost1, c: "host2" } })).toBe("c was found on host2");
    const { d: _, ...fewer } = atHost1;
    const without = inputsOf(stack, { homes: fewer });
    const other = { ...kept, inputs: without, outcome: JSON.parse(JSON.stringify(decide(without))) };
    expect(whyStale(other, now)).toBe("d is there by now");
    expect(whyStale(other, { ...now, homes: fewer })).toBeUndefined();
  });

  it("is not, once it is old, nor if it is of the future", () => {
    expect(whyStale(kept, { ...now, ms: Date.parse(at) + 11 * 60_000 })).toBe(
      "the decision is 11 minutes old (policy.validMinutes is 10)",
    );
    expect(whyStale(kept, { ...now, ms: Date.parse(at) - 1000 })).toMatch(/minutes old/);
  });

  it("is not, if this program decides otherwise", () => {
    const other = structuredClone(kept);
    if (other.outcome.isFeasible) other.outcome.moves = [];
    expect(whyStale(other, now)).toBe("the program was changed");
  });

  it("does not depend on a display's password", () => {
    const secret = config(crowded);
    secret.guests[0] = { ...secret.guests[0], vnc: { password: "x" } } as (typeof secret.guests)[number];
    expect(digestOf(secret)).toBe(digestOf(stack));
  });
});
