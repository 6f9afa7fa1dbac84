import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MigrationRequest } from "../../../../migration/context/migration-request.ts";
import {
  bandwidthShare,
  movesBefore,
  type QueueEntry,
  waitsFor,
} from "../../../../migration/queue/admission.ts";
import { queued } from "../../../../migration/queue/queue.ts";

const entry = (guest: string, from: string, to: string, changes: Partial<QueueEntry> = {}): QueueEntry => ({
  guest,
  uuid: guest,
  from,
  to,
  memoryMiB: 512,
  sizeMiB: 512,
  perHost: 2,
  moving: false,
  ...changes,
});
const moving = (...args: Parameters<typeof entry>): QueueEntry => ({ ...entry(...args), moving: true });
const namesOf = (entries: readonly QueueEntry[]) => entries.map(({ guest }) => guest);

describe("whose turn it is", () => {
  test("whoever is alone need not wait", () => {
    expect(waitsFor("a", [entry("a", "host1", "host2")])).toEqual([]);
  });

  test("a host takes part in so many moves at a time, in and out together", () => {
    const busy = [moving("a", "host1", "host2"), moving("b", "host2", "host1")];
    expect(namesOf(waitsFor("c", [...busy, entry("c", "host1", "host3")]))).toEqual(["a", "b"]);
    expect(namesOf(waitsFor("c", [...busy, entry("c", "host3", "host2")]))).toEqual(["a", "b"]);
    expect(waitsFor("c", [...busy, entry("c", "host1", "host3", { perHost: 3 })])).toEqual([]);
  });

  test("what is done soonest goes first", () => {
    const waiting = [entry("large", "host1", "host2", { sizeMiB: 4096 }), entry("small", "host1", "host2")];
    const one = [moving("a", "host1", "host2"), ...waiting];
    expect(waitsFor("small", one)).toEqual([]);
    expect(namesOf(waitsFor("large", one))).toEqual(["a", "small"]);
  });

  test("what a policy decided goes in the order that it decided, and before others", () => {
    const waiting = [
      entry("second", "host1", "host2", { turn: 1, sizeMiB: 1 }),
      entry("first", "host1", "host2", { turn: 0, sizeMiB: 4096 }),
      entry("placed", "host1", "host2", { sizeMiB: 0 }),
    ];
    const one = [moving("a", "host1", "host2"), ...waiting];
    expect(waitsFor("first", one)).toEqual([]);
    expect(namesOf(waitsFor("second", one))).toEqual(["a", "first"]);
    const two = [moving("first", "host1", "host2"), ...waiting.filter(({ guest }) => guest !== "first")];
    expect(waitsFor("second", two)).toEqual([]);
    expect(namesOf(waitsFor("placed", two))).toEqual(["first", "second"]);
  });

  test("leaves one that may begin, whoever has a turn", () => {
    const some = fc.record({
      turn: fc.option(fc.nat(3), { nil: undefined }),
      sizeMiB: fc.nat(3),
      from: fc.nat(2),
      to: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 8 }), (each) => {
        const entries = each.map(({ turn, sizeMiB, from, to }, at) =>
          entry(`g${at}`, `host${from}`, `other${to}`, { sizeMiB, ...(turn !== undefined && { turn }) }),
        );
        // Somebody can always begin.
        expect(entries.some(({ uuid }) => waitsFor(uuid, entries).length === 0)).toBe(true);
      }),
    );
  });

  test("among equals whoever was there first", () => {
    const one = [moving("a", "host1", "host2"), entry("b", "host1", "host2"), entry("c", "host1", "host2")];
    expect(waitsFor("b", one)).toEqual([]);
    expect(namesOf(waitsFor("c", one))).toEqual(["a", "b"]);
  });

  test("one that finds its hosts busy keeps nobody waiting whose hosts are free", () => {
    const busy = [moving("a", "host1", "host2"), moving("b", "host1", "host2")];
    const waiting = [entry("c", "host1", "host3", { sizeMiB: 1 }), entry("d", "host3", "host4")];
    expect(waitsFor("d", [...busy, ...waiting])).toEqual([]);
  });

  test("a port that the config names is listened on by one at a time", () => {
    const port = 49200;
    const one = [moving("a", "host1", "host2", { port })];
    expect(namesOf(waitsFor("b", [...one, entry("b", "host3", "host2", { port })]))).toEqual(["a"]);
    expect(waitsFor("b", [...one, entry("b", "host1", "host3", { port })])).toEqual([]);
    expect(waitsFor("b", [...one, entry("b", "host1", "host2")])).toEqual([]);
  });

  test("whatever is asked for, in whatever order: no host has too many, nobody waits for ever, and nobody waits without need", () => {
    const host = fc.constantFrom("host1", "host2", "host3", "host4");
    const wish = fc
      .record({ from: host, to: host, sizeMiB: fc.nat(9), port: fc.option(fc.constantFrom(1, 2)) })
      .filter(({ from, to }) => from !== to);
    fc.assert(
      fc.property(
        fc.array(wish, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fc.nat()),
        (wishes, perHost, choices) => {
          let queue = wishes.map(({ port, ...rest }, i) =>
            entry(`vm${i}`, rest.from, rest.to, { ...rest, perHost, ...(port !== null && { port }) }),
          );
          const choose = <T>(some: readonly T[]): T => some[choices.next().value % some.length] as T;
          while (queue.length > 0) {
            const free = queue.filter((each) => !each.moving && waitsFor(each.uuid, queue).length === 0);
            const under = queue.filter((each) => each.moving);
            // Somebody moves or may begin: nobody waits for ever.
            expect(free.length + under.length).toBeGreaterThan(0);
            for (const each of ["host1", "host2", "host3", "host4"]) {
              expect(under.filter(({ from, to }) => from === each || to === each).length).toBeLessThanOrEqual(
                perHost,
              );
            }
            const next = choose([...free, ...under]);
            queue = queue.filter((each) => each !== next);
            if (!next.moving) queue.push({ ...next, moving: true });
          }
        },
      ),
    );
  });
});

