import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hardwareChanges } from "../../../domain/hardware.ts";
import { type Fleet, union } from "../../../fleet/fleet.ts";
import { clearIntent, type Intent, intentPath, readIntent, writeIntent } from "../../../fleet/intent.ts";
import { GuestActiveTwice, whereabouts } from "../../../fleet/whereabouts.ts";
import type { DomainSpec } from "../../../libvirt/domain-xml.ts";
import type { Sighting } from "../../../libvirt/sighting.ts";
import { progressText } from "../../../migration/watching/job-progress.ts";
import { decideMove, type Placement } from "../../../provider/decide-move.ts";
import { hasUnknown } from "../../../provider/unknown.ts";
import type { SshSession } from "../../../ssh/session.ts";
import { domainSpec } from "../helpers/domain-spec.ts";

describe("where a guest should be, against where it is", () => {
  const settled: Placement = {
    guest: "vm1",
    desired: "host1",
    actual: "host1",
    applied: "host1",
    placed: "host1",
    drift: "return",
  };
  const decide = (changes: Partial<Placement>) => decideMove({ ...settled, ...changes });
  const moved = { actual: "host2" };

  test("nothing changed", () => {
    expect(decide({})).toEqual({ kind: "stay" });
  });

  test("the config asks for another host", () => {
    expect(decide({ desired: "host2" })).toEqual({
      kind: "move",
      from: "host1",
      to: "host2",
      why: "requested",
    });
  });

  test("someone moved it by hand: it is moved back, kept there, or that is an error", () => {
    expect(decide(moved)).toEqual({ kind: "move", from: "host2", to: "host1", why: "returned" });
    expect(decide({ ...moved, drift: "adopt" })).toEqual({ kind: "adopt", host: "host2" });
    expect(decide({ ...moved, drift: "error" })).toMatchObject({
      kind: "refuse",
      message: expect.stringContaining("Set testbed:placement.vm1 to host2 to keep it there"),
    });
  });

  test("someone moved it to where the config now wants it", () => {
    for (const drift of ["return", "adopt", "error"] as const) {
      expect(decide({ ...moved, desired: "host2", drift })).toEqual({ kind: "stay" });
    }
  });

  test("an adopted guest stays where it was adopted, whatever drift says by now", () => {
    for (const drift of ["return", "adopt", "error"] as const) {
      expect(decide({ actual: "host2", placed: "host2", drift })).toEqual({ kind: "stay" });
    }
  });

  test("an adopted guest that is moved on by hand is a drift again", () => {
    expect(decide({ actual: "host3", placed: "host2" })).toMatchObject({ from: "host3", to: "host1" });
  });

  test("nothing was ever applied: the config is followed", () => {
    const first = { applied: undefined, placed: undefined, actual: "host2", drift: "error" } as const;
    expect(decide(first)).toMatchObject({ kind: "move", why: "requested" });
  });

  const host = fc.constantFrom("host1", "host2", "host3");
  const placement = fc.record({
    guest: fc.constant("vm1"),
    desired: host,
    actual: host,
    applied: fc.option(host, { nil: undefined }),
    placed: fc.option(host, { nil: undefined }),
    drift: fc.constantFrom("return", "adopt", "error"),
  });

  test("a placement that was changed in the config is always followed, from where the guest is", () => {
    fc.assert(
      fc.property(placement, (asked) => {
        fc.pre(asked.desired !== asked.applied);
        const { desired, actual } = asked;
        expect(decideMove(asked)).toEqual(
          desired === actual
            ? { kind: "stay" }
            : { kind: "move", from: actual, to: desired, why: "requested" },
        );
      }),
    );
  });

  test("a move always leads from where it is to where it should be", () => {
    fc.assert(
      fc.property(placement, (asked) => {
        const decision = decideMove(asked);
        if (decision.kind !== "move") return;
        expect(decision).toMatchObject({ from: asked.actual, to: asked.desired });
        expect(asked.actual).not.toBe(asked.desired);
      }),
    );
  });

  test("what was decided, and done, needs no second decision", () => {
    fc.assert(
      fc.property(placement, (asked) => {
        const decision = decideMove(asked);
        if (decision.kind === "refuse") return;
        const actual = decision.kind === "move" ? decision.to : asked.actual;
        const after = { ...asked, actual, placed: actual, applied: asked.desired };
        expect(decideMove(after)).toEqual({ kind: "stay" });
      }),
    );
  });
});

describe("what all hosts say, put together", () => {
  const says = (host: string, state: Sighting["state"]): Sighting => ({
    host,
    state,
    reason: "",
    persistent: true,
  });

  test("it is where it is active, whatever definitions others keep", () => {
    const sightings = [says("host1", "inactive"), says("host2", "paused"), says("host3", "absent")];
    expect(whereabouts("vm1", sightings)).toMatchObject({ kind: "active", host: "host2" });
  });

  test("it is off where it is defined", () => {
    expect(whereabouts("vm1", [says("host1", "absent"), says("host2", "inactive")])).toMatchObject({
      kind: "inactive",
      host: "host2",
    });
  });

  test("no host has it", () => {
    expect(whereabouts("vm1", [says("host1", "absent")])).toEqual({ kind: "nowhere" });
    expect(whereabouts("vm1", [])).toEqual({ kind: "nowhere" });
  });

  test.each(["running", "paused", "stopping", "crashed"] as const)(
    "running on one host and %s on another is nothing to decide about",
    (state) => {
      const twice = () => whereabouts("vm1", [says("host1", "running"), says("host2", state)]);
      expect(twice).toThrow(GuestActiveTwice);
      expect(twice).toThrow(/vm1 is active on host1 and host2 .*Nothing was changed.*virsh destroy/s);
    },
  );
});

