import type { MigrationOptions } from "../../moves/options.ts";
import type { Station } from "../context/moving.ts";
import type { MigrationRequest } from "../context/request.ts";
import { measureAndChoose } from "./resolve-auto.ts";

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
