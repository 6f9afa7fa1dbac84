import { expect, test } from "vitest";
import type { Intent } from "../../../../fleet/intent.ts";
import type { Moving } from "../../../../migration/context/moving.ts";
import { transfer } from "../../../../migration/modes/transfer.ts";
import type { RunOptions, SshSession } from "../../../../ssh/session.ts";

const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";

/** What virsh is given of time when it migrates, and whether it gets more of it once that is over. */
async function timeFor(phase: Intent["phase"], state: string) {
  let given: RunOptions = {};
  const session = {
    target: { name: "host1" },
    follow: () => ({ ended: new Promise(() => {}), stop: async () => {} }),
    run: async (doing: string, _script: string, options: RunOptions = {}) => {
      if (doing.startsWith("migrating")) given = options;
      const stdout = `${state}\n====\nPersistent: yes\n====\nOperation: Outgoing migration\n====\n${uuid}`;
      return { stdout, stderr: "", exitCode: 0 };
    },
  } as unknown as SshSession;
  const endpoint = { name: "host1", host: { peerAddress: "10.77.0.11" }, session };
  const moving = {
    guest: "vm1",
    uuid,
    intent: { now: { phase } as Intent },
    source: endpoint,
    destination: endpoint,
    options: { mode: "hybrid" },
    timeoutMs: 30_000,
    cancelled: new AbortController().signal,
    tell: () => {},
  } as unknown as Moving;
  await transfer(moving, { witness: { onSource: () => () => false } });
  return { timeoutMs: given.timeoutMs, getsMore: await given.getsMoreTime?.() };
}

test("a transfer has a minute beyond its time to be given up in", async () => {
  expect(await timeFor("begun", "running (booted)")).toEqual({ timeoutMs: 90_000, getsMore: false });
});

test("in post-copy it takes the time that it takes", async () => {
  expect(await timeFor("postcopy", "paused (post-copy)")).toMatchObject({ getsMore: true });
});

test("one that was to turn to post-copy and did not has no more time than others", async () => {
  expect(await timeFor("postcopy", "running (booted)")).toMatchObject({ getsMore: false });
});
