import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Intent } from "../../../../fleet/intent.ts";
import { IntentRecord } from "../../../../migration/context/intent-record.ts";
import type { Moving } from "../../../../migration/context/moving.ts";
import type { QueueEntry } from "../../../../migration/queue/admission.ts";
import { sharedBandwidth } from "../../../../migration/queue/bandwidth.ts";
import { type Watched, Watcher } from "../../../../migration/watching/watcher.ts";
import type { MigrationOptions } from "../../../../moves/options.ts";
import type { RunOptions, SshSession } from "../../../../ssh/session.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const uuid = "1b7159b2-c702-5eb0-be68-00000000000a";

/** A move under way, and what hosts and person are told meanwhile. */
function moves({
  exits = [] as number[],
  sighting = "running (booted)",
  options = {} as Partial<MigrationOptions>,
} = {}) {
  const commands: string[] = [];
  const told: string[] = [];
  const cancelling = new AbortController();
  const { promise: command, resolve: end, reject: fail } = Promise.withResolvers<void>();
  const session = {
    target: { name: "host1" },
    run: async (doing: string, script: string, { allowFailure }: RunOptions = {}) => {
      if (doing.startsWith("writing")) return { exitCode: 0, stdout: "", stderr: "" };
      const [said] = /'(migrate-|domjob|suspend).*/.exec(script) ?? [];
      const stdout = `${sighting}\n====\nPersistent: yes\n====\nOperation: Outgoing migration\n====\n${uuid}`;
      if (said === undefined) return { exitCode: 0, stdout, stderr: "" };
      commands.push(said.replaceAll("'", "").replace(uuid, "vm1"));
      if (said.includes("domjobabort")) fail(new Error("canceled by client"));
      const exitCode = exits.shift() ?? 0;
      if (exitCode !== 0 && !allowFailure) throw new Error("refused");
      return { exitCode, stdout: "", stderr: "" };
    },
  } as unknown as SshSession;
  const intent = { phase: "begun" } as Intent;
  const moving = {
    guest: "vm1",
    uuid,
    intent: new IntentRecord(session, "/e/vm1.json", intent),
    source: { name: "host1", session },
    destination: { name: "host2", session },
    options: { mode: "live", ...options },
    timeoutMs: 60_000,
    cancelled: cancelling.signal,
    tell: (line: string) => void told.push(line),
  } as unknown as Moving;
  const watch = (watched: Partial<Watched> = {}) => {
    const watcher = new Watcher(moving, { unfinished: "not done", ...watched });
    const over = watcher
      .during(() => command)
      .then(
        () => "done",
        (error: Error) => error.message,
      );
    return { watcher, over };
  };
  return { moving, commands, told, end, watch, cancel: (why: string) => cancelling.abort(new Error(why)) };
}

const active = { event: "MIGRATION", data: { status: "active" } } as never;
const inPass = (pass: number) => ({ event: "MIGRATION_PASS", data: { pass } }) as never;

describe("its time", () => {
  test("is over: it is given up, and that is why it ended", async () => {
    const { commands, told, watch } = moves();
    const { over } = watch();
    await vi.advanceTimersByTimeAsync(59_999);
    expect(commands).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    const why = "not done after 60 s (migration.timeoutMs); giving up, it stays on host1";
    expect(await over).toBe(why);
    expect(told).toEqual([`vm1: ${why}`]);
    expect(commands).toEqual(["domjobabort vm1"]);
  });

  test("is over, and it is paused, or turned to post-copy", async () => {
    for (const [onTimeout, command, words] of [
      ["suspend", "suspend vm1", "pausing it until it is on host2"],
      ["postcopy", "migrate-postcopy vm1", "turning to post-copy"],
    ] as const) {
      const { commands, told, end, watch } = moves();
      const { over } = watch({ onTimeout });
      await vi.advanceTimersByTimeAsync(200_000);
      end();
      expect(await over).toBe("done");
      expect(commands).toEqual([command]);
      // Turned, it takes the time that it takes.
      const after = onTimeout === "postcopy" ? ["in post-copy there is no way back"] : [];
      expect(told).toEqual(
        [words, ...after].map((said) => `vm1: not done after 60 s (migration.timeoutMs); ${said}`),
      );
    }
  });

  test("is over, and it cannot be turned to post-copy: it is given up", async () => {
    const { commands, watch } = moves({ exits: [1] });
    const { over } = watch({ onTimeout: "postcopy" });
    await vi.advanceTimersByTimeAsync(60_001);
    expect(await over).toContain("giving up, it stays on host1");
    expect(commands).toEqual(["migrate-postcopy vm1", "domjobabort vm1"]);
  });
});

