import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { intentPath } from "../../../fleet/intent.ts";
import { lookNow } from "../../../fleet/observe.ts";
import { forgetLooks, lookAfresh, lookFor } from "../../../fleet/shared-view.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { simulate, world } from "../helpers/simulated-session.ts";

vi.mock("../../../ssh/session.ts", () => import("../helpers/simulated-session.ts"));

const uuids = Array.from({ length: 20 }, (_, i) => `1b7159b2-c702-5eb0-be68-${String(i).padStart(12, "0")}`);
const intent = {
  schema: 1,
  guest: "vm3",
  uuid: uuids[3],
  from: "host1",
  to: "host2",
  mode: "live",
  phase: "begun",
  startedAt: "2026-11-29T12:00:00Z",
};

beforeEach(() => {
  simulate(["host1", "host2", "host3"]);
  for (const [i, uuid] of uuids.entries()) {
    const machine = world.machine(i % 2 ? "host1" : "host2");
    const guest = machine.add({ uuid, name: `vm${i}` });
    if (i % 3) machine.boot(guest);
  }
  world.byHand("host2", ["managedsave", uuids[2] as string]);
  const path = intentPath(world.fleet.storage.intentDirectory, uuids[3] as string);
  world.machine("storage").files.set(path, { text: JSON.stringify(intent) });
  world.log.length = 0;
});
afterEach(closeSessions);
afterEach(forgetLooks);
afterEach(() => vi.useRealTimers());

describe("a shared look", () => {
  test("shows of each guest what a look at it alone does", async () => {
    for (const uuid of [...uuids, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"]) {
      expect(await lookFor(world.fleet, uuid)).toEqual(await lookNow(world.fleet, uuid));
    }
  });

  test("takes one command a machine, however many guests ask", async () => {
    await Promise.all(uuids.map((uuid) => lookFor(world.fleet, uuid)));
    expect(world.log).toHaveLength(4);
  });

  test("is not shared once this program has changed something, nor with who asks later", async () => {
    const [uuid = ""] = uuids;
    vi.useFakeTimers({ toFake: ["performance"] });
    await lookFor(world.fleet, uuid);
    vi.advanceTimersByTime(4_000);
    await lookFor(world.fleet, uuid);
    expect(world.log).toHaveLength(4);
    forgetLooks();
    await lookFor(world.fleet, uuid);
    expect(world.log).toHaveLength(8);
    vi.advanceTimersByTime(6_000);
    await lookFor(world.fleet, uuid);
    expect(world.log).toHaveLength(12);
  });

  test("that fails is tried again by whoever comes next", async () => {
    const [uuid = ""] = uuids;
    world.unreachable.add("host2");
    await expect(lookFor(world.fleet, uuid)).rejects.toThrow("host2 cannot be reached");
    world.unreachable.clear();
    await closeSessions();
    expect((await lookFor(world.fleet, uuid)).sightings).toHaveLength(3);
  });

  test("tells of a record that cannot be understood to those alone whose it is", async () => {
    const [mine = "", other = ""] = uuids;
    const path = intentPath(world.fleet.storage.intentDirectory, mine);
    world.machine("storage").files.set(path, { text: "torn {" });
    await expect(lookFor(world.fleet, mine)).rejects.toThrow(/^The intent record .* is not one this program/);
    expect((await lookFor(world.fleet, other)).intent).toBeUndefined();
  });
});

describe("looks that begin after they are asked for", () => {
  test("are shared by those who ask while one is under way", async () => {
    const first = lookAfresh(world.fleet);
    const others = uuids.map(async (uuid) => (await lookAfresh(world.fleet)).guest(uuid));
    const together = await Promise.all(others);
    await first;
    expect(world.log).toHaveLength(8);
    expect(together).toEqual(await Promise.all(uuids.map((uuid) => lookNow(world.fleet, uuid))));
  });

  test("show what was changed before they were asked for, while another one was under way", async () => {
    const [uuid = ""] = uuids;
    const before = lookAfresh(world.fleet);
    world.byHand("host2", ["start", uuid]);
    const after = await (await lookAfresh(world.fleet)).guest(uuid);
    await before;
    expect(after.sightings.find(({ host }) => host === "host2")?.state).toBe("running");
  });

  test("are made for each who asks when none is under way", async () => {
    await lookAfresh(world.fleet);
    await lookAfresh(world.fleet);
    expect(world.log).toHaveLength(8);
  });

  test("that follow one that failed are made", async () => {
    world.unreachable.add("host2");
    const failing = lookAfresh(world.fleet);
    const failed = expect(failing).rejects.toThrow("host2 cannot be reached");
    const next = failing.catch(() => {
      world.unreachable.clear();
    });
    const following = lookAfresh(world.fleet);
    await Promise.all([failed, next]);
    await following.catch(() => {});
    expect((await lookAfresh(world.fleet)).named("vm4")).toEqual([{ host: "host2", uuid: uuids[4] }]);
  });

  test("tell who has a name", async () => {
    world.machine("host3").add({ uuid: "04da6b54-80e4-46f7-96ec-b56ff0331ba9", name: "vm1" });
    const view = await lookAfresh(world.fleet);
    expect(view.named("vm1")).toEqual([
      { host: "host1", uuid: uuids[1] },
      { host: "host3", uuid: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" },
    ]);
    expect(view.named("vm")).toEqual([]);
  });
});
