import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseMode, type ModeChoice, margin } from "../../../../migration/choosing/choose-mode.ts";
import { misfits, type Versions } from "../../../../moves/misfits.ts";
import type { AskedOptions } from "../../../../moves/options.ts";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { convergence } from "../../../../prediction/convergence.ts";
import { priors } from "../../../../prediction/priors.ts";
import type { ProposedMove } from "../../../../prediction/proposed-move.ts";
import { liveRecord, offlineRecord, postcopyRecord } from "../../helpers/records.ts";

const versions = {
  from: { qemu: "10.0.2", libvirt: "9.0.0" },
  to: { qemu: "10.0.2", libvirt: "9.0.0" },
};
const old = { ...versions, to: { qemu: "6.2.0", libvirt: "8.0.0" } };

/** What is known of a guest that is to move. */
interface Known extends Partial<ProposedMove> {
  versions: Versions;
  records?: MigrationRecord[];
}
const quiet: Known = { memoryMiB: 1024, residentMiB: 2000, dirtyMiBps: 5, linkMiBps: 100, versions };
const hot: Known = { ...quiet, dirtyMiBps: 300 };

const choose = ({ versions, records = [], ...move }: Known, asked: Partial<AskedOptions> = {}) =>
  chooseMode({ mode: "auto", maxDowntimeMs: 300, ...asked }, versions, (options) =>
    convergence(
      { guest: "vm1", from: "host1", to: "host2", accelerator: "kvm", memoryMiB: 1024, ...move, options },
      records,
      margin,
    ),
  );
const moves = (choice: ModeChoice) => {
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
    const slow = postcopyRecord({
      accelerator: "kvm",
      mode: "hybrid",
      equations: { tiMs: 80, ovMs: 1420, vsMs: 420.4 },
    });
    expect(choose({ ...hot, records: [slow] })).toEqual({
      kind: "refuse",
      reason: expect.stringMatching(/took 421 ms to go over, which is more than maxDowntimeMs \(300 ms\)$/),
    });
    expect(choose({ ...hot, dirtyMiBps: 30_000, versions: old })).toEqual({
      kind: "refuse",
      reason: expect.stringContaining("slowing it down would not be enough"),
    });
  });

  test("takes no risk when something could not be measured", () => {
    for (const unknown of ["dirtyMiBps", "linkMiBps"] as const) {
      const { [unknown]: _, ...measured } = quiet;
      const { options, reason } = moves(choose(measured));
      expect(options.mode).toBe("hybrid");
      expect(reason).toContain("is not known");
    }
  });

  test("is not a pre-copy that would take longer than it may", () => {
    const slow = { ...quiet, memoryMiB: 100_000, residentMiB: 101_000 };
    expect(moves(choose(slow, { timeoutMs: 3_600_000 })).options.mode).toBe("live");
    const soon = { hybrid: { afterMs: 60_000 } };
    const inTime = moves(choose(slow, { timeoutMs: 600_000, ...soon }));
    expect(inTime.options.mode).toBe("hybrid");
    expect(inTime.reason).toMatch(
      /^hybrid: pre-copy does not converge within 600 s, since 5\.0 MiB\/s get dirty/,
    );
    // Nor a hybrid one that would have to be given up in its first pass, unless it is paused then.
    expect(choose(slow, { timeoutMs: 600_000 })).toEqual({
      kind: "refuse",
      reason: expect.stringContaining("post-copy's time would not come within 600 s (timeoutMs)"),
    });
    const paused = moves(choose(slow, { timeoutMs: 600_000, onTimeout: "suspend" }));
    expect(paused.options.mode).toBe("hybrid");
    expect(paused.reason).toMatch(/; the guest is paused after 600 s$/);
  });

  test("has post-copy where only a little more dirt would be too much, and does not say that it would not converge", () => {
    const { options, reason } = moves(choose({ ...quiet, dirtyMiBps: 90 }));
    expect(options.mode).toBe("hybrid");
    expect(reason).toMatch(
      /^hybrid: pre-copy may not converge, since 90 MiB\/s get dirty and 100 MiB\/s can be sent;/,
    );
  });

  test("is none, for the reason that there is, where an option cannot be had at all", () => {
    expect(choose(quiet, { compression: "zstd", parallelConnections: 2 })).toEqual({
      kind: "refuse",
      reason: expect.stringMatching(/^compression zstd cannot be asked of libvirt 9\.0\.0 .*; leave it out/),
    });
  });

  test("always does what is asked for beside it, and what the versions can", () => {
    const figure = (max: number) => fc.double({ min: 0.1, max, noNaN: true });
    const measured = fc.record(
      {
        memoryMiB: fc.integer({ min: 64, max: 100_000 }),
        versions: fc.constantFrom(versions, old),
        dirtyMiBps: figure(10_000),
        residentMiB: fc.integer({ min: 100, max: 100_000 }),
        linkMiBps: figure(10_000),
        records: fc.constantFrom([], [liveRecord({ accelerator: "kvm" })]),
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
        const choice = choose(known as Known, options as AskedOptions);
        if (choice.kind === "refuse") return;
        const { mode: _, ...rest } = options;
        expect(choice.options).toMatchObject(rest);
        expect(misfits(choice.options, known.versions)).toEqual([]);
        if (choice.options.mode === "live" && !choice.options.autoConverge)
          expect(choice.reason).toMatch(/^live: pre-copy converges, since /);
      }),
    );
  });
});

