import { withSession } from "../ssh/session-pool.ts";
import { closeExport, type ExportClient } from "./fence-export.ts";
import { noteOff, rememberOff } from "./host-off.ts";
import { give, isOff, lookAtMachine, type SwitchCommands, type SwitchRequest, until } from "./switch-host.ts";
import type { Tell } from "./tell.ts";

export interface FenceRequest extends Omit<SwitchRequest, "commands"> {
  /** Each may be absent: what can't be asked is no proof. */
  commands: Partial<SwitchCommands>;
  /** Absent: it is not known from which address it mounts the export. */
  mounts?: ExportClient;
}

export interface Fenced {
  /** How it is known that the host can write to no disk. */
  proof: "power" | "export";
  /** When the proof was looked for, and when it was there (ISO, UTC). */
  begunAt: string;
  provedAt: string;
}

/**
 * Proves that a host which does not answer can write to no disk, so that its guests may be started elsewhere: it is off, or the export is
 * closed to it. Notes it, so that who looks for guests passes the host over.
 *
 * @throws when there is no proof, with what is missing
 */
export async function fenceHost(request: FenceRequest, tell: Tell): Promise<Fenced> {
  const { host, storage } = request;
  const begunAt = new Date().toISOString();
  const { proof, missing } = await firstProof(request, tell);
  if (proof === undefined)
    throw new Error(
      `It is not proved that ${host} can write to no disk, so none of its guests was started elsewhere: each would have two copies on one disk if it still runs. ` +
        `What is missing: ${missing.join("; ")}. If you have seen with your own eyes that it is off, say so: npm run forget-host (docs/hosts.md)`,
    );
  await withSession(storage.ssh, (session) => noteOff(session, storage, host, "lost"));
  rememberOff(storage, [host]);
  tell(`${host}: ${words[proof]}; its guests are started elsewhere`);
  return { proof, begunAt, provedAt: new Date().toISOString() };
}

const words = {
  power: "is off, as its power.status says",
  export: "may not be off, and its writes to the export are refused",
};

async function firstProof(
  request: FenceRequest,
  tell: Tell,
): Promise<{ proof?: Fenced["proof"]; missing: string[] }> {
  const power = await powerProof(request, tell);
  if (power === undefined) return { proof: "power", missing: [] };
  if ((await lookAtMachine(request.ssh)).state === "up") {
    const answers =
      "it answers over SSH, so its guests may run; leave it out of testbed:lost, and name it in drain to have it emptied";
    return { missing: [answers] };
  }
  tell(`${request.host}: its power proves nothing (${power}); closing the export to it`);
  const closed = await exportProof(request);
  return closed === undefined ? { proof: "export", missing: [] } : { missing: [power, closed] };
}

/** Undefined: a write as this host was refused, that was not before. */
async function exportProof({ storage, mounts }: FenceRequest): Promise<string | undefined> {
  if (mounts === undefined) return "from which address it mounts the export is not known";
  const reason = await closeExport(storage, mounts).catch((error: Error) => error.message);
  return reason && `the export could not be closed to it (${reason.replace(/\.$/, "")})`;
}

/** Undefined: its power says that it is off, after it was switched off if need be; else what is missing for that. */
async function powerProof(request: FenceRequest, tell: Tell): Promise<string | undefined> {
  const { host, ssh, commands, wakeSeconds } = request;
  const { status, off } = commands;
  if (status === undefined) return "a command that tells whether it is on (hosts[].power.status)";
  const switched: SwitchRequest = { ...request, commands: { on: "", ...commands, off: off ?? "", status } };
  try {
    if (await isOff(switched)) return undefined;
    if ((await lookAtMachine(ssh)).state === "up") return "power.status says that it is on";
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
