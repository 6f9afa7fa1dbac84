import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { MigrationRequest } from "../../migration/context/migration-request.ts";
import { type Moved, migrate } from "../../migration/migrate.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import { type MigrationMode, migrationModes } from "../../moves/modes.ts";
import { recordSchema } from "../../moves/record.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { crashes } from "../unit/helpers/simulated-fleet.ts";
import { simulate, world } from "../unit/helpers/simulated-session.ts";

// Several guests at a time, on machines that are simulated.

vi.mock("../../ssh/session.ts", () => import("../unit/helpers/simulated-session.ts"));
vi.mock("node:timers/promises", () => import("../unit/helpers/simulated-time.ts"));
afterEach(closeSessions);

const names = ["vm1", "vm2", "vm3", "vm4", "vm5"];
const uuidOf = (guest: string) => `1b7159b2-c702-5eb0-be68-00000000000${guest.slice(-1)}`;
const told: string[] = [];
const tell = (line: string): void => {
  told.push(line);
  world.log.push(`   ${line}`);
};

function begin(): void {
  simulate(["host1", "host2", "host3"]);
  told.length = 0;
  const host = world.machine("host1");
  for (const name of names) host.boot(host.add({ uuid: uuidOf(name), name }));
}

const request = (guest: string, to: string, changes: Partial<MigrationRequest> = {}): MigrationRequest => ({
  guest,
  uuid: uuidOf(guest),
  to,
  options: { mode: "live", timeoutMs: 60_000 },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  localOverlay: undefined,
  fleet: world.fleet,
  ...changes,
});

async function newRun(): Promise<void> {
  await closeSessions();
  world.newRun();
}

const destinations: Record<string, string> = {
  vm1: "host2",
  vm2: "host3",
  vm3: "host2",
  vm4: "host3",
  vm5: "host2",
};

/** One `pulumi up` that drains host1. */
async function drain(changes: (guest: string) => Partial<MigrationRequest> = () => ({})) {
  await newRun();
  const moves = names.map((guest) =>
    migrate(request(guest, destinations[guest] ?? "", changes(guest)), tell),
  );
  return Promise.allSettled(moves);
}

function expectDrained(): void {
  world.finishBackground();
  expect(world.violations, world.log.join("\n")).toEqual([]);
  for (const guest of names) {
    expect(world.runningOn(uuidOf(guest)), guest).toEqual([destinations[guest]]);
    expect(world.traces(uuidOf(guest)).filter((trace) => trace.includes("running"))).toHaveLength(1);
  }
  expect([...world.machine("storage").files.keys()]).toEqual([]);
}

const records = (outcomes: PromiseSettledResult<Moved>[]) =>
  outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value.records : []));

describe.each(migrationModes)("%s", (mode) => {
  const options = { mode, timeoutMs: 60_000 };

  test.each([1, 2, 3])("a host takes part in at most %i moves at a time, and all are made", async (limit) => {
    begin();
    const made = records(await drain(() => ({ options, concurrentPerHost: limit })));
    expectDrained();
    expect(made.map(({ outcome }) => outcome)).toEqual(Array(5).fill("completed"));
    for (const record of made) expect(inconsistencies(recordSchema.parse(record))).toEqual([]);
    // Whoever waited says so, and how long.
    const waited = new Set(
      told.filter((line) => line.includes(": waits for ")).map((line) => line.slice(0, 3)),
    );
    expect(made.filter(({ waitedMs }) => waitedMs !== undefined).map(({ guest }) => guest)).toEqual(
      [...waited].sort(),
    );
    expect(waited.size).toBeGreaterThan(0);
    if (mode === "cold") return; // a guest that shuts down is not watched
    expect(world.mostAtOnce.get("host1")).toBe(limit);
    for (const host of ["host2", "host3"]) expect(world.mostAtOnce.get(host)).toBeLessThanOrEqual(limit);
  });

  test("a run that dies at any point frees all places, and the next one makes all the moves", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...crashes), fc.nat(250), async (fate, step) => {
        begin();
        await newRun();
        world.plan(fate, step);
        // All of its moves die with it: those that wait would do so for ever.
        for (const guest of names) {
          migrate(request(guest, destinations[guest] ?? "", { options }), tell).catch(() => {});
        }
        for (let i = 0; i < 300 && world.isFatePending; i++) await new Promise(setImmediate);
        const outcomes = await drain(() => ({ options }));
        expect(
          outcomes.map(({ status }) => status),
          world.log.join("\n"),
        ).toEqual(Array(5).fill("fulfilled"));
        expectDrained();
      }),
      { numRuns: 25 },
    );
  });
});

test("one that fails gives its place up", async () => {
  begin();
  const refused = (guest: string): Partial<MigrationRequest> =>
    guest === "vm1" || guest === "vm2"
      ? { conditions: { memoryMiB: 64_000, accelerator: "kvm", nfsTransport: "kernel" } }
      : {};
  const outcomes = await drain((guest) => ({ ...refused(guest), concurrentPerHost: 1 }));
  expect(outcomes.map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  expect(world.runningOn(uuidOf("vm1"))).toEqual(["host1"]);
});

test("what is on its way to a host takes its memory there, although it is not there yet", async () => {
  begin();
  // Room for two of the three that go there.
  Object.assign(world.machine("host2"), { availableMiB: 1300 });
  const outcomes = await drain(() => ({ concurrentPerHost: 5 }));
  const refused = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as Error] : [],
  );
  expect(refused).toHaveLength(1);
  expect(refused[0]?.message).toMatch(
    /memory: host2 has 1300 MiB available \(less 576 MiB for vm1, which is on its way there, 576 MiB for vm3, .*\), 576 MiB are needed/,
  );
});

test("of those that wait, the smallest is the next", async () => {
  begin();
  const memoryMiB: Record<string, number> = { vm1: 512, vm2: 4096, vm3: 2048, vm4: 1024, vm5: 256 };
  const conditions = (guest: string) => ({
    memoryMiB: memoryMiB[guest] ?? 0,
    accelerator: "kvm" as const,
    nfsTransport: "kernel" as const,
  });
  await drain((guest) => ({ conditions: conditions(guest), concurrentPerHost: 1 }));
  const order = told.flatMap((line) => /^(vm\d): moving from/.exec(line)?.[1] ?? []);
  expect(order).toEqual(["vm1", "vm5", "vm4", "vm3", "vm2"]);
});

const modeOptions = (mode: MigrationMode, bandwidthMiBps?: number) => ({
  mode,
  timeoutMs: 60_000,
  ...(bandwidthMiBps && { bandwidthMiBps }),
});

test("those that leave a host at the same time share its bandwidth", async () => {
  begin();
  await drain(() => ({ options: modeOptions("live", 100), concurrentPerHost: 5 }));
  const given = world.bandwidths.map(({ MiBps }) => MiBps);
  // Whoever comes first still has it all; each of the others what is left of it when they are all there.
  expect(given).toHaveLength(5);
  expect(Math.min(...given)).toBe(20);
});
