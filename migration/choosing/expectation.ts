import { withFleet } from "../../fleet/observe.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import { describe } from "../../prediction/describe.ts";
import { type Station, stationOf } from "../context/moving.ts";
import type { MigrationRequest } from "../context/request.ts";
import { foreseeMove } from "./foresee-move.ts";
import { measureAndChoose } from "./resolve-auto.ts";

/**
 * What a preview says of how long a move will take, in words. Absent when that cannot be said: what speaks against the move is said by
 * the preview itself.
 */
export function expectation(request: MigrationRequest, from: string): Promise<string | undefined> {
  const { fleet, to } = request;
  return withFleet(fleet, async (sessions) => {
    const source = stationOf(fleet, sessions, from);
    const settled = await optionsNow(request, source, stationOf(fleet, sessions, to));
    if (!settled) return undefined;
    const { options, dirtyMiBps } = settled;
    const { predicted } = await foreseeMove(request, options, source, { dirtyMiBps });
    if (!predicted) return undefined;
    const chosen = request.options.mode === "auto" ? `${options.mode} as things are now, ` : "";
    return `${chosen}${describe(predicted, options)}`;
  }).catch(() => undefined);
}

/** The mode that `auto` would be; what the link carries is not measured for a preview, so something must have been sent before. */
export async function optionsNow(
  request: MigrationRequest,
  source: Station,
  destination: Station,
): Promise<{ options: MigrationOptions; dirtyMiBps?: number | undefined } | undefined> {
  const { mode, ...rest } = request.options;
  if (mode !== "auto") return { options: { ...rest, mode } };
  const { choice, dirtyMiBps, knowsRate } = await measureAndChoose(request, source, destination, false);
  return knowsRate && choice.kind === "move" ? { options: choice.options, dirtyMiBps } : undefined;
}
