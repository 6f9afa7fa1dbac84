import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { closeSessions } from "../../libvirt/session-pool.ts";
import { MigrationFailed, migrate } from "../../migration/migrate.ts";
import type { AskedOptions, MigrationRequest } from "../../migration/request.ts";
import {
  inconsistencies,
  type MigrationMode,
  migrationModes,
  phasesWith,
  recordSchema,
  wayOf,
} from "../../report/record.ts";
import { postcopyRecord } from "./records.ts";
import { crashes, type Fate, ownDisk, redoText } from "./simulated-fleet.ts";
import { simulate, world } from "./simulated-session.ts";

// The whole engine, from migrate() to the last command, on machines that are simulated: a run dies at each single step of
// each command, and a new run has to put everything right.

vi.mock("../../libvirt/ssh-session.ts", () => import("./simulated-session.ts"));
vi.mock("node:timers/promises", () => import("./simulated-time.ts"));
afterEach(closeSessions);
beforeEach(() => {
  redo = "shared";
});

const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";

/** Where the redo log is: on the shared storage, or on the host's own disk. */
let redo: "shared" | "local" = "shared";

/** A fleet whose guest runs on host1, and hosts with clocks of their own. */
function begin(): void {
  simulate(["host1", "host2", "host3"], { host1: 90_000.25, host2: -3_600_000.5 });
  const host = world.machine("host1");
  world.isLocal = redo === "local";
  if (world.isLocal) host.makeDisk("vm1");
  host.boot(host.add({ uuid, name: "vm1" }));
}

const request = (
  mode: AskedOptions["mode"],
  to = "host2",
  options: Partial<AskedOptions> = {},
): MigrationRequest => ({
  guest: "vm1",
  uuid,
  to,
  options: { mode, maxDowntimeMs: 300, timeoutMs: 60_000, ...options },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  address: "10.77.0.101",
  ...(redo === "local" && { redo: { path: ownDisk("vm1"), basePath: "/e/base.qcow2", baseFormat: "qcow2" } }),
  fleet: world.fleet,
});

/** As a new process: with connections of its own. */
async function newRun(): Promise<void> {
  await closeSessions();
  world.newRun();
}

/** One run of our program. */
async function run(mode: AskedOptions["mode"], to?: string) {
  await newRun();
  return migrate(request(mode, to), tell);
}

const tell = (line: string): void => void world.log.push(`   ${line}`);

/** What was done from shortly before the first accident on. */
function story(): string {
  const accident = world.log.findIndex((line) => line.startsWith("--"));
  return `\n${world.log.slice(Math.max(0, accident - 2)).join("\n")}\n`;
}

/** The guest runs once, where it should, and nothing is left of any move. */
function expectSettled(host = "host2"): void {
  // What dead runs left behind on hosts may still be at work.
  world.finishBackground();
  expect(world.violations, story()).toEqual([]);
  expect(world.runningOn(uuid), story()).toEqual([host]);
  const disk = redo === "local" ? [`${host}: ${ownDisk("vm1")}`] : [];
  expect(world.traces(uuid), story()).toEqual([`${host}: running`, ...disk]);
  expect(world.machine(host).domains.get(uuid)?.persistent, story()).toBe(true);
}

/** Live and offline moves keep a guest's memory; a cold one boots it. */
function expectMemoryKept(mode: MigrationMode): void {
  if (mode !== "cold") expect(world.boots, story()).toBe(1);
}

const ways = migrationModes.flatMap((mode) => [[mode, "shared"] as const, [mode, "local"] as const]);

