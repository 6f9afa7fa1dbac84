import { beforeEach, expect, test, vi } from "vitest";
import type { Moving } from "../../../../migration/context/moving.ts";
import { waitForJob } from "../../../../migration/reconciling/wait-for-job.ts";
import type { SshSession } from "../../../../ssh/session.ts";

vi.mock("node:timers/promises", () => import("../../helpers/simulated-time.ts"));

// A job of libvirt's that a dead run left: what comes of it while this run waits.

const uuid = "1b7159b2-c702-5eb0-be68-00000000000a";
const seen = (state: string, job?: string) =>
  `${state}\n====\nPersistent: yes\n====\n${job ? `Operation: ${job}` : ""}\n====\n${uuid}`;
const sending = seen("running (booted)", "Outgoing migration");
const following = seen("paused (post-copy)", "Outgoing migration");
const ended = seen("running (booted)");

let told: string[] = [];
let aborts = 0;
beforeEach(() => {
  told = [];
  aborts = 0;
});

/** Waits for what is seen at the source, look by look, the last for ever; at the destination there is always the same. */
async function wait(
  looks: string[],
  { cancelled = false, other = seen("running (post-copy)"), afterAbort = [] as string[] } = {},
) {
  const session = (at: () => string) =>
    ({
      target: { name: "host1" },
      run: async (_doing: string, script: string) => {
        if (script.includes("domjobabort")) {
          aborts++;
          looks.splice(0, looks.length, ...afterAbort);
        }
        return { exitCode: 0, stdout: at(), stderr: "" };
      },
    }) as unknown as SshSession;
  const source = {
    name: "host1",
    session: session(() => (looks.length > 1 ? (looks.shift() as string) : (looks[0] as string))),
  };
  const moving = {
    guest: "vm1",
    uuid,
    source,
    destination: { name: "host2", session: session(() => other) },
    timeoutMs: 60_000,
    cancelled: cancelled
      ? AbortSignal.abort(new Error("the update was interrupted"))
      : new AbortController().signal,
    tell: (line: string) => void told.push(line),
  } as unknown as Moving;
  await waitForJob(moving, moving.source);
  return told.slice(1);
}

test("it is waited for until it has ended", async () => {
  expect(await wait([sending, sending, sending, ended])).toEqual([]);
  expect(told).toEqual(["vm1: a job of libvirt's still works on it on host1; waiting for its end"]);
  expect(aborts).toBe(0);
});

test("a pre-copy that does not end in its time is given up, once", async () => {
  expect(await wait([sending], { afterAbort: [sending, sending, ended] })).toEqual([
    "vm1: its migration does not come to an end; giving up, it stays on host1",
  ]);
  expect(aborts).toBe(1);
});

test("a pre-copy that is not wanted any more is given up at once", async () => {
  expect(await wait([sending], { cancelled: true, afterAbort: [ended] })).toEqual([
    "vm1: the update was interrupted; giving up, it stays on host1",
  ]);
});

test("what does not end when it is cancelled is for a person to end", async () => {
  await expect(wait([sending], { afterAbort: [sending] })).rejects.toThrow(
    "Guest vm1 on host1 is still busy (Outgoing migration) after 60 s. End the job with `virsh domjobabort vm1` on host1",
  );
  expect(aborts).toBe(1);
});

test("a post-copy takes the time that it takes, and that is told each minute", async () => {
  const lines = await wait([...Array.from({ length: 300 }, () => following), ended]);
  expect(lines.map((line) => line.replace(/ \d+ s;/, " so long;"))).toEqual(
    [60, 120].map(
      () =>
        "vm1: its memory still follows from host1 to host2 after so long; in post-copy there is no way back",
    ),
  );
  expect(aborts).toBe(0);
});

test("a post-copy that is not wanted any more goes on, and that is told once", async () => {
  expect(await wait([following, following, following, ended], { cancelled: true })).toEqual([
    "vm1: the update was interrupted; in post-copy there is no way back",
  ]);
  expect(aborts).toBe(0);
});

test("a post-copy whose other end is off will not end: its memory is lost, and what to do is said", async () => {
  await expect(wait([following], { other: seen("shut off (crashed)") })).rejects.toThrow(
    "Guest vm1 has a part of its memory on host1, and is off on host2, where the rest was; libvirt still waits for that (Outgoing migration)",
  );
});
