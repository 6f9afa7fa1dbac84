import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SshSession } from "../../../../libvirt/ssh-session.ts";
import type { Moving } from "../../../../migration/context/moving.ts";
import type { Entry } from "../../../../migration/queue/admission.ts";
import { withBandwidthShare } from "../../../../migration/queue/bandwidth.ts";
import type { Turn } from "../../../../migration/queue/queue.ts";
import type { MigrationOptions } from "../../../../moves/options.ts";

// Another move comes while one with a limit of 40 MiB/s is under way, and goes again.

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const uuid = "1b7159b2-c702-5eb0-be68-00000000000a";
const entry = (guest: string, of: string): Entry => ({
  uuid: of,
  guest,
  from: "host1",
  to: "host2",
  memoryMiB: 512,
  sizeMiB: 512,
  perHost: 2,
  moving: true,
});

/** What virsh was told, and the person, while a move had its share. */
async function share(options: Partial<MigrationOptions>, answers: number[] = []) {
  const limits: string[] = [];
  const told: string[] = [];
  const session = {
    run: async (_doing: string, script: string) => {
      limits.push(/'migrate-setspeed'.*/.exec(script)?.[0].replaceAll("'", "").replace(uuid, "vm1") ?? "");
      return { exitCode: answers.shift() ?? 0, stdout: "", stderr: "" };
    },
  } as unknown as SshSession;
  const moving = {
    guest: "vm1",
    uuid,
    intent: { phase: "begun" },
    source: { session },
    options: { mode: "live", bandwidthMiBps: 40, ...options },
    tell: (line: string) => void told.push(line),
  } as unknown as Moving;
  const own = entry("vm1", uuid);
  const entries = vi.fn(() => [own]);
  const { promise: done, resolve: end } = Promise.withResolvers<void>();
  const shared = withBandwidthShare(
    moving,
    { entries, waitedMs: 0 } as unknown as Turn,
    () => true,
    () => done,
  );
  await vi.advanceTimersByTimeAsync(2_000);
  entries.mockImplementation(() => [own, entry("vm2", "1b7159b2-c702-5eb0-be68-00000000000b")]);
  await vi.advanceTimersByTimeAsync(2_000);
  end();
  await shared;
  return { limits, told };
}

const half = "vm1: sends up to 20 MiB/s from here on, its part of 40";

test("its share is set once", async () => {
  expect(await share({})).toEqual({ limits: ["migrate-setspeed vm1 20"], told: [half] });
});

test.each([{ mode: "hybrid" }, { mode: "postcopy" }, { mode: "live", onTimeout: "postcopy" }] as const)(
  "where it may turn to post-copy it is set for that as well, whether or not it has turned (%o)",
  async (options) => {
    const limits = ["migrate-setspeed vm1 20", "migrate-setspeed vm1 20 --postcopy"];
    expect(await share(options)).toEqual({ limits, told: [half] });
  },
);

test("one that could not be set is tried again, and told once it is set", async () => {
  const limits = ["migrate-setspeed vm1 20", "migrate-setspeed vm1 20"];
  expect(await share({}, [1])).toEqual({ limits, told: [half] });
});