describe.each(ways)("%s, redo log %s", (mode, where) => {
  beforeEach(() => {
    redo = where;
  });

  test("moves the guest, and the record of it is sound", async () => {
    begin();
    const { host, records } = await run(mode);
    expect(host).toBe("host2");
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
    expect(wayOf(record)).toBe(expected[mode]);
    expect(record.phases.map(({ name }) => name)).toEqual(
      phasesWith(expected[mode] as "precopy", where === "local"),
    );
    expect(record.storageMiB === undefined).toBe(where === "shared");
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
      if (where === "local") world.machine(name).files.set(ownDisk("vm1"), { text: redoText(0) });
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
        if (mode !== "cold" && world.boots > 1) {
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

describe("a guest whose pages get dirty faster than they are sent", () => {
  const ask = async (mode: AskedOptions["mode"], options: Partial<AskedOptions>) => {
    begin();
    world.isHot = true;
    await newRun();
    return migrate(request(mode, "host2", { timeoutMs: 20, ...options }), tell);
  };

  test("stays where it is after the time for its pre-copy", async () => {
    const failure = await ask("live", {}).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MigrationFailed);
    expect((failure as Error).message).toContain("not done after 0.02 s (migration.timeoutMs); giving up");
    expectSettled("host1");
    expect(world.boots).toBe(1);
  });

  test.each([
    ["postcopy", "live", "postcopy"],
    ["suspend", "live", "precopy"],
    ["suspend", "hybrid", "precopy"],
  ] as const)("or is brought to its end then (%s, %s)", async (onTimeout, mode, way) => {
    const { host, records } = await ask(mode, {
      onTimeout,
      ...(mode === "hybrid" && { hybrid: { afterPasses: 99 } }),
    });
    expect(host, story()).toBe("host2");
    expectSettled();
    expect(world.boots).toBe(1);
    const record = recordSchema.parse(records[0]);
    expect(inconsistencies(record)).toEqual([]);
    expect([record.mode, wayOf(record)]).toEqual([mode, way]);
  });

  test("is given up by the next run, when the first has died, and moved again", async () => {
    begin();
    world.isHot = true;
    expect(await runInto("crash, goes on", 40, "live")).toBe(true);
    await newRun();
    const moved = migrate(request("live", "host2", { timeoutMs: 20, onTimeout: "suspend" }), tell);
    const { records } = await moved;
    expect(records.map(({ outcome }) => outcome)).toEqual(["rolled-back", "completed"]);
    expectSettled();
  });
});

describe("auto", () => {
  test.each([
    [false, "live", /^live: pre-copy converges, since 5.0 MiB\/s get dirty and 1000 MiB\/s can be sent$/],
    [true, "hybrid", /^hybrid: pre-copy does not converge, since 3000 MiB\/s get dirty/],
  ] as const)(
    "chooses by what is measured (hot: %s): %s, and the record says why",
    async (isHot, mode, reason) => {
      begin();
      world.isHot = isHot;
      const { host, records } = await run("auto");
      expect(host).toBe("host2");
      expectSettled();
      expect(records).toMatchObject([{ mode, modeReason: expect.stringMatching(reason), linkMiBps: 1000 }]);
      expect(inconsistencies(recordSchema.parse(records[0]))).toEqual([]);
    },
  );

  test("says before it begins that there is no way", async () => {
    begin();
    world.isHot = true;
    await newRun();
    const asked = request("auto");
    const slow = postcopyRecord({
      mode: "hybrid",
      downtimeMs: 400,
      equations: { tiMs: 80, ovMs: 1420, vsMs: 400 },
    });
    await expect(migrate({ ...asked, history: [slow] }, tell)).rejects.toThrow(
      /cannot move from host1 to host2 by mode auto: .* took 400 ms to go over, .*Nothing was changed/,
    );
    expectSettled("host1");
  });
});

describe("what cannot be done", () => {
  test.each([
    ["cold", "host2", "define", "cannot define here"],
    ["offline", "host2", "restore", "cannot restore here"],
    ["offline", "host1", "scp", "No space left on device"],
    ["offline", "host1", "save", "cannot save here"],
    ["live", "host1", "migrate", "cannot migrate here"],
  ] as const)(
    "%s, and %s cannot %s: the guest goes on where it was, with its memory",
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

  test("what a dead run saved and the destination refuses is put back too", async () => {
    for (let step = 0; ; step++) {
      begin();
      world.refusals.set("host2", "restore");
      if (!(await runInto("crash, goes on", step, "offline"))) return;
      await expect(run("offline"), story()).rejects.toThrow("cannot restore here");
      expectSettled("host1");
      expect(world.boots, story()).toBe(1);
    }
  });
});

/** A run to which something fatal happens; false when it was over before that. */
async function runInto(fate: Fate, step: number, mode: MigrationMode): Promise<boolean> {
  await newRun();
  const { generation } = world;
  world.plan(fate, step);
  await migrate(request(mode), tell).catch(() => {});
  return world.generation !== generation;
}
