import { describe, expect, it } from "vitest";
import type { StackInput } from "../../../../stacks/config.ts";
import { labInput, mistakesIn } from "../../helpers/config-stack.ts";

type Rules = NonNullable<StackInput["affinity"]>;

const guests = ["vm1", "vm2", "vm3"].map((name) => ({ name }));
const said = (affinity: Rules, more: Partial<StackInput> = {}) =>
  mistakesIn(labInput({ guests, placement: {}, policy: { kind: "balance" }, affinity, ...more })).map(
    ({ path, problem, fix }) => `${path}: ${problem}; ${fix}`,
  );

describe("rules about where guests run", () => {
  it.each<[string, Rules, Partial<StackInput>?]>([
    ["apart", [{ name: "a", apart: ["vm1", "vm2"] }]],
    ["together", [{ name: "a", together: ["vm1", "vm2", "vm3"] }]],
    ["on", [{ name: "a", guests: ["vm1"], on: ["host1"] }]],
    [
      "more apart than there are hosts, if it is only wished",
      [{ name: "a", apart: ["vm1", "vm2", "vm3"], firm: false }],
    ],
    [
      "a pin that keeps it",
      [{ name: "a", apart: ["vm1", "vm2"] }],
      { placement: { vm1: "host1", vm2: "host2" } },
    ],
    [
      "a pin against what is only wished",
      [{ name: "a", guests: ["vm1"], on: ["host1"], firm: false }],
      { placement: { vm1: "host2" } },
    ],
    [
      "a pin to a drained host, which does not hold",
      [{ name: "a", guests: ["vm1"], on: ["host1"] }],
      { placement: { vm1: "host2" }, drain: ["host2"] },
    ],
    [
      "rules without any policy, while all guests are placed",
      [{ name: "a", apart: ["vm1", "vm2"] }],
      { policy: undefined, placement: { vm1: "host1", vm2: "host2", vm3: "host1" } },
    ],
  ])("may be %s", (_, rules, more) => expect(said(rules, more)).toEqual([]));

  it.each<[string, Rules, string[], Partial<StackInput>?]>([
    [
      "nothing",
      [{ name: "a" }],
      ["testbed:affinity[0]: says nothing about its guests; give one of apart, together, or on with guests"],
    ],
    [
      "two things",
      [{ name: "a", apart: ["vm1", "vm2"], together: ["vm1", "vm2"] }],
      [
        "testbed:affinity[0]: says apart and together at once; give one of apart, together, or on with guests",
      ],
    ],
    [
      "on without guests",
      [{ name: "a", on: ["host1"] }],
      ["testbed:affinity[0]: names no guests; name its guests in guests"],
    ],
    [
      "guests beside what names them",
      [{ name: "a", apart: ["vm1", "vm2"], guests: ["vm3"] }],
      ["testbed:affinity[0]: has guests beside it; name its guests in apart; guests goes with on"],
    ],
    [
      "one guest",
      [{ name: "a", apart: ["vm1"] }],
      ["testbed:affinity[0].apart: vm1 is alone in it; name two guests or more"],
    ],
    [
      "a name twice",
      [
        { name: "a", apart: ["vm1", "vm2"] },
        { name: "a", apart: ["vm1", "vm3"] },
      ],
      ['testbed:affinity[1].name: there is another rule "a"; give each a name of its own'],
    ],
    [
      "guests and hosts that are not there",
      [
        { name: "a", apart: ["vm1", "vm9"] },
        { name: "b", guests: ["vm8"], on: ["host9"] },
      ],
      [
        'testbed:affinity[0].apart: there is no guest "vm9"; guests are vm1, vm2 and vm3',
        'testbed:affinity[1].guests: there is no guest "vm8"; guests are vm1, vm2 and vm3',
        'testbed:affinity[1].on: there is no host "host9"; hosts are host1 and host2',
      ],
    ],
    [
      "more apart than there are hosts",
      [{ name: "a", apart: ["vm1", "vm2", "vm3"] }],
      [
        "testbed:affinity[0].apart: 3 guests are to be on different hosts, and there are 2 for guests; have 3 hosts that are not drained, take guests out, or set firm to false",
      ],
    ],
    [
      "apart what others put together, by one more between them",
      [
        { name: "a", together: ["vm1", "vm2"] },
        { name: "b", together: ["vm2", "vm3"] },
        { name: "c", apart: ["vm1", "vm3"] },
      ],
      [
        "testbed:affinity[2]: rule c and rule a and rule b contradict each other for vm1 and vm3; take one of them back, or set its firm to false",
      ],
    ],
    [
      "two hosts for one guest",
      [
        { name: "a", guests: ["vm1", "vm2"], on: ["host1"] },
        { name: "b", guests: ["vm1"], on: ["host2"] },
      ],
      [
        "testbed:affinity[1]: rule b and rule a contradict each other for vm1; take one of them back, or set its firm to false",
      ],
    ],
    [
      "what placements speak against",
      [
        { name: "a", apart: ["vm1", "vm2"] },
        { name: "b", together: ["vm1", "vm3"] },
        { name: "c", guests: ["vm1"], on: ["host2"] },
      ],
      [
        "testbed:affinity[0]: rule a wants vm1 and vm2 on different hosts, and testbed:placement has vm1 on host1 and vm2 on host1; change one of the two, or set firm to false",
        "testbed:affinity[1]: rule b wants vm1 and vm3 on one host, and testbed:placement has vm1 on host1 and vm3 on host2; change one of the two, or set firm to false",
        "testbed:affinity[2]: rule c wants vm1 on host2, and testbed:placement has vm1 on host1; change one of the two, or set firm to false",
      ],
      { placement: { vm1: "host1", vm2: "host1", vm3: "host2" } },
    ],
  ])("may not be %s", (_, rules, expected, more) => expect(said(rules, more)).toEqual(expected));

  it("do not hide other mistakes, whatever is wrong with them", () => {
    const wrong = [
      null,
      { apart: "vm1" },
      { name: 3, together: [1, "vm1"], on: null },
      "x",
    ] as unknown as Rules;
    expect(said(wrong, { drain: ["host9"] })).toContain(
      'testbed:drain[0]: there is no host "host9"; hosts are host1 and host2',
    );
  });
});

describe("a guest without a placement", () => {
  it("is the policy's, where there is one that finds hosts", () => {
    expect(said([])).toEqual([]);
    expect(said([], { policy: { kind: "consolidate" } })).toEqual([]);
  });

  it("is a mistake, where there is none", () => {
    for (const policy of [undefined, {}, { kind: "pinned" as const }])
      expect(said([], { policy, placement: { vm1: "host1", vm2: "host1" } })).toEqual([
        'testbed:placement: guest "vm3" has no host; add the line "vm3: host1"; hosts are host1 and host2; or let policy.kind balance find one',
      ]);
  });
});
