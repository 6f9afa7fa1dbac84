import { makeStateDirectory, stateFilePath } from "../../fleet/state-file.ts";
import { virsh } from "../../libvirt/virsh.ts";
import type { Moving } from "../context/moving.ts";
import { measureSteps, type PhaseEnd } from "../measuring/measure.ts";
import { noteDisk, writtenFiles } from "../reconciling/noted-disk.ts";
import { Watcher } from "../watching/watcher.ts";
import type { Mode } from "./mode.ts";

/** The guest is suspended to a file, which is copied, and resumes from it at the destination. */
export const offline: Mode = ({ moving, witness, watch }) => {
  const phaseEnds: PhaseEnd[] = [];
  let disks: string[] = [];
  return {
    async prepare() {
      disks = await writtenFiles(moving);
    },
    async begin() {
      await save(moving);
      await noteDisk(moving, disks);
      phaseEnds.push({ phase: "suspend", endMs: watch.nowMs() });
    },
    stepped(step) {
      if (step.do === "copy-overlay") phaseEnds.push({ phase: "storage", endMs: watch.nowMs() });
      if (step.do === "copy-state") phaseEnds.push({ phase: "copy", endMs: watch.nowMs() });
    },
    measure: async (endMs, clocks) => measureSteps(witness, phaseEnds, "resume", clocks, watch, endMs),
  };
};

/** Stops the guest and writes its memory to a state file at the source. Cancelled, or when its time is over, it goes on there. */
async function save(moving: Moving): Promise<void> {
  const { guest, uuid, source, timeoutMs, cancelled } = moving;
  await makeStateDirectory(source.session);
  cancelled.throwIfAborted();
  const watcher = new Watcher(moving, { unfinished: "its memory is not saved" });
  await watcher.during(() =>
    virsh(source.session, `saving the memory of guest ${guest}`, ["save", uuid, stateFilePath(uuid)], {
      // The watcher ends it; this is for a libvirtd that does not even answer to that.
      timeoutMs: timeoutMs + 60_000,
    }),
  );
}
