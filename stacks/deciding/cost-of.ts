import type { MigrationOptions } from "../../moves/options.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { MoveCost } from "../../placement/terms/cluster.ts";
import { predict } from "../../prediction/predict.ts";
import type { ProposedMove } from "../../prediction/proposed-move.ts";
import type { MoveOptions } from "../config.ts";

/** What of a guest a prediction is made from. */
interface MovedGuest extends Omit<ProposedMove, "options" | "linkMiBps"> {
  options: MoveOptions;
}

/**
 * What a move of the guest is predicted to be like, with the prediction's own model. With `auto` it is the one that will be chosen: plain
 * pre-copy where that converges, else with post-copy.
 *
 * @param records earlier moves of the stack, newest first
 * @param known see `predict`: one for all guests of a stack
 */
export function costOf(
  { options, ...guest }: MovedGuest,
  records: readonly MigrationRecord[],
  known: Parameters<typeof predict>[2],
): MoveCost {
  const { mode, ...more } = options;
  const foresee = (how: MigrationOptions["mode"]): MoveCost => {
    const { totalMs, downtimeMs, converges } = predict(
      { ...guest, options: { ...more, mode: how } },
      records,
      known,
    );
    return { totalMs, downtimeMs, converges };
  };
  if (mode !== "auto") return foresee(mode);
  const live = foresee("live");
  return live.converges ? live : foresee("hybrid");
}
