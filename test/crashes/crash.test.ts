import { afterEach, describe, expect, test, vi } from "vitest";
import { MigrationFailed, type Moved, migrate } from "../../migration/migrate.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import type { AskedOptions } from "../../moves/options.ts";
import { pathOf, recordSchema } from "../../moves/record.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { liveRecord, postcopyRecord } from "../unit/helpers/records.ts";
import { world } from "../unit/helpers/simulated-session.ts";
import {
  begin,
  describeMoves,
  describeRefusals,
  expectMemoryKept,
  expectSettled,
  newRun,
  request,
  run,
  runInto,
  story,
  tell,
  uuid,
} from "./crashes.ts";

vi.mock("../../ssh/session.ts", () => import("../unit/helpers/simulated-session.ts"));
vi.mock("node:timers/promises", () => import("../unit/helpers/simulated-time.ts"));
afterEach(closeSessions);

describeMoves();

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
  ] as const)("or is brought to its end then (%s, %s)", async (onTimeout, mode, path) => {
    const { host, records } = await ask(mode, {
      onTimeout,
      ...(mode === "hybrid" && { hybrid: { afterPasses: 99 } }),
    });
    expect(host, story()).toBe("host2");
    expectSettled();
    expect(world.boots).toBe(1);
    const record = recordSchema.parse(records[0]);
    expect(inconsistencies(record)).toEqual([]);
    expect([record.mode, pathOf(record)]).toEqual([mode, path]);
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

describe("an offline move", () => {
  test("whose memory is not saved in its time is given up: the guest goes on where it is", async () => {
    begin();
    // Time passes while it goes on.
    world.isHot = true;
    world.saveSteps = 1_000_000;
    await newRun();
    const asked = migrate(request("offline", "host2", { timeoutMs: 20 }), tell);
    const failure = await asked.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MigrationFailed);
    expect((failure as Error).message).toContain(
      "it runs on host1. its memory is not saved after 0.02 s (migration.timeoutMs); giving up, it stays on host1",
    );
    expect((failure as MigrationFailed).records).toMatchObject([{ outcome: "rolled-back", phases: [] }]);
    expectSettled("host1");
    expect(world.boots).toBe(1);
  });

  test("whose command is lost sight of at any step, and done, has a record that is true", async () => {
    const outcomes = new Set<string>();
    for (let step = 0; ; step++) {
      begin();
      await newRun();
      world.plan("is lost sight of", step);
      const outcome = await migrate(request("offline"), tell).catch((error: unknown) => error);
      if (world.isFatePending) break;
      const records = (outcome as Moved).records ?? [];
      for (const record of records) {
        expect(inconsistencies(recordSchema.parse(record)), story()).toEqual([]);
        outcomes.add(record.outcome);
      }
      await run("offline");
      expectSettled();
      expect(world.boots, story()).toBe(1);
    }
    expect([...outcomes].sort()).toEqual(["completed", "failed", "recovered", "rolled-back"]);
  });
});

test("a guest whose memory follows for a long time has its downtime as a client saw it", async () => {
  begin();
  world.pullSteps = 120_000;
  const { records } = await run("postcopy");
  const [record] = records;
  expect(record, story().slice(-2000)).toMatchObject({ client: { prober: "storage", proberLateMs: 0.1 } });
  expect(record?.clientDowntimeMs).toBeLessThan(record?.totalMs ?? 0);
});

test("hosts' clocks are read again after a move: by what they drifted its figures may be wrong", async () => {
  begin();
  world.machine("host1").clockDriftMs = 3;
  world.machine("host2").clockDriftMs = -2;
  const { records } = await run("live");
  expect(records[0]?.clock).toMatchObject({ offsetMs: -3_690_000.7, uncertaintyMs: 5.1 });
});

describe("a post-copy that takes longer than a move may, and that a dead run left", () => {
  /** A run that dies when its move has turned to post-copy. */
  const leavePostcopy = async () => {
    for (let step = 40; ; step++) {
      begin();
      world.pullSteps = 20_000;
      expect(await runInto("crash, goes on", step, "postcopy")).toBe(true);
      if (world.machine("host2").domains.get(uuid)?.reason === "post-copy") return;
    }
  };
  const next = async () => {
    await newRun();
    return migrate(request("postcopy", "host2", { timeoutMs: 20 }), tell);
  };

  test("is waited for as long as it takes, and that is told", async () => {
    await leavePostcopy();
    const { host, records } = await next();
    expect(host, story()).toBe("host2");
    expect(records).toMatchObject([{ outcome: "recovered" }]);
    expectSettled();
    expect(world.boots).toBe(1);
    expect(world.log.join("\n")).toMatch(/its memory still follows from host1 to host2 after \d+ s/);
  });

  test("is not waited for where one end has died and libvirt does not notice: the advice is one that works", async () => {
    await leavePostcopy();
    world.stopBackground();
    world.machine("host1").domains.delete(uuid);
    const failure = await next().catch((error: Error) => error);
    expect((failure as Error).message).toContain(
      "is off on host1, where the rest was; libvirt still waits for that (Incoming migration). Its memory is lost. End it with `virsh destroy vm1` on host2",
    );
    expect((failure as Error).message).not.toContain("domjobabort");
  });
});

describe("auto", () => {
  test.each([
    [false, "live", /^live: pre-copy converges, since 5.0 MiB\/s get dirty and 800 MiB\/s can be sent$/],
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
      expect(records[0]).toMatchObject({
        before: { dirtyMiBps: expect.any(Number) },
        predicted: { converges: true },
      });
      expect(inconsistencies(recordSchema.parse(records[0]))).toEqual([]);
    },
  );

  test("is not held back by a limit that an earlier move had, and this one has not", async () => {
    begin();
    await newRun();
    const held = liveRecord({ options: { bandwidthMiBps: 3 }, transferredMiB: 3.5 });
    const { records } = await migrate({ ...request("auto"), history: [held] }, tell);
    expect(records).toMatchObject([
      { mode: "live", modeReason: expect.stringContaining("800 MiB/s can be sent") },
    ]);
  });

  test("says before it begins that there is no way", async () => {
    begin();
    world.isHot = true;
    await newRun();
    const asked = request("auto");
    const slow = postcopyRecord({
      mode: "hybrid",
      accelerator: "kvm",
      downtimeMs: 400,
      equations: { tiMs: 80, ovMs: 1420, vsMs: 400 },
    });
    await expect(migrate({ ...asked, history: [slow] }, tell)).rejects.toThrow(
      /cannot move from host1 to host2 by mode auto: .* took 400 ms to go over, .*Nothing was changed/,
    );
    expectSettled("host1");
  });
});

test.each(["live", "postcopy", "offline", "cold"] as const)(
  "hosts that do not listen to events are waited for before it begins, and not for ever (%s)",
  async (mode) => {
    begin();
    world.listens = false;
    const [record] = (await run(mode)).records;
    expect(record).toMatchObject({ outcome: "completed" });
    expect(record).not.toHaveProperty("downtimeMs");
    expect(record?.beforehandMs).toBeGreaterThanOrEqual(10_000);
    expect(record?.totalMs).toBeLessThan(10_000);
    expect(record?.faults).toContain(`downtimeMs is missing in a completed ${mode} migration`);
  },
);

describe("what cannot be done", () => {
  describeRefusals([
    ["cold", "host2", "define", "cannot define here"],
    ["cold", "host2", "start", "cannot start here"],
    ["offline", "host2", "resume", "cannot resume here"],
    ["offline", "host2", "restore", "cannot restore here"],
    ["offline", "host1", "scp", "No space left on device"],
    ["offline", "host1", "save", "cannot save here"],
    ["live", "host1", "migrate", "cannot migrate here"],
  ]);

  test.each([
    ["cold", "start"],
    ["offline", "resume"],
  ] as const)(
    "%s, and host2 cannot %s: nor can a run that comes after a dead one, and it is put back",
    async (mode, what) => {
      for (let step = 0; ; step++) {
        begin();
        world.refusals.set("host2", what);
        if (!(await runInto("crash, goes on", step, mode))) return;
        await expect(run(mode), story()).rejects.toThrow(`cannot ${what} here`);
        expectSettled("host1");
        expectMemoryKept(mode);
      }
    },
  );

  test.each(["offline", "cold"] as const)(
    "a definition that the source does not let go: the guest runs at the destination, and can come back (%s)",
    async (mode) => {
      begin();
      world.refusals.set("host1", "undefine");
      const failure = await run(mode).catch((error: unknown) => error);
      expect(failure, story()).toBeInstanceOf(MigrationFailed);
      const { records, host, message } = failure as MigrationFailed;
      expect(message).toMatch(
        /it runs on host2\. removing the definition of guest vm1 on host1 failed .*cannot undefine here/,
      );
      expect([host, records.map(({ outcome }) => outcome)]).toEqual(["host2", ["completed"]]);
      // Each run says so, and goes no further.
      await expect(run(mode)).rejects.toThrow("removing an old definition of guest vm1 on host1 failed");
      expect(world.runningOn(uuid)).toEqual(["host2"]);
      await run(mode, "host1");
      expectSettled("host1");
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