describe("one that is not wanted any more", () => {
  test("is given up at once", async () => {
    const { watch, commands, cancel } = moves();
    const { over } = watch({ postcopyDueInMs: () => Number.POSITIVE_INFINITY });
    await vi.advanceTimersByTimeAsync(100);
    cancel("the update was interrupted");
    expect(await over).toBe("the update was interrupted; giving up, it stays on host1");
    expect(commands).toEqual(["domjobabort vm1"]);
  });

  test("does not turn to post-copy after that, even if a pass ends", async () => {
    const { watch, commands, cancel } = moves();
    const { watcher, over } = watch({
      postcopyDueInMs: ({ pass }) => (pass > 1 ? 0 : Number.POSITIVE_INFINITY),
    });
    cancel("the update was interrupted");
    watcher.hears(inPass(2));
    await over;
    expect(commands).toEqual(["domjobabort vm1"]);
  });

  test("goes on where it is in post-copy", async () => {
    const { watch, commands, told, cancel, end } = moves();
    const { over } = watch({ postcopyDueInMs: () => 0 });
    cancel("the update was interrupted");
    await vi.advanceTimersByTimeAsync(5_000);
    end();
    expect(await over).toBe("done");
    expect(commands).toEqual(["migrate-postcopy vm1"]);
    expect(told).toEqual(["vm1: the update was interrupted; in post-copy there is no way back"]);
  });

  test("is given up as well when it was to turn to post-copy and did not", async () => {
    const { watch, commands, cancel, moving } = moves({ exits: [1] });
    const { over } = watch({ postcopyDueInMs: () => 0 });
    await vi.advanceTimersByTimeAsync(100);
    cancel("the update was interrupted");
    expect(await over).toBe("the update was interrupted; giving up, it stays on host1");
    expect(commands).toEqual(["migrate-postcopy vm1", "domjobabort vm1"]);
    // Whoever takes over does not let the source go on without having looked.
    expect(moving.intent.now.phase).toBe("postcopy");
  });
});

describe("post-copy", () => {
  test("is turned to as soon as a pass has ended, and again when that was too early", async () => {
    const { watch, commands, end } = moves({ exits: [1] });
    const { watcher } = watch({ postcopyDueInMs: ({ pass }) => (pass > 1 ? 0 : Number.POSITIVE_INFINITY) });
    watcher.hears(active);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(commands).toEqual([]);
    watcher.hears(inPass(2));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(commands).toEqual(["migrate-postcopy vm1", "migrate-postcopy vm1"]);
    end();
  });

  test("is turned to by what libvirt tells, should no event be heard", async () => {
    const { watch, commands, end } = moves();
    const { watcher } = watch({ postcopyDueInMs: ({ pass }) => (pass > 1 ? 0 : Number.POSITIVE_INFINITY) });
    watcher.sees({ remainingMiB: 100, iteration: 2 });
    await vi.advanceTimersByTimeAsync(0);
    expect(commands).toEqual(["migrate-postcopy vm1"]);
    end();
  });

  test("is turned to after its time, to the millisecond", async () => {
    const { watch, commands, end } = moves();
    const dueInMs: Watched["postcopyDueInMs"] = ({ active, activeForMs }) =>
      active ? Math.max(0, 1_234 - activeForMs) : Number.POSITIVE_INFINITY;
    const { watcher } = watch({ postcopyDueInMs: dueInMs });
    watcher.hears(active);
    await vi.advanceTimersByTimeAsync(1_233);
    expect(commands).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(commands).toEqual(["migrate-postcopy vm1"]);
    end();
  });

  test("whose source is off, while libvirt waits and tells nothing, has ended", async () => {
    const { watch } = moves({ sighting: "shut off (crashed)" });
    const { watcher, over } = watch({ postcopyDueInMs: () => 0 });
    await vi.advanceTimersByTimeAsync(100);
    for (let i = 0; i < 15; i++) watcher.sees(undefined);
    expect(await over).toBe("guest vm1 is off on host1, and a part of its memory was still there");
  });
});

describe("another move that comes while one with a limit of 40 MiB/s is under way", () => {
  const entry = (guest: string, of: string): QueueEntry => ({
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
  async function share(options: Partial<MigrationOptions>, exits: number[] = [], isActive = true) {
    const { moving, commands, told, end, watch } = moves({
      exits,
      options: { bandwidthMiBps: 40, ...options },
    });
    const own = entry("vm1", uuid);
    const entries = vi.fn(() => [own]);
    const { watcher, over } = watch({ shareMiBps: sharedBandwidth(moving, { entries }) });
    expect(watcher.limitMiBps).toBe(40);
    if (isActive) watcher.hears(active);
    await vi.advanceTimersByTimeAsync(2_000);
    entries.mockImplementation(() => [own, entry("vm2", "1b7159b2-c702-5eb0-be68-00000000000b")]);
    await vi.advanceTimersByTimeAsync(2_000);
    end();
    await over;
    expect(moving.options.bandwidthMiBps).toBe(40);
    return { limits: commands, told };
  }

  const half = "vm1: sends up to 20 MiB/s from here on, its part of 40";

  test("sets its share once", async () => {
    expect(await share({})).toEqual({ limits: ["migrate-setspeed vm1 20"], told: [half] });
  });

  test.each([{ mode: "hybrid" }, { mode: "postcopy" }, { mode: "live", onTimeout: "postcopy" }] as const)(
    "sets it for post-copy as well where it may turn to that, whether or not it has turned (%o)",
    async (options) => {
      const limits = ["migrate-setspeed vm1 20", "migrate-setspeed vm1 20 --postcopy"];
      expect(await share(options)).toEqual({ limits, told: [half] });
    },
  );

  test("tries again what could not be set, and tells it once it is", async () => {
    const limits = ["migrate-setspeed vm1 20", "migrate-setspeed vm1 20"];
    expect(await share({}, [1])).toEqual({ limits, told: [half] });
  });

  test("sets nothing before memory is sent", async () => {
    expect(await share({}, [], false)).toEqual({ limits: [], told: [] });
  });

  test("concerns no move without a limit, and none of a guest that is off", () => {
    for (const options of [{ mode: "live" }, { mode: "offline", bandwidthMiBps: 40 }] as const)
      expect(sharedBandwidth({ uuid, options }, { entries: () => [entry("vm1", uuid)] })).toBeUndefined();
  });
});
