import type { Belongings } from "../../../libvirt/belongings.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** libvirt moves no guest of which it knows snapshots or checkpoints: what it knows stays behind with a definition. */
function snapshotCheck(
  guest: string,
  source: string,
  { snapshots, checkpoints }: Pick<Belongings, "snapshots" | "checkpoints">,
): Check {
  const all = [
    ...snapshots.map((name) => `snapshot ${name}`),
    ...checkpoints.map((name) => `checkpoint ${name}`),
  ];
  const kind = snapshots.length > 0 ? "snapshot" : "checkpoint";
  const [first] = snapshots.length > 0 ? snapshots : checkpoints;
  return all.length === 0
    ? passed("snapshots", "libvirt knows of none, and of no checkpoint")
    : failed(
        "snapshots",
        `${guest} has ${all.join(", ")} on ${source}, which cannot move along: remove what is not needed any more (virsh ${kind}-delete ${guest} ${first}; ` +
          "with --metadata the data stays in the image, and libvirt alone forgets it)",
      );
}

export const snapshots: PreflightCheck = {
  lasts: true,
  judge: ({ request, source, belongings }) => snapshotCheck(request.guest, source.name, belongings),
};