describe("what else is on its way to the destination", () => {
  const entries = [
    moving("a", "host1", "host2"),
    moving("b", "host1", "host3"),
    entry("w", "host1", "host2"),
    moving("c", "host3", "host2"),
    moving("d", "host4", "host2"),
  ];

  test("is what had its turn before, so that of two for which there is not enough, one goes", () => {
    expect(namesOf(movesBefore("a", entries))).toEqual([]);
    expect(namesOf(movesBefore("c", entries))).toEqual(["a"]);
    expect(namesOf(movesBefore("d", entries))).toEqual(["a", "c"]);
  });
});

describe("a move's part of the bandwidth", () => {
  test("is all of it for one that is alone, or shares no direction with others", () => {
    expect(bandwidthShare(100, "a", [moving("a", "host1", "host2")])).toBe(100);
    const both = [moving("a", "host1", "host2"), moving("b", "host2", "host1")];
    expect(bandwidthShare(100, "a", both)).toBe(100);
  });

  test("is shared by those that leave a host, and by those that enter one, once they move", () => {
    const out = [moving("a", "host1", "host2"), moving("b", "host1", "host3"), entry("c", "host1", "host2")];
    expect(bandwidthShare(100, "a", out)).toBe(50);
    const into = [
      moving("a", "host1", "host2"),
      moving("b", "host3", "host2"),
      moving("c", "host4", "host2"),
    ];
    expect(bandwidthShare(100, "a", into)).toBe(33);
    expect(bandwidthShare(2, "a", into)).toBe(1);
  });

  test("is not lessened by a guest that is shut down and booted", () => {
    const cold = moving("b", "host1", "host2", { sizeMiB: 0 });
    expect(bandwidthShare(100, "a", [moving("a", "host1", "host2"), cold])).toBe(100);
  });
});

test("a request stands in the queue with its size, and two moves a host if nothing else is said", () => {
  const request: MigrationRequest = {
    guest: "vm1",
    uuid: "u",
    to: "host2",
    options: { mode: "cold", port: 49200 },
    conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
    localOverlay: undefined,
    fleet: {} as MigrationRequest["fleet"],
  };
  const expected = { guest: "vm1", uuid: "u", from: "host1", to: "host2", memoryMiB: 512, port: 49200 };
  expect(queued(request, "host1")).toEqual({ ...expected, sizeMiB: 0, perHost: 2 });
  const live = { ...request, options: { mode: "live" }, concurrentPerHost: 4 } as const;
  expect(queued(live, "host1")).toMatchObject({ sizeMiB: 512, perHost: 4 });
  expect(queued({ ...request, turn: 3 }, "host1")).toMatchObject({ turn: 3 });
});
