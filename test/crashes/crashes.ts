import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MigrationRequest } from "../../migration/context/migration-request.ts";
import { MigrationFailed, migrate } from "../../migration/migrate.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { boots, type MigrationMode, migrationModes, phasesWith } from "../../moves/modes.ts";
import type { AskedOptions } from "../../moves/options.ts";
import { pathOf, recordSchema } from "../../moves/record.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { crashes, type Fate, overlayText, ownDisk } from "../unit/helpers/simulated-fleet.ts";
import { simulate, world } from "../unit/helpers/simulated-session.ts";
import { letTimePass } from "../unit/helpers/simulated-time.ts";

// The whole engine, from migrate() to the last command, on machines that are simulated: a run dies at each single step of
// each command, and a new run has to put everything right.

export const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";

/** Where the overlay is: on the shared storage, or on the host's own disk. */
type OverlayPlace = "shared" | "local";
let overlay: OverlayPlace = "shared";

/** For all tests of a file. */
export function keepOverlay(where: OverlayPlace): void {
  overlay = where;
}

/** A fleet whose guest runs on host1, and hosts with clocks of their own. */
export function begin(): void {
  simulate(["host1", "host2", "host3"], { host1: 90_000.25, host2: -3_600_000.5 });
  const host = world.machine("host1");
  world.isLocal = overlay === "local";
  if (world.isLocal) host.makeDisk("vm1");
  host.boot(host.add({ uuid, name: "vm1" }));
}

export const request = (
  mode: AskedOptions["mode"],
  to = "host2",
  options: Partial<AskedOptions> = {},
): MigrationRequest => ({
  guest: "vm1",
  uuid,
  to,
  options: { mode, maxDowntimeMs: 300, timeoutMs: 60_000, sampleIntervalMs: 250, ...options },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  address: "10.77.0.101",
  localOverlay:
    overlay === "local"
      ? { path: ownDisk("vm1"), basePath: "/e/base.qcow2", baseFormat: "qcow2" }
      : undefined,
  fleet: world.fleet,
});

/** As a new process: with connections of its own, and without what an earlier one has found out. */
export async function newRun(): Promise<void> {
  await closeSessions();
  world.newRun();
  letTimePass();
}

/** One run of our program. */
export async function run(mode: AskedOptions["mode"], to?: string) {
  await newRun();
  return migrate(request(mode, to), tell);
}

export const tell = (line: string): void => void world.log.push(`   ${line}`);

/** What was done from shortly before the first accident on. */
export function story(): string {
  const accident = world.log.findIndex((line) => line.startsWith("--"));
  return `\n${world.log.slice(Math.max(0, accident - 2)).join("\n")}\n`;
}

/** The guest runs once, where it should, and nothing is left of any move. */
export function expectSettled(host = "host2"): void {
  // What dead runs left behind on hosts may still be at work.
  world.finishBackground();
  expect(world.violations, story()).toEqual([]);
  expect(world.runningOn(uuid), story()).toEqual([host]);
  const disk = overlay === "local" ? [`${host}: ${ownDisk("vm1")}`] : [];
  expect(world.traces(uuid), story()).toEqual([`${host}: running`, ...disk]);
  expect(world.machine(host).domains.get(uuid)?.persistent, story()).toBe(true);
}

/** Live and offline moves keep a guest's memory; a cold one boots it. */
export function expectMemoryKept(mode: MigrationMode): void {
  if (!boots(mode)) expect(world.boots, story()).toBe(1);
}

/** A run to which something fatal happens; false when it was over before that. */
export async function runInto(fate: Fate, step: number, mode: MigrationMode): Promise<boolean> {
  await newRun();
  const { generation } = world;
  world.plan(fate, step);
  await migrate(request(mode), tell).catch(() => {});
  return world.generation !== generation;
}