describe("what earlier moves tell", () => {
  const told = (records: MigrationRecord[], bandwidthMiBps?: number) => {
    const options = { mode: "live", ...(bandwidthMiBps && { bandwidthMiBps }) } as const;
    const move = { guest: "vm1", from: "host1", to: "host2", accelerator: "tcg", memoryMiB: 768 } as const;
    return convergence({ ...move, options }, records, margin);
  };
  const nothing = { knowsSending: false, sendMiBps: priors.tcg.sendMiBps };

  test("is what was sent, and how long devices took, as a rule", () => {
    const { equations } = liveRecord();
    const slower = liveRecord({ equations: { ...equations, vsMs: 30 } as never, transferredMiB: 100 });
    const records = [
      slower,
      liveRecord(),
      liveRecord(),
      offlineRecord(),
      liveRecord({ outcome: "failed", transferredMiB: 9999 }),
    ];
    expect(told(records)).toMatchObject({ knowsSending: true, deviceMs: 8.5 });
    expect(told(records).sendMiBps).toBeCloseTo(told([liveRecord()]).sendMiBps, 5);
    expect(told([slower])).toMatchObject({ knowsSending: true, deviceMs: 30 });
  });

  test("under a limit that held them back, is not what can be sent without", () => {
    const held = liveRecord({ options: { bandwidthMiBps: 115 } });
    expect(told([held])).toMatchObject(nothing);
    expect(told([held, liveRecord({ options: {} })])).toMatchObject({ knowsSending: true });
    // What may be sent is known then.
    expect(told([held], 16)).toMatchObject({ knowsSending: true, sendMiBps: 16 });
  });

  test("of a hybrid: how long its devices took, and not how fast it was", () => {
    expect(told([postcopyRecord({ mode: "hybrid" })])).toMatchObject({ ...nothing, deviceMs: 90 });
  });

  test("of a post-copy from the start, whose devices wait for pages: nothing", () => {
    expect(told([postcopyRecord()])).toMatchObject(nothing);
    expect(told([postcopyRecord()])).not.toHaveProperty("deviceMs");
  });

  test("of none, of another accelerator or between other hosts, is nothing", () => {
    const elsewhere = liveRecord({ from: "host3", to: "host4" });
    for (const records of [[], [offlineRecord()], [liveRecord({ accelerator: "kvm" })], [elsewhere]]) {
      expect(told(records)).toMatchObject({ knowsSending: false });
      expect(told(records)).not.toHaveProperty("deviceMs");
    }
  });
});
