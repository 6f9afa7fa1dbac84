import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { uncoveredMiB } from "../../../../placement/layout/cover.ts";
import { Layout } from "../../../../placement/layout/layout.ts";
import { sequence } from "../../../../placement/order/sequence.ts";
import type { Cluster } from "../../../../placement/terms/cluster.ts";
import { defaultSettings } from "../../../../placement/terms/settings.ts";
import { anyCluster, randomOf } from "../../helpers/clusters.ts";

const cluster = (
  hosts: Readonly<Record<string, number>>,
  guests: readonly (readonly [name: string, host: string, gib: number])[],
  more: Partial<Cluster> = {},
): Cluster => ({
  hosts: Object.entries(hosts).map(([name, gib]) => ({
    name,
    memoryMiB: gib * 1024,
    reserveMiB: 0,
    isDrained: false,
  })),
  guests: guests.map(([name, host, gib]) => ({ name, host, memoryMiB: gib * 1024 })),
  ...more,
});

/** The order in which guests get to where they are to go, in words. */
function orderOf(value: Cluster, to: Readonly<Record<string, string>>) {
  const layout = new Layout(value, defaultSettings);
  const places = layout.guests.map(({ name, host }) => layout.host(to[name] ?? host.name));
  const { moves, stuck } = sequence(layout, places);
  expect(layout.moved).toEqual([]);
  return {
    moves: moves.map(
      ({ guest, from, to, after, isDetour }) =>
        `${guest.name} ${from.name} > ${to.name}${isDetour ? " for now" : ""}${after.length > 0 ? ` after ${after.join(", ")}` : ""}`,
    ),
    stuck: stuck.map(({ guest }) => guest.name),
  };
}

describe("moves", () => {
  it("wait for those that make their room", () => {
    const chain = cluster({ h1: 8, h2: 8, h3: 8 }, [
      ["a", "h1", 6],
      ["b", "h2", 6],
    ]);
    expect(orderOf(chain, { a: "h2", b: "h3" })).toEqual({
      moves: ["b h2 > h3", "a h1 > h2 after 0"],
      stuck: [],
    });
  });

  it("go round by a third host where two guests change places and neither has room", () => {
    const circle = cluster({ h1: 8, h2: 8, h3: 8 }, [
      ["a", "h1", 6],
      ["b", "h2", 5],
    ]);
    expect(orderOf(circle, { a: "h2", b: "h1" })).toEqual({
      moves: ["b h2 > h3 for now", "a h1 > h2 after 0", "b h3 > h1 after 0, 1"],
      stuck: [],
    });
  });

  it("are said to be stuck where no third host has room", () => {
    const circle = cluster({ h1: 8, h2: 8 }, [
      ["a", "h1", 6],
      ["b", "h2", 5],
      ["c", "h2", 1],
    ]);
    expect(orderOf(circle, { a: "h2", b: "h1", c: "h1" })).toEqual({
      moves: ["c h2 > h1"],
      stuck: ["a", "b"],
    });
  });

  it("are tried in another order where the first one gets stuck", () => {
    // c fills h2, so that neither a nor d can change over any more; after the two it has room.
    const value = cluster({ h1: 8, h2: 10, h3: 12 }, [
      ["c", "h3", 4],
      ["a", "h1", 6],
      ["d", "h2", 4],
    ]);
    expect(orderOf(value, { c: "h2", a: "h2", d: "h1" })).toEqual({
      moves: ["a h1 > h2", "d h2 > h1 after 0", "c h3 > h2 after 1"],
      stuck: [],
    });
  });

  it("keep guests apart on the way", () => {
    const rules = [{ name: "db", kind: "apart" as const, isFirm: true, guests: ["a", "b"] }];
    const value = cluster(
      { h1: 16, h2: 16, h3: 16 },
      [
        ["a", "h1", 1],
        ["b", "h2", 1],
      ],
      { rules },
    );
    expect(orderOf(value, { a: "h2", b: "h3" }).moves).toEqual(["b h2 > h3", "a h1 > h2 after 0"]);
  });
});

describe("an order of any moves", () => {
  const settings = defaultSettings;
  /** Clusters, and where all guests are to be: anywhere with room. */
  const anyWishes = fc.tuple(anyCluster({ drains: false, maxGuests: 9 }), fc.integer());

  function wishes([value, seed]: readonly [Cluster, number]) {
    const layout = new Layout(value, settings);
    const random = randomOf(seed);
    for (let count = 0; count < 30; count++) {
      const guest = layout.guests[Math.floor(random() * layout.guests.length)];
      const host = layout.open[Math.floor(random() * layout.open.length)];
      if (guest && host && layout.hasMemory(guest, host) && layout.keepsRules(guest, host, "firm"))
        layout.move(guest, host);
    }
    const places = layout.places();
    const isCovered = uncoveredMiB(layout) === 0;
    layout.restore(layout.guests.map(({ home }) => home));
    return { layout, places, keepsCover: isCovered && uncoveredMiB(layout) === 0 };
  }

  it("has room, firm rules and N+1 at every step, and ends where it should but for those it names", () => {
    fc.assert(
      fc.property(anyWishes, (input) => {
        const { layout, places, keepsCover } = wishes(input);
        const { moves, stuck } = sequence(layout, places);
        for (const { guest, from, to } of moves) {
          expect(guest.host).toBe(from);
          // While it moves it is on both.
          expect(to.leftMiB).toBeGreaterThanOrEqual(guest.needs.memory);
          const firm = layout.faults[1];
          layout.move(guest, to);
          expect(layout.faults[1]).toBeLessThanOrEqual(firm);
          if (keepsCover) expect(uncoveredMiB(layout)).toBe(0);
        }
        const named = new Set(stuck.map(({ guest }) => guest));
        for (const guest of layout.guests)
          if (!named.has(guest)) expect(guest.host).toBe(places[guest.index]);
      }),
      { numRuns: 300 },
    );
  });

  it("has room whichever moves are made at the same time, if each waits for those it is to wait for", () => {
    fc.assert(
      fc.property(anyWishes, fc.integer(), (input, seed) => {
        const { layout, places } = wishes(input);
        const { moves } = sequence(layout, places);
        const random = randomOf(seed);
        const left = new Map(layout.hosts.map((host) => [host, host.leftMiB]));
        const waiting = new Set(moves.keys());
        const [running, over] = [new Set<number>(), new Set<number>()];
        const change = (host: (typeof layout.hosts)[number], by: number) =>
          left.set(host, (left.get(host) ?? 0) + by);
        while (over.size < moves.length) {
          const ready = [...waiting].filter((at) => moves[at]?.after.every((one) => over.has(one)));
          const choices = [...ready, ...running];
          const at = choices[Math.floor(random() * choices.length)];
          const move = at === undefined ? undefined : moves[at];
          if (at === undefined || move === undefined) throw new Error("all wait for one another");
          const { guest, from, to } = move;
          if (waiting.delete(at)) {
            running.add(at);
            change(to, -guest.needs.memory);
            expect(left.get(to)).toBeGreaterThanOrEqual(0);
          } else {
            running.delete(at);
            over.add(at);
            change(from, guest.needs.memory);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
