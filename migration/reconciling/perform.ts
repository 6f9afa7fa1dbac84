import { discardOverlay } from "../../fleet/overlay.ts";
import { discardStateFiles } from "../../fleet/state-file.ts";
import { discardSave } from "../../libvirt/managed-save.ts";
import { pastStaleJob } from "../../libvirt/stale-job.ts";
import { undefine } from "../../libvirt/undefine.ts";
import { virsh } from "../../libvirt/virsh.ts";
import { type Endpoint, endpointNamed, type Moving } from "../context/moving.ts";
import { copyOverlay } from "./copy-overlay.ts";
import { copyState, restorePaused } from "./copy-state.ts";
import { defineAt } from "./define.ts";
import type { BootReason, End, Step, UnplannedBoot } from "./next-step.ts";
import { noteDiskLate } from "./noted-disk.ts";
import { resumePostcopy } from "./resume-postcopy.ts";
import { waitForJob } from "./wait-for-job.ts";

type HostStep = Exclude<Step, { do: "settled" | "settled-elsewhere" }>;

/** Does the one step that is due; returns what only it can tell. Throws CommandFailed. */
export async function perform(moving: Moving, step: HostStep): Promise<{ storageMiB?: number }> {
  if (step.do === "copy-overlay") return { storageMiB: await copyOverlay(moving) };
  await performOther(moving, step);
  return {};
}

async function performOther(moving: Moving, step: Exclude<HostStep, { do: "copy-overlay" }>): Promise<void> {
  const { guest, uuid } = moving;
  const endpoint = (at: End): Endpoint => moving[at];
  switch (step.do) {
    case "wait-for-job":
      return waitForJob(moving, endpoint(step.at));
    case "destroy":
      await virsh(endpoint(step.at).session, `ending the stale copy of guest ${guest}`, ["destroy", uuid]);
      return;
    case "undefine":
      await undefine(
        endpoint(step.at).session,
        `removing the definition of guest ${guest}`,
        uuid,
        moving.tell,
      );
      return;
    case "resume":
      await virsh(endpoint(step.at).session, `resuming guest ${guest}`, ["resume", uuid]);
      return;
    case "mark-resuming":
      return moving.intent.note({ phase: "resuming" });
    case "mark-begun":
      return moving.intent.note({ phase: "begun" });
    case "mark-returning":
      return moving.intent.note({ phase: "returning" });
    case "resume-postcopy":
      return resumePostcopy(moving);
    case "note-disk":
      return noteDiskLate(moving);
    case "copy-state":
      return copyState(moving);
    case "discard-save":
      moving.tell(
        `${guest}: its memory was saved on ${step.host}, and its disk was written to since; discarding it`,
      );
      await discardSave(endpointNamed(moving, step.host).session, guest, uuid);
      return;
    case "discard-overlay":
      return moving.localOverlay && discardOverlay(endpoint(step.at).session, moving.localOverlay);
    case "restore":
      return restorePaused(moving, endpoint(step.at));
    case "discard-state":
      await Promise.all([
        discardStateFiles(moving.source.session, uuid),
        discardStateFiles(moving.destination.session, uuid),
      ]);
      return;
    case "define":
      return defineAt(moving, step.at);
    case "start":
      return start(moving, endpoint(step.at), step.why);
    case "start-elsewhere":
      return start(moving, endpointNamed(moving, step.host), step.why);
  }
}

async function start(
  { guest, uuid, tell }: Moving,
  { name, session }: Endpoint,
  why: BootReason,
): Promise<void> {
  if (why === "saved") tell(`${guest}: someone saved its memory on ${name}; it goes on from there`);
  else if (isBoot(why)) tell(`${guest}: ${toldBoot[why]}; booting it anew on ${name}, from its disk`);
  await pastStaleJob(session, uuid, tell, () => virsh(session, `starting guest ${guest}`, ["start", uuid]));
}

export const isBoot = (why: BootReason): why is UnplannedBoot =>
  why !== "moved" && why !== "put back" && why !== "saved";

/** Why a guest that is moved with its memory was booted, in words that a record keeps. */
export const toldBoot: Record<UnplannedBoot, string> = {
  "memory lost": "its memory was lost on the way",
  "disk written":
    "its disk was written to after its memory had been saved, by someone who started it meanwhile: the saved memory was discarded",
  "shut down": "it had shut down on the way, from inside or by hand",
};
