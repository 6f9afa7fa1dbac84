import { execa } from "execa";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CommandFailed } from "../../../ssh/errors.ts";
import { quote } from "../../../ssh/quote.ts";
import { SshSession } from "../../../ssh/session.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

// The shell that stays on a host: scripts of a session that are run one after the other, by real shells on this machine.

useLocalSsh();
let session: SshSession;
beforeEach(async () => {
  session = await SshSession.open({ name: "host1", address: "here", port: 22, user: "root" });
});
afterEach(() => session.close());

const parentOf = () => session.run("looking", "echo $PPID").then(({ stdout }) => stdout);

test("scripts one after the other are run by one shell, and know nothing of each other", async () => {
  const first = await parentOf();
  await session.run("changing", "cd /; x=1; export y=2; set -e; trap 'echo bye' EXIT; exec 3>&1; umask 077");
  expect(await session.run("looking", 'pwd; echo "$x$y$-"; umask')).toMatchObject({
    stdout: `${process.cwd()}\nhBc\n0022`,
    stderr: "",
  });
  expect(await parentOf()).toBe(first);
});

test("those at the same time do not wait for one another", async () => {
  const parents = await Promise.all([parentOf(), parentOf(), parentOf()]);
  expect(new Set(parents).size).toBe(3);
  // The first waits for what only the last does.
  const file = `/tmp/host-shell-${process.pid}`;
  await Promise.all([
    session.run("waiting", `until [ -e ${file} ]; do sleep 0.01; done; rm ${file}`, { timeoutMs: 10_000 }),
    session.run("telling", `touch ${file}`),
  ]);
});

test("what a script prints and is given comes whole, whatever it is", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 200 }).map((said) => said.replaceAll("\0", ""));
  await fc.assert(
    fc.asyncProperty(text, text, text, fc.nat(255), async (out, error, input, code) => {
      const script = `printf %s ${quote(out)}; cat; printf %s ${quote(error)} >&2; exit ${code}`;
      const { stdout, stderr, exitCode } = await session.run("speaking", script, {
        input,
        allowFailure: true,
      });
      // As all commands': without a line's end at the end.
      const whole = (said: string) => said.replace(/\r?\n$/, "");
      expect({ stdout, stderr, exitCode }).toEqual({
        stdout: whole(out + input),
        stderr: whole(error),
        exitCode: code,
      });
    }),
    { numRuns: 100 },
  );
});

test.each([
  ["much output", "head -c 3000000 /dev/zero | tr '\\0' x", "", 3_000_000],
  ["a long script", `echo ${"x".repeat(100_000)}`, "", 100_000],
  ["much input", "cat", "x".repeat(300_000), 300_000],
  ["input that is not read", "echo done", "x".repeat(60_000), 4],
])("%s", async (_what, script, input, length) => {
  expect((await session.run("speaking", script, { input })).stdout).toHaveLength(length);
});

test("a script that is ended, or ends its shell, has failed; the next one gets another shell", async () => {
  const killed = session.run("sleeping", "kill -9 $$");
  await expect(killed).rejects.toThrow("sleeping on host1 failed (exit code 137)");
  const before = await parentOf();
  const failed = await session.run("ending", "echo so far; kill -9 $PPID; sleep 0.1").catch((error) => error);
  expect(failed).toBeInstanceOf(CommandFailed);
  expect(failed.command).toMatchObject({ host: "host1", stdout: "so far" });
  expect(await parentOf()).not.toBe(before);
});

test("one whose time is over does not answer for the next", async () => {
  const slow = session.run("sleeping", "sleep 1; echo late", { timeoutMs: 100 });
  await expect(slow).rejects.toThrow("sleeping on host1 failed (no end after 0.1 s)");
  expect((await session.run("speaking", "sleep 1.2; echo in time")).stdout).toBe("in time");
});

test("no shell is left when the session ends", async () => {
  const parents = await Promise.all([parentOf(), parentOf()]);
  await session.close();
  for (const pid of parents) expect((await execa("ps", ["-p", pid], { reject: false })).exitCode).toBe(1);
});
