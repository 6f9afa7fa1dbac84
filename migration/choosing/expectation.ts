import { withFleet } from "../../fleet/observe.ts";
import { describe } from "../../prediction/describe.ts";
import type { Prediction } from "../../prediction/predict.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import { endpointOf } from "../context/moving.ts";
import { optionsNow } from "./options-now.ts";
import { predictMove } from "./predict-move.ts";

/** What is expected of a move. */
interface Expectation {
  /** In words. */
  text: string;
  predicted: Prediction;
}

/**
 * What a preview says of how long a move will take. Absent when that cannot be said: what speaks against the move is said by the preview
 * itself.
 */
export function expectationOf(request: MigrationRequest, from: string): Promise<Expectation | undefined> {
  const { fleet, to } = request;
  return withFleet(fleet, async (sessions) => {
    const source = endpointOf(fleet, sessions, from);
    const settled = await optionsNow(request, source, endpointOf(fleet, sessions, to));
    if (!settled) return undefined;
    const { options, measured } = settled;
    const { predicted } = await predictMove(request, options, source, measured);
    if (!predicted) return undefined;
    const chosen = request.options.mode === "auto" ? `${options.mode} as things are now, ` : "";
    return { text: `${chosen}${describe(predicted, options)}`, predicted };
  }).catch(() => undefined);
}
