import { definitionPath, makeStateDirectory, stateFilePath } from "../../fleet/state-file.ts";
import { pastStaleJob } from "../../libvirt/stale-job.ts";
import { virshCommand } from "../../libvirt/virsh.ts";
import { quote } from "../../ssh/quote.ts";
import { peerCommand } from "../../ssh/remote-command.ts";
import type { Endpoint, Moving } from "../context/moving.ts";
import { followCopy, scpCommand } from "./copy-file.ts";

/** Copies state file and definition over SSH, from host to host, and defines the guest at the destination. */
export async function copyState(moving: Moving): Promise<void> {
  const { guest, uuid, source, destination, timeoutMs, cancelled } = moving;
  const [state, definition] = [stateFilePath(uuid), definitionPath(uuid)];
  await makeStateDirectory(destination.session);
  const progress = await followCopy(moving, "state file", state, `${state}.part`);
  const peer = `root@${destination.host.peerAddress}`;
  const arrive = `${virshCommand(["define", definition])} && sync ${quote(`${state}.part`)} && mv ${quote(`${state}.part`)} ${quote(state)}`;
  try {
    await source.session.run(
      `copying the state file of guest ${guest} to ${destination.name}`,
      // A run that was killed may have left its copy going: two writers of one file would spoil it.
      `set -e
exec 9> ${quote(`${state}.lock`)}
flock 9
${virshCommand(["dumpxml", "--security-info", "--inactive", "--migratable", uuid])} > ${quote(definition)}
scp -q -o BatchMode=yes ${quote(definition)} ${quote(`${peer}:${definition}`)}
${scpCommand(moving, state, `${state}.part`)}
${peerCommand(destination.host.peerAddress, arrive)}`,
      { timeoutMs, signal: cancelled },
    );
  } finally {
    await progress.stop();
  }
}

/** Loads the state file. The guest's CPUs do not run yet: until they do, the file is as good as new. */
export async function restorePaused(
  { guest, uuid, timeoutMs, tell }: Moving,
  { session }: Endpoint,
): Promise<void> {
  const restore = virshCommand(["restore", stateFilePath(uuid), "--paused"]);
  await pastStaleJob(session, uuid, tell, () =>
    session.run(`restoring guest ${guest} from its state file`, restore, { timeoutMs }),
  );
}
