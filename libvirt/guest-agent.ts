import { setTimeout as sleep } from "node:timers/promises";
import type { ClockReading, SshSession } from "../ssh/session.ts";
import { virsh, virshCommand } from "./virsh.ts";

/** Starts a program inside a guest and does not wait for its end. False: the guest has no agent, or one that does not do that. */
export async function startInGuest(
  session: SshSession,
  doing: string,
  uuid: string,
  [path, ...arg]: readonly [string, ...string[]],
): Promise<boolean> {
  const command = JSON.stringify({ execute: "guest-exec", arguments: { path, arg } });
  const { exitCode } = await virsh(
    session,
    doing,
    ["qemu-agent-command", uuid, "--timeout", "5", "--cmd", command],
    { allowFailure: true },
  );
  return exitCode === 0;
}

/**
 * Runs a program inside a guest, and returns what it printed.
 *
 * @param timeoutMs how long it may take
 * @returns undefined: the guest has no agent, or one that does not do that; or the program failed, or was not done in time
 */
export async function readInGuest(
  session: SshSession,
  doing: string,
  uuid: string,
  [path, ...arg]: readonly [string, ...string[]],
  timeoutMs: number,
): Promise<string | undefined> {
  const deadlineMs = performance.now() + timeoutMs;
  const ask = async (execute: string, given: object) => {
    const command = JSON.stringify({ execute, arguments: given });
    const said = await virsh(
      session,
      doing,
      ["qemu-agent-command", uuid, "--timeout", "2", "--cmd", command],
      { allowFailure: true, timeoutMs: Math.max(1, deadlineMs - performance.now()) },
    );
    return said.exitCode === 0
      ? (JSON.parse(said.stdout) as { return: Record<string, unknown> }).return
      : undefined;
  };
  const begun = await ask("guest-exec", { path, arg, "capture-output": true });
  while (begun && performance.now() < deadlineMs) {
    const status = await ask("guest-exec-status", { pid: begun.pid });
    if (!status || (status.exited && status.exitcode !== 0)) return undefined;
    if (status.exited) return Buffer.from(String(status["out-data"] ?? ""), "base64").toString();
    await sleep(50);
  }
  return undefined;
}

const clockLooks = 3;

/**
 * How far a guest's wall clock is ahead of its host's. Of some looks the shortest decides; half of what it took is the uncertainty.
 *
 * @returns undefined: the guest has no agent, or it does not answer
 */
export async function readGuestClock(
  session: SshSession,
  doing: string,
  uuid: string,
): Promise<ClockReading | undefined> {
  const look = virshCommand([
    "qemu-agent-command",
    uuid,
    "--timeout",
    "2",
    "--cmd",
    '{"execute":"guest-get-time"}',
  ]);
  const script = `for look in ${Array.from({ length: clockLooks }, (_, i) => i).join(" ")}; do
  before=$EPOCHREALTIME; said=$(${look}) || exit 1; echo "$before $EPOCHREALTIME $said"
done`;
  const { stdout } = await session.run(doing, script, { allowFailure: true, timeoutMs: 10_000 });
  const looks = [...stdout.matchAll(/^(\d+)[.,](\d+) (\d+)[.,](\d+) \{"return":\s*(\d+)\}$/gm)].map(
    ([, from, fromUs, to, toUs, nanoseconds]) => {
      const [beforeMs, afterMs] = [Number(`${from}.${fromUs}`) * 1000, Number(`${to}.${toUs}`) * 1000];
      return {
        offsetMs: Number(nanoseconds) / 1e6 - (beforeMs + afterMs) / 2,
        uncertaintyMs: (afterMs - beforeMs) / 2,
      };
    },
  );
  return looks.sort((a, b) => a.uncertaintyMs - b.uncertaintyMs)[0];
}