describe("hardware", () => {
  const spec = domainSpec;

  test("that is the same needs no restart, in whatever order it is written", () => {
    const reversed = Object.fromEntries(Object.entries(structuredClone(spec)).toReversed());
    expect(hardwareChanges(spec, reversed as unknown as DomainSpec)).toEqual([]);
  });

  test("that changed is named, also what came, went or lies deeper", () => {
    const storage = { ...spec.storage, seedPath: "/e/seed.iso" };
    const vnc = { port: 5901, listen: "0.0.0.0" };
    expect(hardwareChanges(spec, { ...spec, memoryMiB: 768, vcpus: 2 })).toEqual(["memoryMiB", "vcpus"]);
    expect(hardwareChanges(spec, { ...spec, storage })).toEqual(["storage"]);
    expect(hardwareChanges(spec, { ...spec, vnc })).toEqual(["vnc"]);
    expect(hardwareChanges({ ...spec, vnc }, spec)).toEqual(["vnc"]);
  });
});

test("a value that a preview does not know is found however deep it lies", () => {
  const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  expect(hasUnknown(unknown)).toBe(true);
  expect(hasUnknown({ a: [1, { b: unknown }] })).toBe(true);
  expect(hasUnknown({ a: [1, null, { b: `x${unknown}` }], c: undefined })).toBe(false);
  expect(hasUnknown(null)).toBe(false);
});

test("hosts that left the config are still looked on, as they were reached; all else is as it is now", () => {
  const host = (address: string) => ({
    ssh: { name: address, address, port: 22, user: "root" },
    peerAddress: address,
  });
  const storage = (address: string) => ({ ssh: host(address).ssh, intentDirectory: "/e/.migrations" });
  const before: Fleet = { hosts: { host1: host("1"), host2: host("2") }, storage: storage("9") };
  const after: Fleet = { hosts: { host2: host("22"), host3: host("3") }, storage: storage("99") };
  expect(union(before, after)).toEqual({
    hosts: { host1: host("1"), host2: host("22"), host3: host("3") },
    storage: storage("99"),
  });
});

describe("the intent record", () => {
  const path = intentPath("/export/it's here/.migrations", "1b7159b2-c702-5eb0-be68-43576be5849d");
  const intent: Intent = {
    schema: 1,
    guest: "vm1",
    uuid: "1b7159b2-c702-5eb0-be68-43576be5849d",
    from: "host1",
    to: "host2",
    mode: "offline",
    phase: "resuming",
    startedAt: "2026-01-01T00:00:00.000Z",
  };

  /** A storage host on which this file lies. */
  function storageWith(stdout: string) {
    const scripts: string[] = [];
    let input = "";
    const session = {
      target: { name: "storage" },
      run: async (_doing: string, script: string, options?: { input?: string }) => {
        scripts.push(script);
        input = options?.input ?? "";
        return { stdout, stderr: "", exitCode: 0 };
      },
    } as unknown as SshSession;
    return { session, scripts, written: () => input };
  }

  test("is read as it was written", async () => {
    const written = storageWith("");
    await writeIntent(written.session, path, intent);
    expect(await readIntent(storageWith(written.written()).session, path)).toEqual(intent);
  });

  test("that is not there means that no move is under way", async () => {
    expect(await readIntent(storageWith("").session, path)).toBeUndefined();
  });

  test.each([
    ["not JSON", "half a reco"],
    ["someone else's JSON", '{"hello": "world"}'],
    ["of a later version", JSON.stringify({ ...intent, schema: 2 })],
    ["of an unknown mode", JSON.stringify({ ...intent, mode: "teleport" })],
    ["without a phase", JSON.stringify({ ...intent, phase: undefined })],
  ])("that is %s is refused, and nothing is guessed", async (_what, text) => {
    await expect(readIntent(storageWith(text).session, path)).rejects.toThrow(
      `The intent record ${path} on storage is not one this program wrote. Nothing was changed.`,
    );
  });

  test("is quoted for the shell wherever it is named", async () => {
    const { session, scripts } = storageWith("");
    await readIntent(session, path);
    await writeIntent(session, path, intent);
    await clearIntent(session, path);
    const quoted = "'/export/it'\\''s here/.migrations";
    for (const script of scripts) expect(script.replaceAll(quoted, "")).not.toContain("/export");
  });
});

describe("a line of progress", () => {
  test("before anything is sent", () => {
    expect(progressText({ elapsedMs: 58 }, 1100)).toBe("1.1 s, connecting");
  });

  test("while memory is sent", () => {
    const job = { iteration: 2, remainingMiB: 412.4, bandwidthMiBps: 83.489 };
    expect(progressText(job, 2700)).toBe("2.7 s, pass 2, 412 MiB remaining at 83.5 MiB/s");
    expect(progressText({ remainingMiB: 0 }, 900)).toBe("0.9 s, pass 1, 0 MiB remaining");
    expect(progressText({ storageRemainingMiB: 96.4 }, 900)).toBe("0.9 s, storage, 96 MiB remaining");
  });
});
