import { describe, expect, test } from "vitest";
import {
  firstKeys,
  type KeyGeneration,
  keyGenerationOf,
  keyGenerationType,
  keyHolders,
  withForgotten,
} from "../../../stacks/key-generation.ts";

/** A stack's state, as far as its keys go, and what updates do to it. */
class State {
  trust: { type: string; outputs: object } = { type: "testbed:index:HostTrust", outputs: { ready: true } };
  hosts: string[] = [];
  memory: KeyGeneration | undefined;

  read() {
    const urn = (types: string, name: string) =>
      `urn:pulumi:mine::project::${["testbed:index:Testbed", ...types.split(" ")].join("$")}::${name}`;
    const command = { type: "command:remote:Command", outputs: {} };
    return keyHolders({
      [urn("testbed:index:HostTrust", "mine-trust")]: this.trust,
      ...Object.fromEntries(
        this.hosts.flatMap((host) => [
          [urn("testbed:index:HostTrust command:remote:Command", `mine-trust-${host}`), command],
          [
            urn("testbed:index:HostTrust testbed:index:OnEveryHost command:remote:Command", `only-${host}`),
            command,
          ],
          [urn("testbed:index:HostTls command:remote:Command", `mine-tls-${host}`), command],
        ]),
      ),
      ...(this.memory && {
        [urn(keyGenerationType, "mine-key-generation")]: { type: keyGenerationType, outputs: this.memory },
      }),
    });
  }

  /** The generation that an update has; one that is cut short ends before anything is deleted. */
  up(
    hosts: string[],
    { replaced = [], isCut = false }: { replaced?: string[]; isCut?: boolean } = {},
  ): number {
    const keys = keyGenerationOf(this.read(), hosts, replaced);
    if (keys.generation > 0) this.memory = keys;
    this.hosts = isCut ? [...new Set([...this.hosts, ...hosts])] : hosts;
    if (!isCut) this.trust = { ...this.trust, outputs: { ready: true } };
    return keys.generation;
  }

  forget(host: string, mark: string): void {
    this.hosts = this.hosts.filter((name) => name !== host);
    this.trust = withForgotten(this.trust, mark);
  }
}

const generations = (...updates: string[][]) => {
  const state = new State();
  return updates.map((hosts) => state.up(hosts));
};
const [one, two, three] = [
  ["host1", "host2"],
  ["host1", "host2", "host3"],
  ["host1", "host2", "host3", "x"],
];

describe("keys between hosts", () => {
  test("stay while nothing changes, and while hosts come", () => {
    expect(generations(one, one, two, three, three)).toEqual([0, 0, 0, 0, 0]);
    expect(keyGenerationOf(keyHolders({}), one)).toEqual(firstKeys);
  });

  test("are made anew each time a host leaves, once", () => {
    expect(generations(three, two, two, one, one)).toEqual([0, 1, 1, 2, 2]);
    expect(generations(two, one, two, one, one)).toEqual([0, 1, 1, 2, 2]);
  });

  test("are made anew once for hosts that leave together, and for one that another takes the place of", () => {
    expect(generations(three, one, one)).toEqual([0, 1, 1]);
    expect(generations(one, ["host1", "host3"], ["host1", "host3"])).toEqual([0, 1, 1]);
  });

  test("do not change with the order of hosts", () => {
    expect(generations(two, two.toReversed())).toEqual([0, 0]);
  });

  test("are those that an update which was cut short had begun with", () => {
    const state = new State();
    state.up(three);
    expect(state.up(two, { isCut: true })).toBe(1);
    expect(state.up(two, { isCut: true })).toBe(1);
    // One more leaves meanwhile.
    expect(state.up(one, { isCut: true })).toBe(2);
    expect(state.up(one)).toBe(2);
    expect(state.up(one)).toBe(2);
  });

  test("are made anew when a host that came back leaves again", () => {
    const state = new State();
    state.up(two);
    expect(state.up(one, { isCut: true })).toBe(1);
    expect(state.up(two)).toBe(1);
    expect(state.up(one)).toBe(2);
  });

  test("are made anew for a host that was forgotten, also when another machine has its name", () => {
    for (const next of [["host1", "host3"], two]) {
      const state = new State();
      state.up(two);
      state.forget("host2", "a1");
      expect(state.up(next, { isCut: true })).toBe(1);
      expect(state.up(next)).toBe(1);
      expect(state.up(next)).toBe(1);
    }
  });

  test("are made anew for each that is forgotten, one soon after the other", () => {
    const state = new State();
    state.up(three);
    state.forget("host3", "a1");
    expect(state.up(three, { isCut: true })).toBe(1);
    state.forget("host2", "b2");
    expect(state.up(three)).toBe(2);
    // The machine that got its name is lost, too.
    state.forget("host2", "c3");
    expect(state.up(two)).toBe(3);
  });

  test("are made anew for a machine that gave its name to another one", () => {
    const state = new State();
    state.up(one);
    const replaced = ["host2 at 192.0.2.12"];
    expect(state.up(one, { replaced, isCut: true })).toBe(1);
    expect(state.up(one, { replaced })).toBe(1);
    expect(state.up(one)).toBe(1);
  });
});

test("what remembers their generation may have told nothing yet", () => {
  const urn = `urn:pulumi:mine::project::testbed:index:Testbed$${keyGenerationType}::mine-key-generation`;
  expect(keyHolders({ [urn]: { type: keyGenerationType, outputs: {} } }).decided).toEqual(firstKeys);
});
