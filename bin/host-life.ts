import { setTimeout as sleep } from "node:timers/promises";
import { virshCommand } from "../libvirt/virsh.ts";
import { HostUnreachable } from "../ssh/errors.ts";
import { SshSession } from "../ssh/session.ts";
import { withSession } from "../ssh/session-pool.ts";
import type { SshTarget } from "../ssh/target.ts";

// A host that is told to do something, and may go down for it.

/** What tells one boot of a host from another: a container has its machine's boot id, and a first process of its own. */
const bootScript = `
boot=$(cat /proc/sys/kernel/random/boot_id)
read -r stat </proc/1/stat; set -- \${stat##*)}
state=$(systemctl is-system-running 2>/dev/null)
[ ! -e /run/systemd/shutdown/scheduled ] || state=stopping
${virshCommand(["uri"])} >/dev/null 2>&1 || state=\${state:-unknown}-without-libvirt
echo "$boot-\${20} $state"`;

/** What a host says of itself. */
interface HostLife {
  /** Changes with each boot. */
  boot: string;
  /** As systemd says: running, degraded, starting, stopping, … */
  state: string;
}

export async function lifeOf(target: SshTarget): Promise<HostLife> {
  const session = await SshSession.open(target);
  try {
    const { stdout } = await session.run("asking whether it is up", bootScript, { timeoutMs: 20_000 });
    const [boot = "", state = ""] = stdout.trim().split(" ");
    return { boot, state };
  } finally {
    await session.close();
  }
}

/** Whether it serves: `degraded` is a unit that failed, which need not be of our concern. */
export const serves = ({ state }: HostLife): boolean => state === "running" || state === "degraded";

/** Whether a host that was as `before` is done with what it was told: it serves, and does not go down first. */
export const isBack = (now: HostLife | undefined, goesDown: boolean, before: HostLife): boolean =>
  now !== undefined && serves(now) && (!goesDown || now.boot !== before.boot);

/** How a command on a host ended: with an exit code, or (undefined) with the connection. */
export async function runOn(
  target: SshTarget,
  command: string,
  onLine: (line: string) => void,
): Promise<number | undefined> {
  const end = `maintenance-ended-${process.pid}`;
  let exitCode: number | undefined;
  await withSession(target, (session) =>
    session
      .follow(`( ${command}\n) </dev/null 2>&1; echo "${end} $?"`, (line) => {
        if (line.startsWith(`${end} `)) exitCode = Number(line.slice(end.length));
        else onLine(line);
      })
      .ended.catch(() => {}),
  );
  return exitCode;
}

/**
 * Waits until a host serves again. One that goes down, or has lost its connection, must have booted since.
 *
 * @throws when it takes longer than `waitMs`
 */
export async function waitForHost(
  target: SshTarget,
  before: HostLife,
  lostConnection: boolean,
  waitMs: number,
): Promise<{ booted: boolean }> {
  const untilMs = performance.now() + waitMs;
  let goesDown = lostConnection;
  let last = "it did not answer";
  while (true) {
    const now = await lifeOf(target).catch((error: Error) => {
      last = error.message;
      if (error instanceof HostUnreachable) goesDown = true;
    });
    if (now) last = `it is ${now.state}${now.boot === before.boot ? ", and has not booted" : ""}`;
    goesDown ||= now?.state.startsWith("stopping") ?? false;
    if (isBack(now || undefined, goesDown, before)) return { booted: now?.boot !== before.boot };
    if (performance.now() > untilMs)
      throw new Error(`${target.name} is not back after ${Math.round(waitMs / 60_000)} min: ${last}`);
    await sleep(2_000);
  }
}
