// Options of moves that the mode, or another option, cannot do.
import { misfits, overlayMisfits } from "../../moves/misfits.ts";
import { defaultMode, type MigrationOptions } from "../../moves/options.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { type Draft, guestsOf } from "./draft.ts";

/** An option and the mode that cannot do it, or another option: said for all guests, or with the guest's own word in it. */
export function migrationOptions({ migration, ...draft }: Draft): Mistake[] {
  const all = { mode: defaultMode, ...migration } as MigrationOptions;
  const owners = [
    {
      options: all,
      said: Object.keys(migration ?? {}),
      path: ["migration"] as PropertyKey[],
      isLocal: false,
    },
    ...guestsOf(draft).map(({ entry, path }) => ({
      options: { ...all, ...entry.migration } as MigrationOptions,
      said: Object.keys(entry.migration ?? {}),
      path: [...path, "migration"],
      isLocal: entry.redo === "local",
    })),
  ];
  // Which options fit follows from the mode: nothing can be said of a mode that the schema refused.
  const judged = owners.filter(({ options }) => options.mode !== undefined);
  return judged.flatMap(({ options, said, path, isLocal }) => [
    ...misfits(options)
      .filter(({ option }) => said.includes(option))
      .map(({ option, problem, fix }) => mistake([...path, option], problem, fix)),
    // An option said for all guests holds for this one too: it is not left out silently.
    ...(isLocal ? overlayMisfits(options) : []).map(({ option, problem, fix }) =>
      mistake([...path, option], problem, fix),
    ),
  ]);
}
