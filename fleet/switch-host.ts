import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { virsh } from "../libvirt/virsh.ts";
import { HostUnreachable } from "../ssh/errors.ts";
import { quote } from "../ssh/quote.ts";
import { SshSession } from "../ssh/session.ts";
import { withSession, withSessions } from "../ssh/session-pool.ts";
import type { SshTarget } from "../ssh/target.ts";
import type { Fleet } from "./fleet.ts";
import { isNotedLost, notedOff, noteOff, rememberOff, strikeOff } from "./host-off.ts";
import type { Tell } from "./tell.ts";

/** How a host is switched, by commands of bash on this machine. They may hold passwords, so no message quotes them. */
export interface SwitchCommands {
  off: string;
  on: string;
  /** The last word that it prints is on or off. Absent: off is what does not answer over SSH, three times. */
  status?: string;
  /** It prints what the host draws. Absent: that is not asked. */
  meter?: string;
}

export interface SwitchRequest {
  host: string;
  ssh: SshTarget;
  storage: Fleet["storage"];
  commands: SwitchCommands;
  /** What the commands have in their environment beside HOST_NAME and HOST_ADDRESS. Default: nothing. */
  environment?: Readonly<Record<string, string>>;
  /** How long it may take until it answers, or is off. */
  wakeSeconds: number;
}

const lookEveryMs = 1_000;
/** A look at a host's power is no long matter. */
const statusSeconds = 60;
/** From the end of a command on, until what it printed is read. */
const lastWordsMs = 500;
/** One that is silent so often, with a pause between, is taken to be off. */
const silences = 3;

/**
 * Switches a host off, once it is seen that no guest runs there; waits until it is off. What an earlier run began is gone on with.
 *
 * @param look what is to be seen of it before the command is given
 * @returns whether it was on
 * @throws when a guest is there, the command fails, or the host does not go off in time
 */
export async function switchOff(
  request: SwitchRequest,
  tell: Tell,
  look: () => Promise<void> = async () => {},
): Promise<boolean> {
  const { host, storage, wakeSeconds } = request;
  if ((await isOff(request)) && (await notedOff(storage)).includes(host)) return false;
  await noteEmpty(request);
  await look();
  tell(`${host}: no guest is there; switching it off`);
  try {
    await give(request, "off", wakeSeconds);
    await until(() => isOff(request), wakeSeconds, `${host} was told to go off and is not off`);
  } catch (error) {
    // One that goes on is asked like any other.
    const isUp = await looksUp(request.ssh);
    if (isUp) await withSession(storage.ssh, (session) => strikeOff(session, storage, host));
    throw error;
  }
  // A connection to it may not have noticed yet.
  rememberOff(storage, [host]);
  tell(`${host}: is off`);
  return true;
}

/**
 * Switches a host on, unless it is, and waits until it answers.
 *
 * @returns which of its starts it is in, and whether it was off
 */
export async function switchOn(
  request: SwitchRequest,
  tell: Tell,
): Promise<{ boot: string; wasOff: boolean }> {
  const { host, ssh, storage, wakeSeconds } = request;
  let isGiven = false;
  let boot = "";
  const isUp = async () => {
    const look = await lookAtMachine(ssh);
    if (look.state === "up") boot = look.boot;
    else if (look.state === "silent" && !isGiven) {
      tell(`${host}: switching it on`);
      await give(request, "on", wakeSeconds);
      isGiven = true;
    }
    return look.state === "up";
  };
  await until(isUp, wakeSeconds, `${host} was told to go on and does not answer over SSH`);
  await refuseCopies(request);
  await withSession(storage.ssh, (session) => strikeOff(session, storage, host));
  if (isGiven) tell(`${host}: is on`);
  return { boot, wasOff: isGiven };
}

/** Whether a host is off: as its power's status says or, without one, since it is silent again and again. */
export async function isOff(request: SwitchRequest): Promise<boolean> {
  const { host, ssh, commands } = request;
  if (commands.status !== undefined) {
    const said = await give(request, "status", statusSeconds);
    const [, word] = /\b(on|off)\W*$/i.exec(said) ?? [];
    if (word === undefined)
      throw new Error(
        `Whether ${host} is on can't be told: the last word that power.status prints is neither on nor off (${said.trim().slice(-200) || "it prints nothing"}). Nothing was changed. Mend that command in the stack's config`,
      );
    return word.toLowerCase() === "off";
  }
  for (let count = 1; ; count++) {
    const { state } = await lookAtMachine(ssh);
    if (state !== "silent") return false;
    if (count === silences) return true;
    await sleep(lookEveryMs);
  }
}

type Look = { state: "up"; boot: string } | { state: "silent" | "neither" };

/** What ssh says of a machine from which nothing comes back. One that refuses is there. */
const silence = /timed out|No route to host|Host is down|no login within/i;

/** `neither`: it answers, and is not ready or about to go. */
export async function lookAtMachine(ssh: SshTarget): Promise<Look> {
  let session: SshSession | undefined;
  try {
    session = await SshSession.open(ssh);
    const { stdout } = await session.run(
      "seeing whether it is up",
      "cat /proc/sys/kernel/random/boot_id; systemctl is-system-running 2>/dev/null || true",
    );
    const [boot = "", state] = stdout.split("\n");
    return state === "stopping" ? { state: "neither" } : { state: "up", boot };
  } catch (error) {
    if (!(error instanceof HostUnreachable)) throw error;
    return { state: silence.test(error.stderr) ? "silent" : "neither" };
  } finally {
    await session?.close();
  }
}

