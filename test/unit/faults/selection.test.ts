import { describe, expect, test } from "vitest";
import { cases } from "../../faults/cases.ts";
import { hostCaseName, hostCases } from "../../faults/host-cases.ts";
import { caseName, select, selectBy } from "../../faults/selection.ts";

const none: ReadonlySet<string> = new Set();

test("each case of a move that is struck by a fault has a name of its own", () => {
  expect(new Set(cases.map(caseName)).size).toBe(cases.length);
});

test("each case of a host that is switched or lost has one, too, and is chosen by it", () => {
  const names = hostCases.map(hostCaseName);
  expect(new Set([...names, ...cases.map(caseName)]).size).toBe(cases.length + hostCases.length);
  const only = "switched off, once it is off: Pulumi's CLI killed$";
  expect(selectBy(hostCaseName, hostCases, { only, seen: none })).toEqual([
    { act: "off", moment: "dark", fault: "cli" },
  ]);
});

describe("the cases that are run", () => {
  test("are all of them, unless something is said", () => {
    expect(select(cases, { seen: none })).toEqual(cases);
  });

  test("are those whose names fit", () => {
    const chosen = select(cases, { only: "^shared, live, tls, .*certificate", seen: none }).map(caseName);
    expect(chosen).toContain(
      "shared, live, tls, at its beforehand: the destination's certificate has expired",
    );
    for (const name of chosen) expect(name).toMatch(/^shared, live, tls, .*certificate/);
  });

  test("are each in one part", () => {
    const parts = ["1/3", "2/3", "3/3"].flatMap((part) => select(cases, { part, seen: none }));
    expect(parts).toHaveLength(cases.length);
    expect(new Set(parts)).toEqual(new Set(cases));
  });

  test("are not those that were seen, which change no part", () => {
    const before = select(cases, { part: "2/3", seen: none });
    const seen = new Set(before.slice(0, 5).map(caseName));
    expect(select(cases, { part: "2/3", seen })).toEqual(before.slice(5));
  });

  test.each(["0/3", "4/3", "1", "x"])("are not those of part %s", (part) => {
    expect(() => select(cases, { part, seen: none })).toThrow(`FAULTS_PART is "${part}"`);
  });

  test("are some", () => {
    expect(() => select(cases, { only: "no such fault", seen: none })).toThrow(
      `no case of ${cases.length} is called like FAULTS_ONLY, "no such fault"`,
    );
  });
});
