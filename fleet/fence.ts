import { withSessions } from "../libvirt/session-pool.ts";
import type { SshSession } from "../libvirt/ssh-session.ts";
import { noteOff, rememberOff } from "./host-off.ts";
import { give, isOff, lookAt, type SwitchCommands, type SwitchRequest, until } from "./switch-host.ts";
import type { Tell } from "./tell.ts";

export interface FenceRequest extends Omit<SwitchRequest, "commands"> {
  /** Each may be absent: what can't be asked is no proof. */
  commands: Partial<SwitchCommands>;
}

export interface Fenced {
  /** How it is known that the host can write to no disk. */
  proof: "power";
  /** When the proof was looked for, and when it was there (ISO, UTC). */
  begunAt: string;
  provedAt: string;
}

/**
 * Proves that a host which does not answer is off, so that its guests may be started elsewhere; and notes it, so that who looks for guests
 * passes it over.
 *
 * @throws when it answers, or when there is no proof: then with what is missing
 */
export async function fence(request: FenceRequest, tell: Tell): Promise<Fenced> {
  const { host, storage } = request;
  const begunAt = new Date().toISOString();
  const missing = await powerProof(request, tell);
  if (missing !== undefined)
    throw new Error(
      `It is not proved that ${host} is off, so none of its guests was started elsewhere: each would have two copies on one disk if it still runs. ` +
        `What is missing: ${missing}. If you have seen with your own eyes that it is off, say so: npm run forget-host (docs/hosts.md)`,
    );
  await withSessions([storage.ssh], (sessions) =>
    noteOff(sessions.get(storage.ssh.name) as SshSession, storage, host),
  );
  rememberOff(storage, [host]);
  tell(`${host}: is off, as its power.status says; its guests are started elsewhere`);
  return { proof: "power", begunAt, provedAt: new Date().toISOString() };
}

/** Undefined: its power says that it is off, after it was switched off if need be; else what is missing for that. */
async function powerProof(request: FenceRequest, tell: Tell): Promise<string | undefined> {
  const { host, ssh, commands, wakeSeconds } = request;
  const { status, off } = commands;
  if (status === undefined) return "a command that tells whether it is on (hosts[].power.status)";
  const switched: SwitchRequest = { ...request, commands: { on: "", ...commands, off: off ?? "", status } };
  try {
    if (await isOff(switched)) return undefined;
    if ((await lookAt(ssh)).state === "up")
      return "it answers over SSH, so its guests may run; leave it out of testbed:lost, and name it in drain to have it emptied";
    if (off === undefined)
      return "power.status says that it is on, and there is no command to switch it off (hosts[].power.off)";
    tell(`${host}: does not answer and is on; switching it off`);
    await give(switched, "off", wakeSeconds);
    await until(() => isOff(switched), wakeSeconds, `${host} was told to go off and is not off`);
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  }
}
