import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SshSession } from "../../../ssh/session.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

// A session's commands, run by a real shell on this machine.

useLocalSsh();
let session: SshSession;
beforeEach(async () => {
  session = await SshSession.open({ name: "host1", address: "here", port: 22, user: "root" });
});
afterEach(() => session.close());

const running = async (marker: string) =>
  (await execa("pgrep", ["-fc", `^sleep ${marker}`], { reject: false })).stdout;

test("a command that may be ended early gives what it printed, and fails as others do", async () => {
  const { signal } = new AbortController();
  const script = "echo out\necho err >&2";
  expect(await session.run("speaking", script, { signal })).toEqual({
    stdout: "out",
    stderr: "err",
    exitCode: 0,
  });
  await expect(session.run("failing", "set -e\nfalse\necho on", { signal })).rejects.toThrow(
    "failing on host1 failed (exit code 1)",
  );
});

test("it is ended with all that it started, and says why", async () => {
  const controller = new AbortController();
  const marker = `604.0${process.pid}`;
  const script = `set -e\nsleep ${marker} & sleep ${marker}`;
  const command = session.run("sleeping", script, { signal: controller.signal });
  await expect.poll(() => running(marker)).toBe("2");
  controller.abort(new Error("it is not wanted any more"));
  await expect(command).rejects.toThrow(/sleeping on host1 failed .*it is not wanted any more/);
  await expect.poll(() => running(marker)).toBe("0");
});

test("a connection that breaks later does not say that nothing was changed", async () => {
  await session.close();
  for (const use of [() => session.run("moving", "exit 255"), () => session.readClock()]) {
    await expect(use()).rejects.toThrow(
      /^The connection over SSH to host host1 .* was lost: .* What was begun is put right by the next/,
    );
  }
});

test("cancelled before it has begun, it does nothing that stays", async () => {
  const signal = AbortSignal.abort(new Error("too late"));
  await expect(session.run("sleeping", "sleep 60", { signal })).rejects.toThrow("too late");
});

test("one whose time is over has failed, although what it started goes on", async () => {
  const marker = `605.0${process.pid}`;
  const command = session.run("sleeping", `sleep ${marker} & wait`, { timeoutMs: 2_000 });
  const failed = expect(command).rejects.toThrow(/sleeping on host1 failed .*2 s/);
  await expect.poll(() => running(marker), { timeout: 1_900 }).toBe("1");
  await failed;
  expect(await running(marker)).toBe("1");
  await execa("pkill", ["-f", `^sleep ${marker}`]);
});

test("one that gets more time when its own is over is waited for", async () => {
  const asked: number[] = [];
  const getsMoreTime = async () => asked.push(1) < 100;
  expect(
    await session.run("sleeping", "sleep 0.5; echo done", { timeoutMs: 100, getsMoreTime }),
  ).toMatchObject({
    stdout: "done",
  });
  expect(asked.length).toBeGreaterThan(1);
  const once = async () => asked.splice(0).length > 0;
  await expect(session.run("sleeping", "sleep 5", { timeoutMs: 100, getsMoreTime: once })).rejects.toThrow(
    "sleeping on host1 failed (no end after 0.1 s)",
  );
});

test("one that may be ended early is ended when its time is over", async () => {
  const { signal } = new AbortController();
  const marker = `606.0${process.pid}`;
  await expect(session.run("sleeping", `sleep ${marker} & wait`, { timeoutMs: 200, signal })).rejects.toThrow(
    "sleeping on host1 failed",
  );
  await expect.poll(() => running(marker)).toBe("0");
});

test("what is done on a host is noted where the environment says, without what it was given or printed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "commands-"));
  try {
    vi.stubEnv("KVM_MIGRATION_TESTBED_COMMANDS", join(folder, "noted"));
    await session.run("speaking", "cat", { input: "secret" });
    await session.run("failing", "exit 3", { allowFailure: true });
    await expect(session.run("sleeping", "sleep 5", { timeoutMs: 50 })).rejects.toThrow();
    const text = await readFile(join(folder, "noted"), "utf8");
    const noted = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(noted).toMatchObject([
      { host: "host1", doing: "speaking", exitCode: 0 },
      { host: "host1", doing: "failing", exitCode: 3 },
      { host: "host1", doing: "sleeping" },
    ]);
    expect(noted[2]).not.toHaveProperty("exitCode");
    expect(text).not.toContain("secret");
  } finally {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  }
});
