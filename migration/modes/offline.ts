import { definitionPath, makeStateDirectory, stateFilePath } from "../../fleet/state-file.ts";
import { quote } from "../../libvirt/ssh-session.ts";
import { virsh, virshCommand } from "../../libvirt/virsh.ts";
import type { Moving, Station } from "../context/moving.ts";
import { type Border, measureSteps } from "../measuring/measure.ts";
import { followCopy, scpCommand } from "../settling/copy-file.ts";
import { noteDisk, writtenFiles } from "../settling/disk-stamp.ts";
import type { Mode } from "./mode.ts";
import { abortJob } from "./transfer.ts";

/** The guest is suspended to a file, which is copied, and resumes from it at the destination. */
export const offline: Mode = ({ moving, witness, watch }) => {
  const borders: Border[] = [];
  let disks: string[] = [];
  return {
    async prepare() {
      disks = await writtenFiles(moving);
    },
    async begin() {
      await save(moving);
      await noteDisk(moving, disks);
      borders.push({ phase: "suspend", endMs: watch.nowMs() });
    },
    stepped(step) {
      if (step.do === "copy-redo") borders.push({ phase: "storage", endMs: watch.nowMs() });
      if (step.do === "copy-state") borders.push({ phase: "copy", endMs: watch.nowMs() });
    },
    measure: async (endMs, clocks) => measureSteps(witness, borders, "resume", clocks, watch, endMs),
  };
};

/** Stops the guest and writes its memory to a state file at the source. Cancelled, or when its time is over, it goes on there. */
async function save(moving: Moving): Promise<void> {
  const { guest, uuid, source, timeoutMs, cancelled, tell } = moving;
  await makeStateDirectory(source.session);
  cancelled.throwIfAborted();
  let gaveUp: string | undefined;
  let ended = false;
  const giveUp = () => void abortJob(moving, () => ended).catch(() => {});
  const deadline = setTimeout(() => {
    gaveUp = `its memory is not saved after ${timeoutMs / 1000} s (migration.timeoutMs); giving up, it stays on ${source.name}`;
    tell(`${guest}: ${gaveUp}`);
    giveUp();
  }, timeoutMs);
  cancelled.addEventListener("abort", giveUp);
  try {
    await virsh(source.session, `saving the memory of guest ${guest}`, ["save", uuid, stateFilePath(uuid)], {
      // The deadline above ends it; this is for a libvirtd that does not even answer to that.
      timeoutMs: timeoutMs + 60_000,
    });
  } catch (error) {
    cancelled.throwIfAborted();
    if (gaveUp !== undefined) throw new Error(gaveUp, { cause: error });
    throw error;
  } finally {
    ended = true;
    clearTimeout(deadline);
    cancelled.removeEventListener("abort", giveUp);
  }
}

/** Copies state file and definition over SSH, from host to host, and defines the guest at the destination. */
export async function copyState(moving: Moving): Promise<void> {
  const { guest, uuid, source, destination, timeoutMs, cancelled } = moving;
  const [state, definition] = [stateFilePath(uuid), definitionPath(uuid)];
  await makeStateDirectory(destination.session);
  const progress = await followCopy(moving, "state file", state, `${state}.part`);
  const peer = `root@${destination.host.peerAddress}`;
  try {
    await source.session.run(
      `copying the state file of guest ${guest} to ${destination.name}`,
      // A run that was killed may have left its copy going: two writers of one file would spoil it.
      `set -e
exec 9> ${quote(`${state}.lock`)}
flock 9
${virshCommand(["dumpxml", "--security-info", "--inactive", uuid])} > ${quote(definition)}
scp -q -o BatchMode=yes ${quote(definition)} ${quote(`${peer}:${definition}`)}
${scpCommand(moving, state, `${state}.part`)}
ssh -o BatchMode=yes ${quote(peer)} ${quote(`${virshCommand(["define", definition])} && sync ${quote(`${state}.part`)} && mv ${quote(`${state}.part`)} ${quote(state)}`)}`,
      { timeoutMs, signal: cancelled },
    );
  } finally {
    await progress.stop();
  }
}

/** Loads the state file. The guest's CPUs do not run yet: until they do, the file is as good as new. */
export async function restorePaused({ guest, uuid, timeoutMs }: Moving, { session }: Station): Promise<void> {
  await session.run(
    `restoring guest ${guest} from its state file`,
    virshCommand(["restore", stateFilePath(uuid), "--paused"]),
    { timeoutMs },
  );
}
