import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { closeSessions } from "../../libvirt/session-pool.ts";
import type { Fleet } from "../../migration/fleet.ts";
import { withGuest } from "../../migration/guest-lock.ts";
import { useLocalSsh } from "./local-ssh.ts";

// The lock as it is on the storage host: a real shell, file and lock, in a folder of this machine.

const folder = useLocalSsh();
afterEach(closeSessions);

let count = 0;
const inFolder = () => join(folder, `it's ${++count}`);
const fleetWith = (intentDirectory: string): Fleet => ({
  hosts: {},
  storage: { ssh: { name: "storage", address: "here", port: 22, user: "root" }, intentDirectory },
});
const guest = { guest: "vm1", uuid: "1b7159b2-c702-5eb0-be68-43576be5849d" };

test("one run at a time has a guest", async () => {
  const fleet = fleetWith(inFolder());
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const has = Promise.withResolvers<void>();
  const runs = [
    withGuest(
      guest,
      fleet,
      () => {},
      async () => {
        order.push("first");
        has.resolve();
        await first.promise;
        order.push("first is done");
      },
    ),
    has.promise.then(() =>
      withGuest(
        guest,
        fleet,
        () => {},
        async () => order.push("second"),
      ),
    ),
  ];
  await has.promise;
  setTimeout(first.resolve, 300);
  await Promise.all(runs);
  expect(order).toEqual(["first", "first is done", "second"]);
});

test.each([
  [
    "its file cannot be opened",
    (path: string) => mkdirSync(join(path, `${guest.uuid}.json.lock`), { recursive: true }),
    "Is a directory",
  ],
  ["its folder cannot be made", (path: string) => writeFileSync(path, ""), "File exists"],
])("nobody has it when %s, and it is said why", async (_what, spoil, why) => {
  const path = inFolder();
  spoil(path);
  let used = false;
  const run = withGuest(
    guest,
    fleetWith(path),
    () => {},
    async () => {
      used = true;
    },
  );
  await expect(run).rejects.toThrow(
    new RegExp(
      `^The lock of guest vm1 on storage could not be had: .*${why}\\. Nothing was changed\\. See that .* can be written to there`,
    ),
  );
  expect(used).toBe(false);
});

/** The processes that have a file open. */
const openedBy = (path: string): number[] =>
  readdirSync("/proc").flatMap((process) => {
    try {
      const files = readdirSync(`/proc/${process}/fd`).map((fd) => readlinkSync(`/proc/${process}/fd/${fd}`));
      return files.includes(path) ? [Number(process)] : [];
    } catch {
      return []; // it has ended, or is no process
    }
  });

test("whoever has lost it is told before the next step, and what to do", async () => {
  const path = inFolder();
  await withGuest(
    guest,
    fleetWith(path),
    () => {},
    async ({ assertLocked }) => {
      assertLocked();
      const holders = openedBy(join(path, `${guest.uuid}.json.lock`));
      expect(holders).not.toEqual([]);
      for (const holder of holders) process.kill(holder);
      await vi.waitFor(() =>
        expect(assertLocked).toThrow(
          /^The lock of guest vm1 on storage was lost.* Run again: what was begun is then/,
        ),
      );
    },
  );
});
