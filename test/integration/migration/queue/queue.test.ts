import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clearPlace } from "../../../../fleet/queue-place.ts";
import type { QueueEntry } from "../../../../migration/queue/admission.ts";
import { type QueueTurn, queueProgram, withTurn } from "../../../../migration/queue/queue.ts";
import { SshSession } from "../../../../ssh/session.ts";
import { useLocalSsh } from "../../helpers/local-ssh.ts";

// The queue as it is on the storage host: real shells, files and locks, in a folder of this machine.

const folder = useLocalSsh();
let directory = "";
let count = 0;
let session: SshSession;
let cancelled: AbortController;
const told: string[] = [];

beforeEach(async () => {
  directory = join(folder, `it's ${++count}`);
  told.length = 0;
  cancelled = new AbortController();
  session = await SshSession.open({ name: "storage", address: "here", port: 22, user: "root" });
});
afterEach(() => session.close());

type Wanted = Omit<QueueEntry, "moving">;
const wanted = (guest: string, changes: Partial<Wanted> = {}): Wanted => ({
  guest,
  uuid: guest,
  from: "host1",
  to: "host2",
  memoryMiB: 512,
  sizeMiB: 512,
  perHost: 2,
  ...changes,
});
const withTurnOf = <T>(entry: Wanted, use: (turn: QueueTurn) => Promise<T>) =>
  withTurn(session, directory, entry, (line) => told.push(line), cancelled.signal, use);

test("whoever is alone has its turn at once, and leaves no trace", async () => {
  const turn = await withTurnOf(wanted("a"), async ({ waitedMs, entries }) => {
    expect(readdirSync(join(directory, "queue"))).toEqual(["a"]);
    return { waitedMs, entries: entries() };
  });
  expect(turn).toEqual({ waitedMs: 0, entries: [{ ...wanted("a"), moving: true }] });
  expect(existsSync(join(directory, "queue"))).toBe(false);
  expect(told).toEqual([]);
});

test("never more than so many at a time at a host, and none is forgotten", async () => {
  let [under, most] = [0, 0];
  const met = Promise.withResolvers<void>();
  const guests = ["a", "b", "c", "d", "e"];
  const move = (guest: string) =>
    withTurnOf(wanted(guest), async ({ entries }) => {
      most = Math.max(most, ++under);
      expect(entries().filter(({ moving }) => moving).length).toBeLessThanOrEqual(2);
      if (under === 2) met.resolve();
      await met.promise;
      await sleep(20);
      under--;
      return guest;
    });
  expect(await Promise.all(guests.map(move))).toEqual(guests);
  expect(most).toBe(2);
  expect(existsSync(join(directory, "queue"))).toBe(false);
});

test("those that wait go the smallest first, whatever the order they came in", async () => {
  const order: string[] = [];
  const move = (guest: string, sizeMiB: number, until?: () => boolean) =>
    withTurnOf(wanted(guest, { sizeMiB, perHost: 1 }), async ({ waitedMs }) => {
      order.push(guest);
      expect(waitedMs > 0).toBe(until === undefined);
      while (until && !until()) await sleep(10);
    });
  const first = move("first", 9999, () => told.length === 3);
  while (order.length === 0) await sleep(10);
  await Promise.all([first, move("large", 4096), move("medium", 1024), move("small", 256)]);
  expect(order).toEqual(["first", "small", "medium", "large"]);
  expect(told).toContain("small: waits for first (a host takes part in 1 at a time)");
});

test("one that fails leaves as well", async () => {
  await expect(withTurnOf(wanted("a"), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(join(directory, "queue"))).toBe(false);
});

test("one that is cancelled while it waits leaves, and does nothing", async () => {
  const used: string[] = [];
  await withTurnOf(wanted("first", { perHost: 1 }), async () => {
    const waiting = withTurnOf(wanted("second", { perHost: 1 }), async () => used.push("second"));
    while (told.length === 0) await sleep(10);
    cancelled.abort(new Error("not any more"));
    await expect(waiting).rejects.toThrow("not any more");
    expect(readdirSync(join(directory, "queue"))).toEqual(["first"]);
  });
  expect(used).toEqual([]);
});

test("the place of a run that was killed is free, and its file goes", async () => {
  const place = `exec bash -c '${queueProgram.replaceAll("'", "'\\''")} join "$0" dead w m' "$0"`;
  const dead = spawn("bash", ["-c", place, directory], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(dead.stdout, "data");
  expect(readdirSync(join(directory, "queue"))).toEqual(["dead"]);
  process.kill(-(dead.pid as number), "SIGKILL");
  await once(dead, "exit");
  // Alone but for the dead one, even if no more than one may move.
  await withTurnOf(wanted("a", { perHost: 1 }), async ({ waitedMs }) => {
    expect(waitedMs).toBe(0);
    expect(readdirSync(join(directory, "queue"))).toEqual(["a"]);
  });
  expect(existsSync(join(directory, "queue"))).toBe(false);
});

test("the place of a dead run can be cleared, and no other one's", async () => {
  const queue = join(directory, "queue");
  mkdirSync(queue, { recursive: true });
  for (const dead of ["dead", "other"]) writeFileSync(join(queue, dead), "{}\n");
  await clearPlace(session, directory, "dead");
  expect(readdirSync(queue)).toEqual(["other"]);
  await clearPlace(session, directory, "other");
  expect(existsSync(queue)).toBe(false);
  await clearPlace(session, directory, "other");
});

test("a turn is not taken on a view that is out of date", async () => {
  mkdirSync(join(directory, "queue"), { recursive: true });
  await withTurnOf(wanted("a"), async () => {
    const take = (expected: string) =>
      session.run("taking", `${queueProgram}\ntake "${directory}" b '{}'`, { input: expected });
    const now = JSON.stringify({ ...wanted("a"), moving: true });
    expect((await take("")).stdout).toBe(`changed\n${now}`);
    expect((await take(now)).stdout).toBe("taken");
  });
});

test("whoever cannot stand in the queue is told", async () => {
  writeFileSync(directory, "not a folder");
  await expect(withTurnOf(wanted("a"), async () => {})).rejects.toThrow(
    "Guest a lost its place among those that are to move: the connection to storage ended. Nothing was changed",
  );
});

test("a command that ends by itself is over for whoever follows it", async () => {
  const lines: string[] = [];
  const follower = session.follow("echo one; echo two", (line) => lines.push(line));
  await follower.ended;
  expect(lines).toEqual(["one", "two"]);
});

test("what a followed command started is ended with it", async () => {
  const pids: number[] = [];
  const started = Promise.withResolvers<void>();
  const follower = session.follow("sleep 1000 & echo $!; wait", (line) => {
    pids.push(Number(line));
    started.resolve();
  });
  await started.promise;
  await follower.stop();
  expect(existsSync(`/proc/${pids[0]}/exe`)).toBe(false);
});