const looksUp = async (ssh: SshTarget): Promise<boolean> =>
  (await lookAtMachine(ssh).catch(() => undefined))?.state === "up";

/** Notes that it is switched off; throws when a guest is there, whosever it is, or is on its way. */
const noteEmpty = ({ host, ssh, storage }: SwitchRequest): Promise<void> =>
  withBoth({ ssh, storage }, async (there, keeper) => {
    const guests = await guestsOn(there);
    if (guests.length > 0)
      throw new Error(
        `${host} is not switched off: ${guests.join(", ")} ${guests.length === 1 ? "runs" : "run"} there. Nothing was changed. Move ${guests.length === 1 ? "it" : "them"} away, or leave ${host} out of testbed:off`,
      );
    const folders = [storage.intentDirectory, storage.formerDirectory].filter((each) => each !== undefined);
    const { stdout: begun } = await keeper.run(
      `looking for moves from or to ${host}`,
      `grep -ls ${quote(`"${host}"`)} ${folders.map((folder) => `${quote(folder)}/*.json`).join(" ")} || true`,
    );
    if (begun.trim() !== "")
      throw new Error(
        `${host} is not switched off: a move from or to it was begun and not ended (${begun.trim().replaceAll("\n", ", ")} on ${storage.ssh.name}). Nothing was changed. Run \`pulumi up\` again, which ends it`,
      );
    await noteOff(keeper, storage, host, "switched off");
  });

/** A lost host that comes back must run no guest: each was started elsewhere, and would write to the same disk again. */
const refuseCopies = ({ host, ssh, storage }: SwitchRequest): Promise<void> =>
  withBoth({ ssh, storage }, async (there, keeper) => {
    if (!(await isNotedLost(keeper, storage, host))) return;
    const guests = await guestsOn(there);
    if (guests.length === 0) return;
    throw new Error(
      `${host} was lost, and still runs ${guests.join(", ")}: copies of before, while these guests were started elsewhere. It gets no access to their disks, and nothing was changed. ` +
        `End each of them there (virsh destroy), or start that host anew, and run \`pulumi up\` again`,
    );
  });

/** With connections to the host and to the storage host. */
const withBoth = <T>(
  { ssh, storage }: Pick<SwitchRequest, "ssh" | "storage">,
  use: (there: SshSession, keeper: SshSession) => Promise<T>,
): Promise<T> =>
  withSessions([ssh, storage.ssh], (sessions) =>
    use(sessions.get(ssh.name) as SshSession, sessions.get(storage.ssh.name) as SshSession),
  );

/** Whoever's they are. */
async function guestsOn(session: SshSession): Promise<string[]> {
  const { stdout } = await virsh(session, `looking for guests on ${session.target.name}`, ["list", "--name"]);
  return stdout.split("\n").filter(Boolean);
}

/** Runs one of the commands; returns what it prints. */
export async function give(
  request: SwitchRequest,
  which: keyof SwitchCommands,
  seconds: number,
): Promise<string> {
  const { printed, problem } = await tryCommand(request, which, seconds);
  if (problem === undefined) return printed;
  throw new Error(
    `The command power.${which} of ${request.host} failed: ${problem}. Mend it, or what it says, and run \`pulumi up\` again`,
  );
}

/** Runs one of the commands. `problem`: how it failed, which is no error yet. */
export async function tryCommand(
  { host, ssh, commands, environment }: SwitchRequest,
  which: keyof SwitchCommands,
  seconds: number,
): Promise<{ printed: string; problem?: string }> {
  // timeout ends what the command has started, too.
  const command = execa(
    "timeout",
    ["--kill-after=10", String(seconds), "bash", "-c", commands[which] ?? ""],
    { env: { HOST_NAME: host, HOST_ADDRESS: ssh.address, ...environment }, stdin: "ignore", reject: false },
  );
  // What it leaves running, such as a connection of ssh's that others use, may hold its output open.
  command.once("exit", () =>
    setTimeout(() => [command.stdout, command.stderr].map((each) => each.destroy()), lastWordsMs).unref(),
  );
  const { exitCode, stdout, stderr } = await command;
  if (exitCode === 0) return { printed: stdout };
  const how = exitCode === 124 ? `it did not end within ${seconds} s` : `exit code ${exitCode ?? "none"}`;
  // Where bash can't read a command, it quotes it.
  const said = (stderr.replaceAll(/^bash: -c: [^:]*: `.*'$/gm, "").trim() || stdout.trim()).slice(-1000);
  return { printed: stdout, problem: `${how}${said && `: ${said}`}` };
}

export async function until(
  condition: () => Promise<boolean>,
  seconds: number,
  otherwise: string,
): Promise<void> {
  const deadlineMs = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs)
      throw new Error(
        `${otherwise} after ${seconds} s. See its console; give it longer (hosts[].power.wakeSeconds), or mend what stops it, and run \`pulumi up\` again`,
      );
    await sleep(lookEveryMs);
  }
}
