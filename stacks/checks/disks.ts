// Disks and network cards beside the first: what a guest, or its hosts, cannot have.
import { defaultBridge } from "../defaults.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { claim, clashes } from "./clashes.ts";
import { type Draft, guestsOf } from "./draft.ts";

export function guestDisks(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry: { disks = [], redo }, title, path }) => {
    const claims = disks.flatMap((disk, at) =>
      claim(disk?.name, `${title}'s disk ${at + 1}`, [...path, "disks", at, "name"]),
    );
    const split = "leave them out, or set redo: shared; redo is for life, so that takes another guest";
    return [
      ...clashes("name", claims, "give each disk of a guest a name of its own"),
      // Whether a saved memory belongs to its disks is seen where they all are.
      ...(redo === "local" && disks.length > 0
        ? [
            mistake(
              [...path, "disks"],
              "lie on the export, and what the system writes on the host (redo: local): a memory that was saved is kept only with all disks on one machine",
              split,
            ),
          ]
        : []),
    ];
  });
}

/** A bridge that the testbed does not make has to be there: a lab's hosts come without. */
export function nicBridges(draft: Draft): Mistake[] {
  if (!("lab" in draft)) return [];
  const own = draft.bridge?.name ?? defaultBridge;
  return guestsOf(draft).flatMap(({ entry: { nics = [] }, path }) =>
    nics.flatMap((nic, at) =>
      nic?.bridge === undefined || nic.bridge === own
        ? []
        : [
            mistake(
              [...path, "nics", at, "bridge"],
              `${nic.bridge} is on none of the lab's hosts`,
              `leave it out: they have ${own}`,
            ),
          ],
    ),
  );
}
