import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cover } from "../../../../placement/layout/cover.ts";
import type { LaidGuest, LaidHost } from "../../../../placement/layout/laid.ts";
import { Layout } from "../../../../placement/layout/layout.ts";
import { barredTrials, bestMove, bestSwap, moversByHost } from "../../../../placement/search/trial.ts";
import { defaultSettings } from "../../../../placement/terms/settings.ts";
import { anyCluster, grownCluster, randomOf } from "../../helpers/clusters.ts";

const anySteps = fc.array(fc.tuple(fc.nat(99), fc.nat(99)), { maxLength: 30 });

/** Moves guests in a layout, whatever is against it, and looks at it after each step. */
function walk(
  layout: Layout,
  steps: readonly (readonly [number, number])[],
  look: (layout: Layout) => void,
): void {
  look(layout);
  for (const [which, where] of steps) {
    const guest = layout.guests[which % layout.guests.length];
    const host = layout.open[where % Math.max(1, layout.open.length)];
    if (guest === undefined || host === undefined || guest.host === host) continue;
    layout.move(guest, host);
    look(layout);
  }
}

const freeOn = ({ guests }: LaidHost): LaidGuest[] => [...guests].filter(({ isFixed }) => !isFixed);
const most = (gains: readonly number[]): number => Math.max(0, ...gains);

/** The most that any guest of a host gains anywhere, each tried everywhere. */
const bestOfAllMoves = (layout: Layout, host: LaidHost): number =>
  most(
    freeOn(host).flatMap((guest) =>
      layout.open.filter((to) => to !== host && layout.fits(guest, to)).map((to) => layout.gain(guest, to)),
    ),
  );

const bestOfAllSwaps = (layout: Layout, host: LaidHost): number =>
  most(
    freeOn(host).flatMap((guest) =>
      layout.open.flatMap((to) =>
        freeOn(to)
          .filter((other) => layout.swapFits(guest, other))
          .map((other) => layout.gainOfSwap(guest, other)),
      ),
    ),
  );

describe("what is found without trying all", () => {
  test("is the best move and the best pair there is, in small clusters with all kinds of rules", () => {
    let [moves, swaps] = [0, 0];
    const anyLimit = fc.option(fc.nat(3), { nil: Number.POSITIVE_INFINITY });
    fc.assert(
      fc.property(anyCluster(), anySteps, anyLimit, (cluster, steps, limit) => {
        const layout = new Layout(cluster, defaultSettings);
        layout.mostMoved = limit;
        walk(layout, steps, () => {
          for (const host of layout.hosts) {
            const move = bestMove(layout, host, moversByHost(), barredTrials());
            expect(move?.gain ?? 0).toBeCloseTo(bestOfAllMoves(layout, host), 6);
            const swap = bestSwap(layout, host, moversByHost(), barredTrials(), -1);
            expect(swap?.gain ?? 0).toBeCloseTo(bestOfAllSwaps(layout, host), 6);
            if (move) moves++;
            if (swap) swaps++;
          }
        });
      }),
      { numRuns: 400 },
    );
    expect(moves).toBeGreaterThan(100);
    expect(swaps).toBeGreaterThan(50);
  });

  test("is the best move in a cluster of many hosts too, of which a few are looked at", () => {
    const cluster = grownCluster(80, 640, 1);
    if (cluster === undefined) throw new Error("the guests did not fit");
    const random = randomOf(1);
    const below = (count: number) => Math.floor(random() * count);
    const steps = Array.from({ length: 40 }, () => [below(640), below(80)] as const);
    const layout = new Layout(cluster, defaultSettings);
    let looked = 0;
    walk(layout, steps, () => {
      looked = Math.max(looked, layout.targets().length);
      const host = layout.open[below(80)] as LaidHost;
      const move = bestMove(layout, host, moversByHost(), barredTrials());
      expect(move?.gain ?? 0).toBeCloseTo(bestOfAllMoves(layout, host), 6);
    });
    expect(looked).toBeLessThan(40);
  });

  test("never gains more than the most that two hosts can", () => {
    const anyUpTo = (max: number) => fc.double({ min: 0, max, noNaN: true });
    const anyAmounts = fc.record({ memory: anyUpTo(8192), vcpus: anyUpTo(8), cpu: anyUpTo(8) });
    const none = { memory: 0, vcpus: 0, cpu: 0 };
    fc.assert(
      fc.property(anyCluster({ drains: false }), anyAmounts, anyUpTo(1), (cluster, high, part) => {
        const layout = new Layout(cluster, defaultSettings);
        for (const from of layout.open)
          for (const to of layout.open) {
            if (from === to) continue;
            const exchange = layout.between(from, to);
            const gain = exchange.gain(part * high.memory, part * part * high.vcpus, (1 - part) * high.cpu);
            expect(gain).toBeLessThanOrEqual(exchange.most(none, high) + 1e-9);
          }
      }),
    );
  });
});

/** Whether a lost host's guests find memory and vCPUs on the others in any way. */
function isCoverable({ open, weights }: Layout, lost: LaidHost): boolean {
  const others = open
    .filter((host) => host !== lost)
    .map(({ leftMiB, limit, used }) => ({
      leftMiB,
      leftVcpus: weights.vcpus > 0 ? limit.vcpus - used.vcpus : Number.POSITIVE_INFINITY,
    }));
  const place = ([guest, ...rest]: LaidGuest[]): boolean =>
    guest === undefined ||
    others.some((other) => {
      const { memory, vcpus } = guest.needs;
      if (other.leftMiB < memory || other.leftVcpus < vcpus) return false;
      other.leftMiB -= memory;
      other.leftVcpus -= vcpus;
      const isPlaced = place(rest);
      other.leftMiB += memory;
      other.leftVcpus += vcpus;
      return isPlaced;
    });
  return place([...lost.guests]);
}

test("N+1 that is kept up with each move is what trying all ways says", () => {
  let [yes, no] = [0, 0];
  fc.assert(
    fc.property(anyCluster({ maxGuests: 8 }), anySteps, (cluster, steps) => {
      const layout = new Layout(cluster, defaultSettings);
      const cover = new Cover(layout);
      walk(layout, steps, () => {
        const failing = cover.uncovered().map(({ host }) => host);
        const expected = layout.open.filter((host) => !isCoverable(layout, host)).map(({ name }) => name);
        expect(failing).toEqual(expected);
        expect(cover.uncoveredMiB() > 0).toBe(failing.length > 0);
        if (failing.length > 0) no++;
        else yes++;
      });
    }),
    { numRuns: 200 },
  );
  expect(yes).toBeGreaterThan(100);
  expect(no).toBeGreaterThan(100);
});

test("a host that takes no guests covers none", () => {
  const hosts = ["h1", "h2", "h3"].map((name) => ({
    name,
    memoryMiB: 8192,
    reserveMiB: 0,
    isDrained: false,
  }));
  const layout = new Layout({ hosts, guests: [{ name: "a", host: "h1", memoryMiB: 4096 }] }, defaultSettings);
  const cover = new Cover(layout);
  layout.admit(layout.host("h2"), false);
  expect(cover.uncoveredMiB()).toBe(0);
  layout.admit(layout.host("h3"), false);
  expect(cover.uncovered()).toEqual([{ host: "h1", memoryMiB: 4096 }]);
  layout.admit(layout.host("h3"), true);
  expect(cover.uncoveredMiB()).toBe(0);
});
