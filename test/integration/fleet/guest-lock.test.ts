import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import type { Fleet } from "../../../fleet/fleet.ts";
import { withGuest } from "../../../fleet/guest-lock.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

// The lock as it is on the storage host: a real shell, file and lock, in a folder of this machine.

const folder = useLocalSsh();
afterEach(closeSessions);

let count = 0;
const inFolder = () => join(folder, `it's ${++count}`);
const fleetWith = (intentDirectory: string, formerDirectory?: string): Fleet => ({
  hosts: {},
  storage: {
    ssh: { name: "storage", address: "here", port: 22, user: "root" },
    intentDirectory,
    ...(formerDirectory !== undefined && { formerDirectory }),
  },
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

const ignore = () => {};
const lockIn = (path: string) => join(path, `${guest.uuid}.json.lock`);

test("whoever waits is told who has it, and has it alone when its file was removed meanwhile", async () => {
  const path = inFolder();
  const fleet = fleetWith(path);
  const told: string[] = [];
  let [under, most] = [0, 0];
  const use = async () => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, 500));
    under--;
  };
  const waiting: Promise<void>[] = [];
  await withGuest({ ...guest, doing: "removing it" }, fleet, ignore, async () => {
    waiting.push(withGuest(guest, fleet, (line) => told.push(line), use));
    await vi.waitFor(
      () => expect(told[0]).toMatch(/still works on it.*@.*, process \d+, since .*: removing it/),
      15_000,
    );
    rmSync(lockIn(path));
    waiting.push(withGuest(guest, fleet, ignore, use));
    await vi.waitFor(() => expect(most).toBe(1), 10_000);
  });
  await Promise.all(waiting);
  expect(most).toBe(1);
});

test("it and its folder are root's alone", async () => {
  const path = inFolder();
  await withGuest(guest, fleetWith(path), ignore, async () => {
    expect(lstatSync(path).mode & 0o777).toBe(0o700);
    expect(lstatSync(lockIn(path)).mode & 0o777).toBe(0o600);
  });
});

test("what a version before left unfinished in the export is taken over, and such a version then uses the same folder", async () => {
  const [path, former] = [join(inFolder(), "moves"), join(inFolder(), ".migrations")];
  mkdirSync(former, { recursive: true });
  const name = `${guest.uuid}.json`;
  writeFileSync(join(former, name), "unfinished\n");
  symlinkSync("/etc/hostname", join(former, "planted.json"));
  await withGuest(guest, fleetWith(path, former), ignore, async () => {
    expect(readFileSync(join(path, name), "utf8")).toBe("unfinished\n");
    expect(readlinkSync(former)).toBe(path);
    expect(existsSync(`${former}.former`)).toBe(false);
    expect(readdirSync(path)).not.toContain("planted.json");
    const old = `exec 9> '${lockIn(former).replaceAll("'", "'\\''")}' && flock -n 9`;
    expect(() => execFileSync("bash", ["-c", old])).toThrow();
  });
});

test("a run of the version before is waited for", async () => {
  const [path, former] = [join(inFolder(), "moves"), join(inFolder(), ".migrations")];
  mkdirSync(former, { recursive: true });
  const old = spawn("bash", ["-c", 'exec 9> "$0" && flock 9 && exec sleep 1000', lockIn(former)]);
  try {
    await vi.waitFor(() => expect(openedBy(lockIn(former))).not.toEqual([]));
    let has = false;
    const told: string[] = [];
    const run = withGuest(
      guest,
      fleetWith(path, former),
      (line) => told.push(line),
      async () => {
        has = true;
      },
    );
    await vi.waitFor(() => expect(told.join()).toContain("an earlier version of this program"), 15_000);
    expect(has).toBe(false);
    old.kill();
    await run;
    expect(has).toBe(true);
  } finally {
    old.kill();
  }
});

test("a link that another one planted in the place of the former folder is not followed", async () => {
  const [path, former] = [join(inFolder(), "moves"), join(inFolder(), ".migrations")];
  mkdirSync(join(former, ".."), { recursive: true });
  symlinkSync("/etc", former);
  await expect(withGuest(guest, fleetWith(path, former), ignore, async () => {})).rejects.toThrow(
    /could not be had: .* is a link to \/etc and not to /,
  );
});
