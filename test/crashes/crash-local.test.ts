import { afterEach, describe, expect, test, vi } from "vitest";
import { closeSessions } from "../../ssh/session-pool.ts";
import { ownDisk } from "../unit/helpers/simulated-fleet.ts";
import { world } from "../unit/helpers/simulated-session.ts";
import {
  begin,
  describeMoves,
  describeRefusals,
  expectSettled,
  keepOverlay,
  run,
  runInto,
  story,
  uuid,
} from "./crashes.ts";

// The same where the guest's overlay is its host's own, and moves along.

vi.mock("../../ssh/session.ts", () => import("../unit/helpers/simulated-session.ts"));
vi.mock("node:timers/promises", () => import("../unit/helpers/simulated-time.ts"));
afterEach(closeSessions);
keepOverlay("local");

describeMoves();

describe("what cannot be done", () => {
  describeRefusals([
    ["live", "host2", "qemu-img", "No space left on device"],
    ["live", "host1", "migrate", "cannot migrate here"],
    ["offline", "host1", "scp", "No space left on device"],
    ["offline", "host2", "restore", "cannot restore here"],
    ["cold", "host1", "scp", "No space left on device"],
    ["cold", "host2", "define", "cannot define here"],
  ]);

  test.each(["offline", "cold"] as const)(
    "a power cut while what was to go (%s) is put back brings no old copy back",
    async (mode) => {
      for (let step = 0; ; step++) {
        begin();
        world.refusals.set("host2", mode === "cold" ? "define" : "restore");
        if (!(await runInto("crash with libvirtd", step, mode))) return;
        world.cutPower("host1");
        world.refusals.clear();
        const outcome = await run(mode).catch((error: Error) => error);
        expect(world.violations, story()).toEqual([]);
        if (outcome instanceof Error)
          expect(outcome.message, story()).toContain("cannot be moved: it is inactive");
        else expectSettled();
      }
    },
  );

  test("a guest whose overlay was taken away under it stays where it is, with what it has open", async () => {
    begin();
    world.machine("host1").files.delete(ownDisk("vm1"));
    for (const mode of ["live", "offline", "cold"] as const) {
      await expect(run(mode)).rejects.toThrow("the size of guest vm1's overlay");
      expect(world.runningOn(uuid), story()).toEqual(["host1"]);
    }
  });
});
