import { beforeEach, expect, test, vi } from "vitest";
import { predictMove } from "../../../../migration/choosing/predict-move.ts";
import type { MigrationRequest } from "../../../../migration/context/migration-request.ts";
import type { Endpoint } from "../../../../migration/context/moving.ts";
import type { MigrationOptions } from "../../../../moves/options.ts";
import { liveRecord } from "../../helpers/records.ts";

vi.mock("node:timers/promises", () => import("../../helpers/simulated-time.ts"));

// What is asked of the source for a prediction: little, and of how a guest writes only what is not known.

const asked: string[] = [];
let isSilent = false;
beforeEach(() => {
  asked.length = 0;
  isSilent = false;
});

const source = {
  name: "host1",
  session: {
    run: async (doing: string, script: string) => {
      asked.push(doing);
      if (isSilent) throw new Error("Connection closed");
      const stdout = script.includes("domstats")
        ? "Domain: 'vm1'\n  dirtyrate.calc_status=2\n  dirtyrate.megabytes_per_second=33\n"
        : "resident vm1 400\nsize 104857600\n";
      return { exitCode: 0, stdout, stderr: "" };
    },
  },
} as unknown as Endpoint;

let guests = 0;
const foresee = (options: MigrationOptions, changes: Partial<MigrationRequest> = {}) => {
  const request = {
    guest: "vm1",
    // What was measured of late is kept by it.
    uuid: `${++guests}`,
    to: "host2",
    options,
    conditions: { memoryMiB: 768, accelerator: "tcg", nfsTransport: "kernel" },
    ...changes,
  } as MigrationRequest;
  return predictMove(request, options, source);
};
const measures = () => asked.filter((doing) => doing.includes("get dirty")).length > 0;

test("a guest of which nothing is known is measured, and that is kept", async () => {
  const { before, options, predicted } = await foresee({
    mode: "live",
    maxDowntimeMs: 100,
    probeIntervalMs: 5,
  });
  expect(before).toEqual({ dirtyMiBps: 33, residentMiB: 400 });
  expect(options).toEqual({ maxDowntimeMs: 100 });
  expect(predicted).toMatchObject({ converges: true, from: 0 });
});

test.each([
  ["its past tells how it writes", { known: [liveRecord()] }, "live"],
  [
    "its config does",
    {
      conditions: {
        memoryMiB: 768,
        accelerator: "tcg",
        nfsTransport: "kernel",
        workload: { type: "memory", mibPerSecond: 20, workingSetMiB: 128 },
      },
    },
    "hybrid",
  ],
  ["it does not matter", {}, "offline"],
] as [string, Partial<MigrationRequest>, MigrationOptions["mode"]][])(
  "no second is spent on measuring where %s",
  async (_, changes, mode) => {
    const { before } = await foresee({ mode }, changes);
    expect(measures()).toBe(false);
    expect(before).toEqual({ residentMiB: 400 });
    expect(asked).toHaveLength(1);
  },
);

test("an overlay that moves along counts with its size", async () => {
  const localOverlay = { path: "/var/lib/x.qcow2", basePath: "/base.qcow2", baseFormat: "qcow2" } as const;
  const conditions = { memoryMiB: 768, accelerator: "tcg", nfsTransport: "kernel", redo: "local" } as const;
  const moved = await foresee({ mode: "cold" }, { localOverlay, conditions });
  expect(moved.before).toMatchObject({ redoMiB: 100 });
  const shared = await foresee({ mode: "cold" });
  expect(moved.predicted?.totalMs).toBeGreaterThan(shared.predicted?.totalMs ?? Number.NaN);
});

test("a source that does not answer leaves a prediction from what is known", async () => {
  isSilent = true;
  const { before, predicted } = await foresee({ mode: "live" }, { known: [liveRecord()] });
  expect(before).toBeUndefined();
  expect(predicted).toMatchObject({ from: 1 });
});