/** What holds of a move by a mode, wherever its overlay is. */
export const describeMoves = () =>
  describe.each(migrationModes)("%s", (mode) => {
    test("moves the guest, and the record of it is sound", async () => {
      begin();
      const { host, records, samples } = await run(mode);
      expect(host).toBe("host2");
      const { uuid, startedAt, destination } = (await samples) ?? {};
      expect({ uuid, startedAt }).toEqual({ uuid: records[0]?.uuid, startedAt: records[0]?.startedAt });
      expect(destination?.length).toBeGreaterThan(0);
      expect(world.samplers.size).toBe(0);
      expectSettled();
      expectMemoryKept(mode);
      expect(records).toHaveLength(1);
      const record = recordSchema.parse(records[0]);
      expect(record).toMatchObject({ outcome: "completed", guest: "vm1", from: "host1", to: "host2", mode });
      expect(inconsistencies(record)).toEqual([]);
      const expected = {
        live: "precopy",
        postcopy: "postcopy",
        hybrid: "postcopy",
        offline: "offline",
        cold: "cold",
      };
      expect(pathOf(record)).toBe(expected[mode]);
      expect(record.phases.map(({ name }) => name)).toEqual(
        phasesWith(expected[mode] as "precopy", overlay === "local"),
      );
      expect(record.storageMiB === undefined).toBe(overlay === "shared");
      expect(record).toMatchObject({ clientProbeIntervalMs: 5, client: { prober: "storage" } });
      expect(record.clientDowntimeMs).toEqual(expect.any(Number));
      expect(world.probers.size).toBe(0);
    });

    test("asking again changes nothing", async () => {
      begin();
      await run(mode);
      const epoch = world.diskEpoch(uuid);
      expect(await run(mode)).toEqual({ host: "host2", records: [] });
      expect(world.diskEpoch(uuid)).toBe(epoch);
    });

    test("definitions that were left on other hosts go", async () => {
      begin();
      for (const name of ["host2", "host3"]) {
        world.machine(name).add({ uuid, name: "vm1" });
        if (overlay === "local") world.machine(name).files.set(ownDisk("vm1"), { text: overlayText(0) });
      }
      await run(mode);
      expectSettled();
      expectMemoryKept(mode);
    });

    test("two runs at a time work on the guest one after the other", async () => {
      begin();
      await newRun();
      const moves = await Promise.all([
        migrate(request(mode, "host2"), tell),
        migrate(request(mode, "host3"), tell),
      ]);
      expect(moves.map(({ host }) => host)).toEqual(["host2", "host3"]);
      expectSettled("host3");
      expectMemoryKept(mode);
    });

    test.each(crashes)("a run that dies at any step (%s) is put right by the next", async (fate) => {
      for (let step = 0; ; step++) {
        begin();
        const dead = await runInto(fate, step, mode);
        if (!dead) {
          expect(step).toBeGreaterThan(20);
          return;
        }
        const { host } = await run(mode);
        expect(host, story()).toBe("host2");
        expectSettled();
        expectMemoryKept(mode);
      }
    });

    test("a run that dies at any step may be followed by one that wants the guest elsewhere", async () => {
      for (let step = 0; ; step++) {
        begin();
        if (!(await runInto("crash, goes on", step, mode))) return;
        await run(mode, "host3");
        expectSettled("host3");
        expectMemoryKept(mode);
      }
    });

    test.each(["fails", "unreachable"] as const)(
      "a command that %s at any step costs no more than the move",
      async (fate) => {
        for (let step = 0; ; step++) {
          begin();
          await newRun();
          world.plan(fate, step);
          const outcome = await migrate(request(mode), tell).catch((error: unknown) => error);
          if (world.isFatePending) return;
          if (outcome instanceof MigrationFailed) {
            // A guest that has moved has moved, whatever becomes of the figures.
            expect(outcome.message, story()).not.toMatch(/reading the (trace|statistics)/);
            for (const record of outcome.records) {
              expect(inconsistencies(recordSchema.parse(record)), story()).toEqual([]);
              expect(record.outcome, story()).not.toBe("completed");
            }
          }
          await run(mode);
          expectSettled();
          expectMemoryKept(mode);
        }
      },
    );

    test("a run that loses its lock at any step stops, and the next one puts it right", async () => {
      const said = new Set<string>();
      for (let step = 0; ; step++) {
        begin();
        await newRun();
        world.plan("loses its lock", step);
        const outcome = await migrate(request(mode), tell).catch((error: unknown) => error);
        if (world.isFatePending) break;
        if (outcome instanceof Error) said.add(outcome.message);
        await run(mode);
        expectSettled();
        expectMemoryKept(mode);
      }
      expect([...said].join()).toMatch(/The lock of guest vm1 on storage was lost.* Run again/);
    });

    test("a run that loses its lock at any step to another one makes no second copy, and no old one", async () => {
      for (let step = 0; ; step++) {
        begin();
        await newRun();
        world.plan("loses its lock", step);
        await Promise.allSettled(
          ["host2", "host3"].map((destination) => migrate(request(mode, destination), tell)),
        );
        if (world.isFatePending) return;
        // The other one may have met the last of its commands, and stopped.
        await run(mode, "host3").catch(() => {});
        world.finishBackground();
        expect(world.violations, story()).toEqual([]);
        expectMemoryKept(mode);
      }
    });

    test.each(["host1", "host2"])(
      "a power cut at %s when a run has died costs the memory at most, and that is said",
      async (name) => {
        for (let step = 0; ; step++) {
          begin();
          const dead = await runInto("crash with libvirtd", step, mode);
          if (!dead) return;
          world.cutPower(name);
          const outcome = await run(mode).catch((error: Error) => error);
          if (outcome instanceof Error) {
            // Nothing was begun: a guest that is off is Domain's to start.
            expect(outcome.message, story()).toContain("cannot be moved: it is inactive");
            expect(world.violations, story()).toEqual([]);
            continue;
          }
          expectSettled();
          if (!boots(mode) && world.boots > 1) {
            expect(outcome.records.map(({ error }) => error).join(), story()).toContain("memory was lost");
          }
        }
      },
    );

    test("interrupted at any step, it goes back as long as it can, and can be moved again", async () => {
      const ends = new Set<string>();
      for (let step = 0; ; step++) {
        begin();
        await newRun();
        world.plan("interrupted", step);
        const outcome = await migrate(request(mode), tell, world.interruption.signal).catch((e: Error) => e);
        if (world.isFatePending) break;
        const [host = ""] = world.runningOn(uuid);
        if (outcome instanceof Error) {
          expect(outcome, story()).toBeInstanceOf(MigrationFailed);
          expect(outcome.message, story()).toContain("the update was interrupted");
          expect(host, story()).toBe("host1");
          for (const record of (outcome as MigrationFailed).records) {
            expect(record, story()).toMatchObject({ outcome: "rolled-back" });
          }
        } else expect(outcome, story()).toMatchObject({ host, records: [{ outcome: "completed" }] });
        ends.add(host);
        expectSettled(host);
        expectMemoryKept(mode);
        await run(mode);
        expectSettled();
        expectMemoryKept(mode);
      }
      expect([...ends].sort()).toEqual(["host1", "host2"]);
    });

    test("runs may die one after the other", async () => {
      const deaths = fc.array(fc.record({ fate: fc.constantFrom(...crashes), step: fc.nat(60) }), {
        minLength: 2,
        maxLength: 4,
      });
      await fc.assert(
        fc.asyncProperty(deaths, async (planned) => {
          begin();
          for (const { fate, step } of planned) await runInto(fate, step, mode);
          await run(mode);
          expectSettled();
          expectMemoryKept(mode);
        }),
        { numRuns: 100 },
      );
    });
  });

/** What a host refuses to do, and why, as it says it. */
export type Refusal = readonly [mode: MigrationMode, host: string, what: string, why: string];

/** A move that a host refuses, twice, and then no more. */
export function describeRefusals(refusals: readonly Refusal[]): void {
  test.each(refusals)(
    "%s, and %s cannot %s: the guest goes on where it was, with its memory, and no copy is left",
    async (mode, host, what, why) => {
      begin();
      world.refusals.set(host, what);
      for (const _ of ["once", "and again"]) {
        const failure = await run(mode).catch((error: unknown) => error);
        expect(failure, story()).toBeInstanceOf(MigrationFailed);
        const { records, host, message } = failure as MigrationFailed;
        expect(message).toContain("it runs on host1");
        expect(message).toContain(why);
        expect(host).toBe("host1");
        expect(records.map(({ outcome }) => outcome)).toEqual(["rolled-back"]);
        expect(inconsistencies(recordSchema.parse(records[0]))).toEqual([]);
        expectSettled("host1");
        expectMemoryKept(mode);
      }
      world.refusals.clear();
      await run(mode);
      expectSettled();
      expectMemoryKept(mode);
    },
  );
}
