import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Choice, chooseMode, learn, type Measured } from "../../../../migration/choosing/choose-mode.ts";
import { misfits } from "../../../../moves/misfits.ts";
import type { AskedOptions } from "../../../../moves/options.ts";
import { liveRecord, offlineRecord, postcopyRecord } from "../../helpers/records.ts";

const versions = {
  from: { qemu: "10.0.2", libvirt: "9.0.0" },
  to: { qemu: "10.0.2", libvirt: "9.0.0" },
};
const old = { ...versions, to: { qemu: "6.2.0", libvirt: "8.0.0" } };
const quiet: Measured = { memoryMiB: 1024, dirtyMiBps: 5, bandwidthMiBps: 100, versions };
const hot: Measured = { ...quiet, dirtyMiBps: 300 };

const choose = (measured: Measured, asked: Partial<AskedOptions> = {}) =>
  chooseMode({ mode: "auto", maxDowntimeMs: 300, ...asked }, measured);
const moves = (choice: Choice) => {
  if (choice.kind !== "move") throw new Error(choice.reason);
  return choice;
};

describe("the mode that is chosen", () => {
  test("is plain pre-copy for a guest whose pages get dirty slower than they are sent", () => {
    const { options, reason } = moves(choose(quiet));
    expect(options).toEqual({ mode: "live", maxDowntimeMs: 300 });
    expect(reason).toBe("live: pre-copy converges, since 5.0 MiB/s get dirty and 100 MiB/s can be sent");
  });

  test("has post-copy for one whose pages get dirty faster", () => {
    const { options, reason } = moves(choose(hot, { hybrid: { afterPasses: 2 } }));
    expect(options).toEqual({ mode: "hybrid", maxDowntimeMs: 300, hybrid: { afterPasses: 2 } });
    expect(reason).toContain("300 MiB/s get dirty and 100 MiB/s can be sent");
  });

  test("slows the guest down where post-copy cannot be had, and says why", () => {
    const { options, reason } = moves(choose({ ...hot, versions: old }));
    expect(options).toEqual({ mode: "live", maxDowntimeMs: 300, autoConverge: {} });
    expect(reason).toContain("post-copy with libvirt 8.0.0 loses the guest");
    const parallel = moves(choose(hot, { parallelConnections: 4, autoConverge: { initial: 50 } }));
    expect(parallel.options).toMatchObject({
      mode: "live",
      parallelConnections: 4,
      autoConverge: { initial: 50 },
    });
  });

  test("is none, and that is said, where nothing moves it within its downtime", () => {
    expect(choose({ ...hot, deviceStateMs: 420.4 })).toEqual({
      kind: "refuse",
      reason: expect.stringMatching(/took 421 ms to go over, which is more than maxDowntimeMs \(300 ms\)$/),
    });
    expect(choose({ ...hot, dirtyMiBps: 30_000, versions: old })).toEqual({
      kind: "refuse",
      reason: expect.stringContaining("slowing it down would not be enough"),
    });
  });

  test("takes no risk when something could not be measured", () => {
    for (const unknown of ["dirtyMiBps", "bandwidthMiBps"] as const) {
      const { [unknown]: _, ...measured } = quiet;
      const { options, reason } = moves(choose(measured));
      expect(options.mode).toBe("hybrid");
      expect(reason).toContain("is not known");
    }
  });

  test("is not a pre-copy that would take longer than it may", () => {
    const slow = { ...quiet, memoryMiB: 100_000 };
    expect(moves(choose(slow, { timeoutMs: 3_600_000 })).options.mode).toBe("live");
    expect(moves(choose(slow, { timeoutMs: 600_000 })).options.mode).toBe("hybrid");
  });

  test("always does what is asked for beside it, and what the versions can", () => {
    const figure = (max: number) => fc.double({ min: 0.1, max, noNaN: true });
    const measured = fc.record(
      {
        memoryMiB: fc.integer({ min: 64, max: 100_000 }),
        versions: fc.constantFrom(versions, old),
        dirtyMiBps: figure(10_000),
        bandwidthMiBps: figure(10_000),
        deviceStateMs: figure(1000),
      },
      { requiredKeys: ["memoryMiB", "versions"] },
    );
    const asked = fc.record(
      {
        mode: fc.constant("auto"),
        maxDowntimeMs: fc.integer({ min: 1, max: 1000 }),
        parallelConnections: fc.constant(2),
        transport: fc.constantFrom("tcp", "tls", "tunnelled"),
      },
      { requiredKeys: ["mode", "maxDowntimeMs"] },
    );
    fc.assert(
      fc.property(measured, asked, (known, options) => {
        const choice = chooseMode(options as AskedOptions, known as Measured);
        if (choice.kind === "refuse") return;
        const { mode: _, ...rest } = options;
        expect(choice.options).toMatchObject(rest);
        expect(misfits(choice.options, known.versions)).toEqual([]);
        const fitsAtOnce = known.memoryMiB <= ((known.bandwidthMiBps ?? 0) * options.maxDowntimeMs) / 1000;
        if (choice.options.mode === "live" && !choice.options.autoConverge && !fitsAtOnce) {
          expect(known.dirtyMiBps).toBeLessThan(known.bandwidthMiBps as number);
        }
      }),
    );
  });
});

describe("what earlier moves tell", () => {
  test("is the most that was sent, and the longest that devices took", () => {
    const { equations } = liveRecord();
    const slower = liveRecord({ equations: { ...equations, vsMs: 30 } as never, transferredMiB: 10 });
    const known = learn([
      slower,
      liveRecord(),
      offlineRecord(),
      liveRecord({ outcome: "failed", transferredMiB: 9999 }),
    ]);
    expect(known.bandwidthMiBps).toBeCloseTo(138.4 / (1.12 + 0.072), 5);
    expect(known.deviceStateMs).toBe(30);
  });

  test("under a lower limit than there is now, is not what can be sent", () => {
    const under = (bandwidthMiBps: number) => liveRecord({ options: { bandwidthMiBps } });
    const sent = expect.objectContaining({ bandwidthMiBps: expect.closeTo(116.1, 1) });
    const { deviceStateMs } = learn([liveRecord()]);
    expect(learn([under(16)])).toEqual({ deviceStateMs });
    expect(learn([under(16)], 200)).toEqual({ deviceStateMs });
    for (const limitMiBps of [16, 8]) expect(learn([under(16)], limitMiBps)).toEqual(sent);
    expect(learn([under(16), liveRecord({ options: {} })])).toEqual(sent);
  });

  test("of a hybrid: how long its devices took, and not how fast it was", () => {
    expect(learn([postcopyRecord({ mode: "hybrid" })])).toEqual({ deviceStateMs: 90 });
  });

  test("of a post-copy from the start, whose devices wait for pages: nothing", () => {
    expect(learn([postcopyRecord()])).toEqual({});
  });

  test("of none, is nothing", () => {
    expect(learn([])).toEqual({});
    expect(learn([offlineRecord()])).toEqual({});
  });
});
